// Package impl_test checks the direction of imports: the HTTP edge → authn, apikey, saml, account → authz, audit →
// store and platform.
package impl_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport/"

// layers maps each package of impl to the packages of impl that it may import. All packages may import fault.
var layers = map[string][]string{
	"fault":              {},
	"http":               {},
	"http/convert":       {},
	"http/compatibility": {},
	"http/conformance":   {"http/compatibility", "http/contract", "platform/printable"},
	"http/console":       {"platform/webpage"},
	"http/crossorigin":   {},
	"http/contract":      {"http/contract/schemacheck", "platform/strictjson"},
	"http/edge": {"platform/outcome", "audit", "authn", "authn/elevation", "authn/identity", "authn/user",
		"http/contract", "platform/admission", "platform/admission/work", "platform/secret", "platform/tracing"},
	"http/ece": {"account", "apikey", "audit", "authn", "authn/elevation", "authn/identity", "authn/session",
		"authn/user", "http/compatibility", "http/contract", "http/convert", "http/edge", "platform/strictjson", "saml",
		"store"},
	"http/elastic": {"account", "apikey", "query", "authn", "authn/elevation", "authn/identity", "authn/profile",
		"authn/servicetoken", "authz/serviceaccount", "authn/user", "authz/access", "authz/applicationprivilege", "authz/privilege", "authz/role", "authz/roledescriptor",
		"authz/rolemapping", "http/compatibility", "http/contract", "http/convert", "http/edge", "http/elastic/filterpath",
		"http/elastic/filterpath/pretty", "platform/duration", "platform/strictjson", "platform/xcontent", "saml", "store"},
	"http/navigation":                {"platform/webpage"},
	"http/reference":                 {"platform/webpage"},
	"http/contract/schemacheck":      {},
	"http/contract/baseline":         {}, // for benchmarks
	"http/elastic/filterpath/pretty": {},
	"http/elastic/filterpath":        {"platform/admission/wildcard", "platform/admission/work"},
	"platform/dn":                    {},
	"platform/duration":              {},
	"platform/mergepatch":            {},
	"platform/metadata":              {},
	"platform/strictjson":            {},
	"platform/strictyaml":            {},
	"platform/secret":                {"platform/admission"},
	"authn/identity":                 {},
	"query": {"platform/admission/wildcard", "platform/admission/work", "platform/xcontent",
		"store/condition"},
	"store/condition":             {},
	"platform/logging":            {},
	"platform/metrics":            {},
	"platform/admin":              {},
	"platform/tracing":            {},
	"platform/background":         {},
	"platform/certificate":        {"platform/secret"},
	"platform/admission":          {},
	"platform/admission/wildcard": {},
	"platform/admission/work":     {},
	"platform/outcome":            {},
	"platform/connections":        {},
	"authn/password":              {"platform/secret"},
	"platform/xcontent":           {},
	"platform/printable":          {},
	"platform/suggest":            {},
	"platform/webpage":            {},
	"authz/roledescriptor":        {"platform/metadata", "authz/privilege", "platform/strictjson", "platform/xcontent"},
	"authz/privilege":             {"platform/admission/wildcard", "platform/admission/work"},
	"authz/role": {"audit", "authn/identity", "authz/privilege", "authz/roledescriptor", "platform/metadata", "query",
		"platform/strictjson", "store"},
	"authz/applicationprivilege": {"platform/metadata", "audit", "authz/privilege", "store", "platform/strictjson"},
	"authz/rolemapping": {"audit", "authn/identity", "authz/privilege", "platform/admission/work", "platform/dn",
		"platform/metadata", "platform/strictjson", "platform/xcontent", "store"},
	"authz/serviceaccount": {"authz/roledescriptor"},
	"authz/access": {"authz/applicationprivilege", "authn/identity", "platform/admission/work",
		"authz/privilege", "authz/role", "authz/roledescriptor", "authz/serviceaccount", "store"},
	"saml/samltest":        {},
	"authn/elevation/totp": {},
	"saml/protocol":        {},
	"store":                {"authn/identity", "platform/admission", "platform/background", "platform/secret", "store/condition"},
	"store/storetest":      {"store", "store/postgrestest"},
	"store/postgrestest":   {},
	"audit":                {"platform/background", "store"},
	"authn/attempts":       {"audit", "platform/admission", "store"},
	"authn/sealing":        {"audit", "platform/secret", "store"},
	"authn/session":        {"audit", "authn/sealing", "platform/background", "platform/outcome", "platform/secret", "store"},
	"authn/profile":        {"audit", "authn/identity", "authn/user", "platform/admission/work", "platform/strictjson", "store"},
	"authn/servicetoken":   {"audit", "platform/outcome", "authn/identity", "authz/serviceaccount", "platform/secret", "store"},
	"account":              {"audit", "platform/mergepatch", "platform/secret", "store"},
	"authn/user": {"platform/outcome", "platform/metadata", "audit", "authn/attempts", "authn/identity", "platform/mergepatch", "query",
		"platform/admission", "authn/password", "platform/background", "platform/secret", "store"},
	"authn/elevation": {"audit", "authn/attempts", "authn/identity", "platform/outcome", "platform/secret", "authn/session", "store",
		"authn/elevation/totp"},
	"authn/rekey": {"audit", "authn/elevation", "authn/sealing", "platform/secret", "authn/session", "store"},
	"apikey": {"platform/metadata", "authz/access", "audit", "platform/duration", "authn/identity", "query",
		"authz/privilege", "authz/role", "authz/roledescriptor", "platform/outcome", "platform/secret", "store",
		"platform/strictjson", "store/condition"},
	"authn": {"apikey", "audit", "authn/elevation", "authn/identity", "platform/admission", "platform/outcome",
		"platform/secret", "authn/session", "store",
		"authn/servicetoken", "authn/user"},
	"saml": {"audit", "authn/attempts", "authn/identity", "authz/rolemapping", "platform/admission",
		"platform/admission/wildcard", "platform/dn",
		"saml/protocol", "platform/background", "platform/outcome", "platform/secret", "platform/strictyaml", "authn/session", "store",
		"authn/user"},
	"config": {"apikey", "http/compatibility", "audit", "authn/elevation", "authn/attempts", "authn/password", "authn/user", "saml", "platform/secret", "platform/strictyaml", "platform/suggest",
		"authn/session", "store"},
	"app": {"authz/access", "account", "config", "apikey", "audit", "platform/background", "authz/applicationprivilege", "authn", "authn/elevation",
		"authn/attempts", "http/console", "http/contract", "http/crossorigin", "http/ece", "http/edge", "http/elastic", "http/navigation", "http/reference",
		"authn/attempts", "authn/profile", "authn/servicetoken", "platform/metrics",
		"authz/privilege", "authz/role", "authz/rolemapping", "http/compatibility", "saml", "platform/secret", "authn/session", "store", "platform/tracing", "authn/user"},

	// The client, which programs import: it needs the generated client and nothing of the server.
	"client": {},

	// Test support: packages that others import in their tests, and what they are made of.
	"http/control":    {"app", "http/contract", "http/edge", "platform/secret", "platform/xcontent"},
	"http/controlapi": {"app", "http/contract", "http/control", "platform/secret", "platform/strictjson", "seed"},
	"sallyporttest": {"apikey", "app", "authn/elevation/totp", "authn/identity", "authn/user", "authz/access",
		"authz/privilege", "authz/roledescriptor", "config", "http/control", "http/controlapi", "http/edge", "platform/secret",
		"platform/strictjson"},

	// Programs and helpers of tests.
	"http/costtest": {},
	"seed":          {"apikey", "app", "authn/identity", "authn/password", "authn/user", "authz/privilege", "authz/role", "authz/roledescriptor", "platform/strictyaml"},
	"http/costtest/probe": {"app", "authn/elevation", "http/compatibility", "http/contract", "http/ece", "http/edge", "http/elastic",
		"http/costtest", "authn/attempts", "platform/secret", "authn/session", "authn/user"},
}

// only lists the packages that may import a package: the key is the beginning of an import path.
var only = map[string]string{
	"github.com/labstack/echo": "impl/http/ece impl/http/edge impl/http/elastic gen/ece " +
		"impl/http/contract/baseline",
	"github.com/getkin/kin-openapi":    "impl/http/contract impl/http/contract/schemacheck",
	module + "gen/ece":                 "impl/http/ece",
	module + "gen/control":             "impl/http/controlapi",
	module + "impl/http/control":       "impl/http/controlapi impl/sallyporttest cmd/sallyport", // there in dev.go only
	module + "impl/http/controlapi":    "impl/sallyporttest cmd/sallyport",
	module + "impl/sallyporttest":      "",
	module + "gen/elastic":             "impl/http/elastic",
	"database/sql":                     "impl/store impl/platform/metrics", // metrics for what the store says of its pools
	"modernc.org/sqlite":               "impl/store",
	"github.com/jackc/pgx":             "impl/store impl/store/postgrestest",
	"github.com/pressly/goose":         "impl/store",
	"github.com/golang-jwt/jwt":        "impl/authn/session",
	"golang.org/x/crypto":              "impl/platform/secret",
	"golang.org/x/time":                "impl/authn/attempts",
	"github.com/pquerna/otp":           "impl/authn/elevation/totp",
	"github.com/beevik/etree":          "impl/saml/protocol",
	"github.com/russellhaering":        "impl/saml/protocol",
	"github.com/mdp/qrterminal":        "cmd/sallyport",
	"github.com/prometheus":            "impl/platform/metrics",
	"go.opentelemetry.io":              "impl/platform/tracing",
	"github.com/spf13/cobra":           "cmd/sallyport",
	"go.yaml.in/yaml":                  "impl/platform/strictyaml impl/http/reference cmd/sallyport", // there in output.go only
	"github.com/oapi-codegen/runtime":  "gen/client gen/control gen/ece gen/elastic impl/http/contract/baseline",
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

// Ensures that no package imports one above it, and that a new package has an entry in the table.
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

// Ensures that a reader finds few folders directly below this one.
func TestFolders(t *testing.T) {
	const most = 16
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	folders := slices.DeleteFunc(entries, func(each os.DirEntry) bool { return !each.IsDir() })
	if len(folders) > most {
		t.Errorf("there are %d folders, at most %d are allowed: %v", len(folders), most, folders)
	}
}

// Ensures that only one package depends on what may have to be replaced one day.
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

// cheapHashing matches what makes passwords cheap to guess: another cost of hashing than the default.
var cheapHashing = regexp.MustCompile(`\bsecret\.Cost\b|\bDefaultCost\.|&(secret\.)?DefaultCost\b`)

// Ensures that of the program's files only that of dev can control a server: serve has nothing that could.
func TestControl_DevOnly(t *testing.T) {
	files, err := filepath.Glob("../cmd/sallyport/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range files {
		if strings.Contains(read(t, path), module+"impl/http/control") {
			found = append(found, filepath.Base(path))
		}
	}
	if !slices.Equal(found, []string{"dev.go"}) {
		t.Errorf("control is imported by %v", found)
	}

	// Another file could call a function of that one.
	uses := regexp.MustCompile(`\b(dev|newDev|openDev|devServer|controlled)[({]`)
	for _, path := range files {
		name := filepath.Base(path)
		if name == "dev.go" || name == "root.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if use := uses.FindString(read(t, path)); use != "" {
			t.Errorf("%s has %s", name, use)
		}
	}
}

// Ensures that only test support can make hashing cheap, and that the program contains none of it: no setting can then.
func TestCheapHashing(t *testing.T) {
	for source, want := range map[string]bool{
		"Hashing: secret.Cost{Memory: 8}": true, "secret.DefaultCost.Memory = 8": true, "change(&DefaultCost)": true,
		"Hashing: secret.DefaultCost,": false,
	} {
		t.Run(source, func(t *testing.T) {
			if cheapHashing.MatchString(source) != want {
				t.Errorf("found is %t", !want)
			}
		})
	}

	found := map[string]bool{}
	for _, root := range []string{".", "../cmd", "../docs"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				found[path] = cheapHashing.MatchString(read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, cheap := range found {
		allowed := path == "app/app.go" || // declares the field, which the configuration sets to the default
			path == "http/costtest/probe/main.go" || strings.HasPrefix(path, "sallyporttest/")
		if cheap && !allowed {
			t.Errorf("%s can make password hashing cheap", path)
		}
	}
	if !found["sallyporttest/sallyporttest.go"] {
		t.Error("the cost of hashing in tests was not found")
	}

	for _, path := range goList(t, "-deps", "./cmd/sallyport") {
		for _, support := range []string{"impl/sallyporttest", "impl/http/costtest"} {
			if strings.HasPrefix(path, module+support) {
				t.Errorf("the program contains %s", path)
			}
		}
		if path == "testing" {
			t.Error("the program contains the package testing")
		}
	}
}

// lightModules are the modules that the clients may need: this one, oapi-codegen's runtime, and what that needs.
var lightModules = []string{
	strings.TrimSuffix(module, "/"), "github.com/oapi-codegen/runtime", "github.com/apapsch/go-jsonmerge/v2",
	"github.com/google/uuid",
}

// Ensures that programs that use the clients, as those in the documents do, get none of the server's packages and
// modules with them.
func TestClientIsLight(t *testing.T) {
	for _, root := range []string{"gen/client", "impl/client", "docs/client", "docs/service"} {
		t.Run(root, func(t *testing.T) {
			for _, line := range goList(t, "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}", "./"+root) {
				path, from, _ := strings.Cut(line, " ")
				if from != "" && !slices.Contains(lightModules, from) {
					t.Errorf("%s depends on the module %s", root, from)
				}
				ours, inside := strings.CutPrefix(path, module)
				if inside && !slices.Contains([]string{root, "gen/client", "impl/client"}, ours) {
					t.Errorf("%s depends on %s", root, ours)
				}
			}
		})
	}
}
