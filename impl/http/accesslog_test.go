package http_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// accessLine returns the only line of the log about a request.
func accessLine(t *testing.T, log *bytes.Buffer) string {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^time=\S+ level=INFO msg=request .*$`).FindAllString(log.String(), -1)
	if len(lines) != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Fatalf("the log has not one line:\n%s", log)
	}
	return lines[0]
}

// Ensures that the line about a request says what was called by whom, and how that went.
func TestAccessLog(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	w := openLogged(t, &log)
	w.addUsers()
	made := w.newKey(bob, "a key", "")
	for _, each := range []struct {
		method, path string
		key          bool
		want         string
	}{
		{http.MethodGet, "/api/v1/account", true, `operation=get-current-account method=GET path=/api/v1/account status=200 bytes=`},
		{http.MethodGet, "/api/v1/regions/here/account", false, `operation=get-current-account method=GET path=/api/v1/account status=401 bytes=`},
		{"BREW", "/coffee", false, `operation=unknown method=BREW path=/coffee status=404 bytes=`},
	} {
		log.Reset()
		edit, caller := authorization(""), "user=\"\""
		if each.key {
			edit, caller = apiKey(*made.Key), "user=bob api_key="+made.ID
		}
		answer, body := w.do(each.method, each.path, "", edit)
		line := accessLine(t, &log)
		want := each.want + strconv.Itoa(len(body)) + " duration="
		if !strings.Contains(line, want) || !strings.HasSuffix(line, " address=127.0.0.1 "+caller) ||
			!strings.Contains(line, " request_id="+answer.Header.Get("X-Request-Id")+" ") {
			t.Errorf("got  %s\nwant %s… %s", line, want, caller)
		}
	}
}

// Ensures that no caller can write a line of their own into the log, or move the cursor of a reader's terminal.
func TestAccessLog_Injection(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	w := openLogged(t, &log)
	for _, path := range []string{
		"/x%0Atime=now%20level=INFO%20msg=request", "/x%0D%0A%1B[2J", "/x%22%20user=admin", "/x%E2%80%A8y", "/%C2%85%9B", "/%00",
	} {
		log.Reset()
		w.do(http.MethodGet, path, "", func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Request-Id", "x user=admin")
			return nil
		})
		line := accessLine(t, &log)
		if strings.ContainsAny(line, "\r\x1b\u2028\u0085\x00") || strings.Contains(line, "x user=admin address") || !strings.HasSuffix(line, `user=""`) {
			t.Errorf("%s is logged as %q", path, line)
		}
	}
}
