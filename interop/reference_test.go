package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// referenceSight is the output of console/reference.js.
type referenceSight struct {
	Home, Title string
	Lost        struct {
		Status  int
		Heading string
	}
	Count                         int
	Tried                         struct{ Unauthenticated, Authenticated string }
	Foreign, Complaints, Expected []string
	Violations                    []string
}

// Ensures that a real browser renders all operations of the contract, that an operation can be tried out, and that the
// page breaks no policy, asks no other site for anything and logs no error.
func TestReference_Browser(t *testing.T) {
	t.Parallel()
	browser := need(t, "chromium", "chromium-browser", "google-chrome")
	node := needConsoleTools(t)

	cmd := exec.CommandContext(t.Context(), node, "console/reference.js", served.url, served.user, served.password,
		filepath.Join(t.ArtifactDir(), "reference.png"))
	cmd.Env = append(os.Environ(), "CONSOLE_BROWSER="+browser, "TMPDIR="+t.TempDir(), "HOME="+t.TempDir())
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the browser: %v\n%s", err, &log)
	}
	var saw referenceSight
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}

	if saw.Home != served.url+"/console/" {
		t.Errorf("the server's address leads to %q", saw.Home)
	}
	if saw.Lost.Status != 404 || saw.Lost.Heading != "Nothing is here" {
		t.Errorf("an unknown address shows %+v", saw.Lost)
	}
	contract, err := os.ReadFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(string(contract), "\n      operationId: "); saw.Count != want {
		t.Errorf("%q shows %d operations, want %d", saw.Title, saw.Count, want)
	}
	if saw.Tried.Unauthenticated != "401" || saw.Tried.Authenticated != "200" {
		t.Errorf("an operation that is tried out answers %+v", saw.Tried)
	}
	// The browser itself logs the 401 that is tried out.
	complaints := slices.DeleteFunc(saw.Complaints, func(text string) bool {
		return strings.Contains(text, "the server responded with a status of 401")
	})
	if len(complaints)+len(saw.Foreign)+len(saw.Violations) > 0 {
		t.Errorf("the browser complains: %q, the page asks for %q, and breaks its policy: %q", complaints, saw.Foreign,
			saw.Violations)
	}
}

// Ensures that others' linters and generators accept the contract of ECE's family as it is served.
func TestReference_ECE(t *testing.T) {
	t.Parallel()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, served.url+"/openapi-ece.yaml", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "openapi-ece.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "contract/check", file).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
