// Package impl_test keeps the direction of the code: api → gen → httpapi → domain → session, audit and the pure packages
// → store.
package impl_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport/"

// layers lists, for each package of impl, the packages of impl that it may import. fault may be imported by all.
var layers = map[string][]string{
	"fault":                {},
	"filterpath/pretty":    {},
	"filterpath":           {"overload/wildcard", "overload/work"},
	"duration":             {},
	"mergepatch":           {},
	"strictjson":           {},
	"secret":               {"overload"},
	"identity":             {},
	"keyquery":             {"overload/wildcard", "overload/work", "xcontent"},
	"lockout":              {},
	"metrics":              {},
	"admin":                {},
	"tracing":              {},
	"certificate":          {"secret"},
	"overload":             {},
	"overload/wildcard":    {},
	"overload/work":        {},
	"connections":          {},
	"password":             {"secret"},
	"xcontent":             {},
	"roledescriptor":       {"privilege", "strictjson", "xcontent"},
	"privilege":            {"overload/wildcard", "overload/work"},
	"role":                 {"audit", "identity", "roledescriptor", "store", "strictjson"},
	"applicationprivilege": {"audit", "privilege", "store", "strictjson"},
	"access":               {"applicationprivilege", "identity", "overload/work", "privilege", "role", "roledescriptor", "store"},
	"saml/hostile":         {},
	"totp":                 {},
	"saml/protocol":        {},
	"store":                {"identity", "lockout", "overload", "secret"},
	"store/storetest":      {"identity", "lockout", "store", "store/postgrestest"},
	"store/postgrestest":   {},
	"audit":                {"store"},
	"guard":                {"audit", "lockout", "store"},
	"session":              {"audit", "secret", "store"},
	"account":              {"audit", "mergepatch", "secret", "store"},
	"user":                 {"audit", "guard", "identity", "mergepatch", "overload", "password", "secret", "store"},
	"elevation":            {"audit", "guard", "identity", "secret", "session", "store", "totp"},
	"rekey":                {"audit", "elevation", "secret", "session", "store"},
	"apikey":               {"access", "audit", "duration", "identity", "keyquery", "role", "roledescriptor", "secret", "store", "strictjson"},
	"auth":                 {"apikey", "audit", "identity", "overload", "secret", "session", "store", "user"},
	"saml":                 {"audit", "guard", "identity", "lockout", "overload", "overload/wildcard", "saml/protocol", "secret", "session", "store", "user"},
	"httpapi":              {"access", "account", "apikey", "applicationprivilege", "audit", "auth", "duration", "elevation", "filterpath", "filterpath/pretty", "identity", "keyquery", "overload", "privilege", "role", "roledescriptor", "saml", "secret", "session", "store", "strictjson", "tracing", "user", "xcontent"},
	"config":               {"apikey", "elevation", "lockout", "saml", "secret", "session", "store"},
	"app":                  {"access", "account", "apikey", "applicationprivilege", "auth", "elevation", "guard", "httpapi", "lockout", "metrics", "role", "saml", "secret", "session", "store", "tracing", "user"},

	// Programs and helpers of tests.
	"httpapi/costtest":       {},
	"httpapi/costtest/probe": {"app", "elevation", "httpapi", "httpapi/costtest", "lockout", "secret", "session", "user"},
}

// only lists what one package of the module keeps to itself: an import path's beginning, and who may import it.
var only = map[string]string{
	"github.com/labstack/echo":         "impl/httpapi gen/server",
	"github.com/getkin/kin-openapi":    "impl/httpapi",
	module + "gen/server":              "impl/httpapi",
	"database/sql":                     "impl/store impl/metrics", // metrics for what the store says of its pools
	"modernc.org/sqlite":               "impl/store",
	"github.com/jackc/pgx":             "impl/store impl/store/postgrestest",
	"github.com/pressly/goose":         "impl/store",
	"github.com/golang-jwt/jwt":        "impl/session",
	"golang.org/x/crypto":              "impl/secret",
	"golang.org/x/time":                "impl/lockout",
	"github.com/pquerna/otp":           "impl/totp",
	"github.com/beevik/etree":          "impl/saml/protocol",
	"github.com/russellhaering":        "impl/saml/protocol",
	"github.com/mdp/qrterminal":        "cmd/sallyport",
	"github.com/prometheus":            "impl/metrics",
	"go.opentelemetry.io":              "impl/tracing",
	"github.com/spf13/cobra":           "cmd/sallyport",
	"github.com/knadh/koanf":           "impl/config",
	"go.yaml.in/yaml":                  "impl/saml",
	"github.com/oapi-codegen/runtime":  "gen/client gen/server",
	"github.com/oapi-codegen/nullable": "",
}

func goList(t *testing.T, arguments ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, arguments...)...)
	command.Dir = ".."
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// imports returns what each package of the module imports, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		path, list, _ := strings.Cut(line, " ")
		found[strings.TrimPrefix(path, module)] = strings.Fields(list)
	}
	return found
}

// Ensures that no package imports one that is above it, and that a new package is given its place.
func TestDirection(t *testing.T) {
	for path, list := range imports(t) {
		name, ours := strings.CutPrefix(path, "impl/")
		if !ours {
			continue
		}
		allowed, known := layers[name]
		if !known {
			t.Errorf("impl/%s has no place in the table of layers", name)
		}
		for _, imported := range list {
			below, ours := strings.CutPrefix(imported, module+"impl/")
			if ours && below != "fault" && !slices.Contains(allowed, below) {
				t.Errorf("impl/%s imports impl/%s", name, below)
			}
		}
	}
}

// Ensures that what may have to be replaced one day is known to one package only.
func TestOnly(t *testing.T) {
	for path, list := range imports(t) {
		for prefix, owners := range only {
			uses := slices.ContainsFunc(list, func(s string) bool { return s == prefix || strings.HasPrefix(s, prefix+"/") })
			if uses && !slices.Contains(strings.Fields(owners), path) {
				t.Errorf("%s imports %s, which is for %q", path, prefix, owners)
			}
		}
	}
}

// Ensures that whoever uses the client pulls in nothing of the server.
func TestClientIsLight(t *testing.T) {
	for _, path := range goList(t, "-deps", "./gen/client") {
		for _, heavy := range []string{"labstack", "getkin", "modernc.org", "pressly/goose", "spf13/cobra", module + "impl", module + "gen/server"} {
			if strings.Contains(path, heavy) {
				t.Errorf("gen/client depends on %s", path)
			}
		}
	}
}
