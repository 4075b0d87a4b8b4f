package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	consoleTools = "console/node_modules"
	consoleFiles = "../impl/http/console"
)

// needConsoleTools returns the path of node, with which the console is tested and checked.
func needConsoleTools(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(consoleTools); err != nil {
		lack(t, "the console's tools are not installed (make interop does that)")
	}
	return need(t, "node")
}

// flow is the result of one flow of console/run.js.
type flow struct {
	Flow, Error string
	Seconds     float64
	Notes       map[string]any
}

// Ensures that each flow of the console works in a real browser, that every page is accessible, keeps its policy and
// asks no other server, and that hostile names are shown as text. With -artifacts it keeps pictures of all pages.
func TestConsole_Browser(t *testing.T) {
	t.Parallel()
	node, browser := needConsoleTools(t), need(t, "chromium", "chromium-browser", "google-chrome")
	for _, f := range runFlows(t, node, browser, startScripted(t)) {
		t.Run(f.Flow, func(t *testing.T) {
			t.Logf("%.1f s %v", f.Seconds, f.Notes)
			if f.Error != "" {
				t.Error(f.Error)
			}
		})
	}
}

// startScripted starts a temporary server, and returns it for scripts.
func startScripted(t *testing.T, flags ...string) string {
	t.Helper()
	p := newServer(nil, append([]string{"dev", "--listen", "127.0.0.1:0", "--admin.listen=", "--output", "json"},
		flags...)...)
	found, err := p.start(p.out.listen(`(?s)\{.*\n\}\n`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return consoleServer(t, found[0])
}

// Ensures that the console asks for a one-time code at sign-in where the server does.
func TestConsole_CodeAtSignIn_Browser(t *testing.T) {
	t.Parallel()
	node, browser := needConsoleTools(t), need(t, "chromium", "chromium-browser", "google-chrome")
	runNode(t, node, browser, startScripted(t, "--compatibility.ece", "4.2"), "console/code.js")
}

// Ensures that a sign-in at an identity provider ends in the console, in the tab that began it only, and that the token
// is left in no address.
func TestConsole_SingleSignOn_Browser(t *testing.T) {
	t.Parallel()
	node, browser := needConsoleTools(t), need(t, "chromium", "chromium-browser", "google-chrome")
	f := newFederation(t, sealed)
	provider, err := url.Parse(f.providers[sealed])
	if err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"console/sso.js", sealed, provider.Scheme + "://" + provider.Host}, asGrace()...)
	out := runNode(t, node, browser, string(encode(t, map[string]string{"url": f.url})), arguments...)

	var saw struct {
		User       string
		Complaints []string
		Kept       int
	}
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if saw.User != "grace" || len(saw.Complaints) != 0 || saw.Kept != 0 {
		t.Errorf("the browser shows %+v", saw)
	}
}

// asGrace returns the fields with which a user signs in at an identity provider.
func asGrace() (fields []string) {
	for name, values := range (identity{"grace", "Grace", "grace@example.org", "staff"}).form() {
		fields = append(fields, name+"="+values[0])
	}
	return fields
}

// Ensures that the front end in the documentation signs its user in, in the tab that began the sign-in only; that a
// page of another origin cannot exchange codes; and that a browser shows a page for a refused sign-in or sign-out.
func TestFrontEnd_Browser(t *testing.T) {
	t.Parallel()
	node, browser := needConsoleTools(t), need(t, "chromium", "chromium-browser", "google-chrome")
	f := newFederation(t, sealed)
	provider, err := url.Parse(f.providers[sealed])
	if err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"console/frontend.js", f.frontEnd, provider.Scheme + "://" + provider.Host}, asGrace()...)
	out := runNode(t, node, browser, string(encode(t, map[string]string{"url": f.url})), arguments...)

	var saw struct {
		User       string
		Complaints []string
	}
	if err := json.Unmarshal(out, &saw); err != nil || saw.User != "grace" || len(saw.Complaints) != 0 {
		t.Errorf("the front end has %s (%v)", out, err)
	}
}

// consoleServer returns what the flows must know of a server, from what sallyport dev prints.
func consoleServer(t *testing.T, printed string) string {
	t.Helper()
	var s struct {
		URL          string `json:"url"`
		ControlToken string `json:"control_token"`
		Demo         struct {
			User     string `json:"user"`
			Password string `json:"password"`
		} `json:"demo"`
	}
	if err := json.Unmarshal([]byte(printed), &s); err != nil {
		t.Fatal(err)
	}
	return string(encode(t, map[string]string{
		"url": s.URL, "user": s.Demo.User, "password": s.Demo.Password, "controlToken": s.ControlToken,
	}))
}

// runFlows runs all flows and returns their results.
func runFlows(t *testing.T, node, browser, server string) []flow {
	t.Helper()
	out := runNode(t, node, browser, server, "console/run.js")

	var flows []flow
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var f flow
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		flows = append(flows, f)
	}
	if len(flows) == 0 {
		t.Fatal("no flow ran")
	}
	return flows
}

// runNode runs a script with a browser against a server, and returns its output.
func runNode(t *testing.T, node, browser, server string, arguments ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, arguments...)
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch, "HOME="+t.TempDir(),
		"CONSOLE_BROWSER="+browser, "CONSOLE_SERVER="+server, "CONSOLE_ARTIFACTS="+t.ArtifactDir())
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // then it ends the browser too
	cmd.WaitDelay = 10 * time.Second
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", arguments[0], err, &log)
	}
	return out
}

// Ensures that the console's sources have no type errors, against the types of the contract.
func TestConsole_Types(t *testing.T) {
	t.Parallel()
	node := needConsoleTools(t)
	cmd := exec.CommandContext(t.Context(), node, "node_modules/typescript/bin/tsc", "--project", ".")
	cmd.Dir = "console"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Ensures that the types are those of the contract.
func TestConsole_TypesCurrent(t *testing.T) {
	t.Parallel()
	node, generated := needConsoleTools(t), filepath.Join(t.TempDir(), "openapi.d.ts")
	cmd := exec.CommandContext(t.Context(), node, "node_modules/openapi-typescript/bin/cli.js",
		"../../api/openapi.yaml", "--output", generated)
	cmd.Dir = "console"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Equal(read(t, generated), read(t, consoleFiles+"/types/openapi.d.ts")) {
		t.Error("impl/http/console/types/openapi.d.ts is out of date: make generate updates it")
	}
}

// Ensures that the vendored modules are those of their packages. The import of one by another has a path instead of a
// package's name, because browsers know no packages.
func TestConsole_Vendored(t *testing.T) {
	t.Parallel()
	needConsoleTools(t)
	for name, source := range map[string]string{
		"preact.mjs": "preact/dist/preact.mjs",
		"hooks.mjs":  "preact/hooks/dist/hooks.mjs",
		"htm.mjs":    "htm/dist/htm.mjs",
		"uqr.mjs":    "uqr/dist/index.mjs",
	} {
		t.Run(name, func(t *testing.T) {
			want := read(t, filepath.Join(consoleTools, source))
			want = bytes.ReplaceAll(want, []byte(`from"preact"`), []byte(`from"./preact.mjs"`))
			if !bytes.Equal(read(t, consoleFiles+"/static/vendor/"+name), want) {
				t.Errorf("it is not %s of the package", source)
			}
		})
	}
	for _, name := range []string{"preact", "htm", "uqr"} {
		t.Run("licence of "+name, func(t *testing.T) {
			want := read(t, filepath.Join(consoleTools, name, "LICENSE"))
			if !bytes.Contains(read(t, consoleFiles+"/static/vendor/LICENSE"), want) {
				t.Error("static/vendor/LICENSE does not have the package's text")
			}
		})
	}
}

// read returns the content of a file.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
