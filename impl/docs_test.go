package impl_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/privilege"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows returns the README's table rows that begin with a code span which matches.
func rows(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `"+pattern+"` \\|.*$").FindAllString(read(t, "../README.md"), -1) {
		found[row] = true
	}
	return found
}

func compare(t *testing.T, rows, want map[string]bool) {
	t.Helper()
	for row := range want {
		if !rows[row] {
			t.Errorf("README.md lacks the row\n%s", row)
		}
	}
	for row := range rows {
		if !want[row] {
			t.Errorf("README.md has the row\n%s", row)
		}
	}
}

// Ensures that the README's table of settings is the program's.
func TestReadme_Settings(t *testing.T) {
	want := map[string]bool{}
	for _, s := range config.Settings {
		value := ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		want[fmt.Sprintf("| `%s` | `%s` | %s | %s |", s.Key, s.Env(), value, s.About)] = true
	}
	compare(t, rows(t, `[a-z_.]+`), want)
}

// Ensures that the README's table of operations is the contract's, and that it says truly who may call them.
func TestReadme_Operations(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			want[fmt.Sprintf("| `%s %s` | %s | %s |", method, path, audience(op), op.Summary)] = true
		}
	}
	compare(t, rows(t, `[A-Z]+ /[^`+"`"+`]*`), want)
}

// audience is who may call an operation: for Elasticsearch's the narrowest privilege that grants it, where it needs one.
func audience(op *openapi3.Operation) string {
	if action, given := op.Extensions["x-elasticsearch-action"].(string); given {
		return needed(op.OperationID, action)
	}
	may := func(role identity.Role) bool {
		return identity.Principal{Roles: []identity.Role{role}}.Authorize(identity.Permission(op.OperationID)) == nil
	}
	switch {
	case op.Security != nil && len(*op.Security) == 0:
		return "public"
	case may(""):
		return "all"
	case may(identity.DeploymentViewer):
		return "ECE"
	case may(identity.PlatformViewer):
		return "platform"
	}
	return "admins"
}

// unprivileged are Elasticsearch's operations that everybody may call about oneself.
var unprivileged = []string{"security-authenticate", "security-has-", "security-get-user-privileges", "security-change-own-password"}

func needed(operation, action string) string {
	if slices.ContainsFunc(unprivileged, func(prefix string) bool { return strings.HasPrefix(operation, prefix) }) {
		return "all"
	}
	return "`" + privilege.GrantedByOwning(action)[0] + "`"
}

// Ensures that the README's Go code is the program that is built and vetted with everything else.
func TestReadme_Example(t *testing.T) {
	if !strings.Contains(read(t, "../README.md"), "```go\n"+read(t, "../docs/client/main.go")+"```") {
		t.Error("the Go code of README.md is not docs/client/main.go")
	}
}
