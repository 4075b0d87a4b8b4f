package http_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// logLines receives the lines of a log, because the server may log a request after its client has the response.
type logLines chan string

// Write implements io.Writer. A record is one write.
func (l logLines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// drain drops the lines so far.
func (l logLines) drain() {
	for len(l) > 0 {
		<-l
	}
}

// until returns the lines up to the first one with a text.
func (l logLines) until(t *testing.T, text string) string {
	t.Helper()

	var lines strings.Builder
	for deadline := time.After(time.Minute); ; {
		select {
		case line := <-l:
			lines.WriteString(line)
			if strings.Contains(line, text) {
				return lines.String()
			}
		case <-deadline:
			t.Fatalf("no line has %s:\n%s", text, &lines)
		}
	}
}

var accessLinePattern = regexp.MustCompile(`^time=\S+ level=INFO msg=request .*\n$`)

// access returns the next line, which must be about a request.
func (l logLines) access(t *testing.T) string {
	t.Helper()

	select {
	case line := <-l:
		if !accessLinePattern.MatchString(line) {
			t.Fatalf("logged is %q", line)
		}
		return strings.TrimSuffix(line, "\n")
	case <-time.After(time.Minute):
		t.Fatal("nothing is logged")
	}
	return ""
}

// Ensures that the line about a request says what was called by whom, and how that went.
func TestAccessLog(t *testing.T) {
	t.Parallel()

	log := make(logLines, 1000)
	w := openLogged(t, log)
	w.addUsers()
	made := w.newKey(bob, "a key", "")
	for _, each := range []struct {
		method, path string
		key          bool
		want         string
	}{
		{http.MethodGet, "/api/v1/account", true,
			`operation=get-current-account method=GET path=/api/v1/account status=200 bytes=`},
		{http.MethodGet, "/api/v1/regions/here/account", false,
			`operation=get-current-account method=GET path=/api/v1/account status=401 bytes=`},
		{"BREW", "/coffee", false, `operation=unknown method=BREW path=/coffee status=404 bytes=`},
		{"BREW", "/\u009b31m\u202etea", false,
			`operation=unknown method=BREW path=/%C2%9B31m%E2%80%AEtea status=404 bytes=`},
	} {
		log.drain()
		edit, caller := authorization(""), `user=""`
		if strings.Contains(each.want, "status=401") {
			caller += ` refusal="malformed credentials"`
		}
		if each.key {
			edit, caller = apiKey(*made.Key), "user=bob api_key="+made.ID
		}
		answer, body := w.do(each.method, each.path, "", edit)
		line := log.access(t)
		want := each.want + strconv.Itoa(len(body)) + " duration="
		if !strings.Contains(line, want) || !strings.HasSuffix(line, " address=127.0.0.1 "+caller) ||
			!strings.Contains(line, " request_id="+answer.Header.Get("X-Request-Id")+" ") {
			t.Errorf("got  %s\nwant %s… %s", line, want, caller)
		}
	}
}

// Ensures that the line about a refused caller says why, and names the user only if there is one.
func TestAccessLog_Refusals(t *testing.T) {
	t.Parallel()

	log := make(logLines, 1000)
	w := openLogged(t, log)
	w.addUsers()
	expired, invalidated := w.newKey(bob, "expired", "1h"), w.newKey(bob, "invalidated", "")
	ofAlice, late := w.newKey(alice, "alice's", ""), w.login("bob", bobPassword)
	w.es(bob, "DELETE /_security/api_key", `{"ids":["`+invalidated.ID+`"]}`).ok()
	w.clock.advance(2 * time.Hour)
	page, err := os.ReadFile("../../docs/reference/log-fields.md")
	if err != nil {
		t.Fatal(err)
	}

	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	refused := func(name, want string, edit client.RequestEditorFn) {
		t.Run(name, func(t *testing.T) {
			log.drain()
			response, _ := w.do(http.MethodGet, "/api/v1/account", "", edit)
			line := log.until(t, "path=/api/v1/account")
			if response.StatusCode != http.StatusUnauthorized || !strings.HasSuffix(line, ` user="" `+want+"\n") {
				t.Errorf("%d, logged as %s", response.StatusCode, line)
			}
			if reason := strings.Split(want, `"`)[1]; !strings.Contains(string(page), "`"+reason+"`") {
				t.Errorf("docs/reference/log-fields.md does not have %q", reason)
			}
		})
	}
	refused("expired session", `refusal="unknown session"`, bearer(late))
	ended := w.login("bob", bobPassword)
	w.es(bearer(ended), "DELETE /_security/oauth2/token", `{"token":"`+ended+`"}`).ok()
	refused("no user", `refusal="unknown user"`, as("correct horse", "battery staple"))
	refused("wrong password", `refusal="wrong password" claimed_user=alice`, as("alice", "wrong"))
	refused("no credentials", `refusal="no credentials"`, func(context.Context, *http.Request) error { return nil })
	refused("malformed credentials", `refusal="malformed credentials"`, authorization("Basic none"))
	refused("unknown scheme", `refusal="unknown scheme"`, authorization("Digest none"))
	refused("expired key", `refusal="expired API key" claimed_user=bob`, apiKey(*expired.Key))
	refused("invalidated key", `refusal="invalidated API key" claimed_user=bob`, apiKey(*invalidated.Key))
	refused("wrong secret", `refusal="wrong secret of an API key" claimed_user=bob`, apiKey(encode(expired.ID+":wrong")))
	refused("unknown key", `refusal="unknown API key"`, apiKey(encode("none:wrong")))
	refused("malformed key", `refusal="malformed API key"`, apiKey("none"))
	refused("ended session", `refusal="unknown session"`, bearer(ended))
	refused("no token", `refusal="invalid session token"`, bearer("none"))
	refused("malformed service token", `refusal="malformed service account token"`, bearer("AAEAA"))
	for name, reason := range map[string]string{
		"elastic/none/a": "unknown service account", "elastic/fleet-server/a": "unknown service account token",
	} {
		refused(reason, `refusal="`+reason+`"`, bearer(encode("\x00\x01\x00\x01"+name+":wrong")))
	}
	w.es(bob, "PUT /_security/user/alice/_disable", "").ok()
	refused("disabled user", `refusal="disabled user" claimed_user=alice`, alice)
	refused("disabled user's key", `refusal="disabled user" claimed_user=alice`, apiKey(*ofAlice.Key))
	w.es(bob, "PUT /_security/user/alice/_enable", "").ok()
	for w.failures("alice") < 10 {
		w.loginStatus("alice", "wrong")
	}
	refused("locked user", `refusal="locked user" claimed_user=alice`, alice)

	t.Run("sign-in", func(t *testing.T) {
		log.drain()
		w.loginStatus("bob", "wrong")
		line := log.until(t, "operation=login")
		if !strings.HasSuffix(line, ` refusal="wrong password" claimed_user=bob`+"\n") {
			t.Errorf("logged as %s", line)
		}
	})
}

// Ensures that the line of a request that evaluates patterns has the units of work, and that of a plain one does not.
func TestAccessLog_Work(t *testing.T) {
	t.Parallel()

	log := make(logLines, 1000)
	w := openLogged(t, log)
	w.addUsers()
	for _, each := range []struct {
		request, body string
		counted       bool
	}{
		{"POST /_security/user/_has_privileges", `{"index":[{"names":["logs-*"],"privileges":["read"]}]}`, true},
		{"GET /_security/_authenticate", "", false},
	} {
		log.drain()
		w.es(bob, each.request, each.body).ok()
		if line := log.access(t); strings.Contains(line, " work=") != each.counted {
			t.Errorf("%s: got %s\nwant work: %t", each.request, line, each.counted)
		}
	}
}

// Ensures that no caller can write a line of their own into the log, or move the cursor of a reader's terminal.
func TestAccessLog_Injection(t *testing.T) {
	t.Parallel()

	log := make(logLines, 1000)
	w := openLogged(t, log)
	for _, path := range []string{
		"/x%0Atime=now%20level=INFO%20msg=request", "/x%0D%0A%1B[2J", "/x%22%20user=admin", "/x%E2%80%A8y", "/%C2%85%9B",
		"/%00",
	} {
		log.drain()
		w.do(http.MethodGet, path, "", func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Request-Id", "x user=admin")
			return nil
		})
		line := log.access(t)
		if strings.ContainsAny(line, "\r\x1b\u2028\u0085\x00") || strings.Contains(line, "x user=admin address") ||
			!strings.HasSuffix(line, `user=""`) {
			t.Errorf("%s is logged as %q", path, line)
		}
	}
}

// Ensures that the line about a refusal that a browser gets as a page has the size of the page.
func TestAccessLog_Page(t *testing.T) {
	t.Parallel()

	log := make(logLines, 1000)
	w := openLogged(t, log)
	for _, path := range []string{samlPath + "_init", samlPath + "_single_logout"} {
		log.drain()
		response, page := w.do(http.MethodGet, path, "", navigating)
		line := log.until(t, "path="+path)
		want := "status=" + strconv.Itoa(response.StatusCode) + " bytes=" + strconv.Itoa(len(page)) + " "
		if !strings.Contains(line, want) || !strings.HasPrefix(page, "<!doctype html>") {
			t.Errorf("%s has no %q: %s", line, want, page)
		}
	}
}
