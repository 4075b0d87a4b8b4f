package interop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sight is the output of saml/browser.js.
type sight struct {
	Address, Title, Heading, Text, Next, Referrer, Kept string
	Entries, History, Redirects, Complaints             []string
	// Again is the page after the user returns to it, and Foreign the result of a script that was injected into it.
	Again   struct{ Address, Heading string }
	Foreign struct {
		Ran        bool
		Complaints []string
	}
}

// Ensures that a real browser ends on the page that names the user and the expiry, under the page's own policy, and
// that the token is left nowhere in the browser.
func TestSAML_Browser(t *testing.T) {
	t.Parallel()
	browser := need(t, "chromium", "chromium-browser", "google-chrome")
	f := newFederation(t, sealed)
	user := identity{"grace", "Grace", "grace@example.org", "staff"}
	saw := f.browse(t, browser, sealed, user)

	page, token := f.url+"/sso/token", f.token(t, saw.Redirects[len(saw.Redirects)-1])
	f.ask(t, http.MethodGet, "/api/v1/user", token).want(200,
		`{"user_name": "grace", "security": {"security_realm": {"id": "sealed"}}}`)

	until := expiry(t, token).UTC().Format("1/2/2006, 3:04:05 PM")
	text := strings.ReplaceAll(saw.Text, "\u202f", " ") // between the time and PM
	if saw.Heading != "Signed in" || saw.Title != "Signed in" ||
		!strings.Contains(text, "signed in as grace, until "+until) {
		t.Errorf("the page says %q, %q; want that grace is signed in until %s", saw.Heading, text, until)
	}
	if saw.Address != page || saw.Next != f.url+"/there?a=b&c=%25#d" {
		t.Errorf("the page is at %q and leads to %q", saw.Address, saw.Next)
	}
	if len(saw.Complaints) != 0 {
		t.Errorf("the browser complains: %q", saw.Complaints)
	}
	if saw.Foreign.Ran || len(saw.Foreign.Complaints) != 1 ||
		!strings.Contains(saw.Foreign.Complaints[0], "Content Security Policy") {
		t.Errorf("an injected script: %+v", saw.Foreign)
	}
	if saw.Again.Address != page || saw.Again.Heading != "Not signed in" {
		t.Errorf("after returning, the page shows %+v", saw.Again)
	}
	wantNowhere(t, token, saw)
}

// wantNowhere fails the test if a token is left in a browser.
func wantNowhere(t *testing.T, token string, saw sight) {
	t.Helper()
	if len(saw.History) == 0 || len(saw.Entries) == 0 {
		t.Errorf("the history is %q and %q; want some", saw.History, saw.Entries)
	}
	signature := token[strings.LastIndex(token, ".")+1:]
	saw.Redirects = nil // there the token was on its way
	if rest := string(encode(t, saw)); strings.Contains(rest, signature) {
		t.Errorf("the token is left in %s", rest)
	}
}

// browse signs a user in with a browser.
func (f federation) browse(t *testing.T, browser, realm string, user identity) sight {
	t.Helper()
	arguments := []string{"saml/browser.js", browser, f.initURL(realm), f.url + "/sso/token"}
	for name, values := range user.form() {
		arguments = append(arguments, name+"="+values[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, needNode(t), arguments...)
	cmd.Env = append(os.Environ(), "TMPDIR="+f.folder, "HOME="+f.folder)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // then it ends the browser too
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the browser: %v\n%s", err, &log)
	}
	var saw sight
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return saw
}

// expiry returns the expiry in a token.
func expiry(t *testing.T, token string) time.Time {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Exp int64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return time.Unix(claims.Exp, 0)
}
