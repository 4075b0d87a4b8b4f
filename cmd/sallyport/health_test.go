package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Ensures that health asks the configured admin listener or the given one, that its exit code says whether the server
// is ready, and that it says why not.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0")
	operator := s.adminListener().url
	address := strings.TrimPrefix(operator, "http://")
	_, port, _ := strings.Cut(address, ":")
	for name, c := range map[string]struct {
		args, env []string
		code      int
		saying    string
	}{
		"configured":             {nil, []string{"SALLYPORT_ADMIN_LISTEN=" + address}, 0, "ready\n"},
		"all addresses":          {nil, []string{"SALLYPORT_ADMIN_LISTEN=0.0.0.0:" + port}, 0, "ready\n"},
		"given":                  {[]string{"--url", operator}, nil, 0, "ready\n"},
		"given with path":        {[]string{"--url", operator + "/readyz"}, nil, 0, "ready\n"},
		"no listener configured": {nil, nil, exitUsage, "admin.listen: the server has no admin listener"},
		"not a URL":              {[]string{"--url", address}, nil, exitUsage, "--url: "},
		"nothing listens":        {[]string{"--url", "http://127.0.0.1:1"}, nil, exitUnreachable, "connection refused"},
		"not the admin listener": {[]string{"--url", s.url}, nil, 1, "not ready: 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: append([]string{"health"}, c.args...), env: c.env})
			if o.code != c.code || !strings.Contains(o.stdout+o.stderr, c.saying) {
				t.Errorf("exit code %d: %s%s; want %d and %q", o.code, o.stdout, o.stderr, c.code, c.saying)
			}
		})
	}
}

// Ensures that health reports a server that is not ready, with its answer.
func TestHealth_NotReady(t *testing.T) {
	t.Parallel()
	server := serveStatus(t, http.StatusServiceUnavailable, "stopping")
	o := run(t, invocation{args: []string{"health", "--url", server}})
	if o.code != 1 || !strings.Contains(o.stderr, "/readyz: not ready: 503 Service Unavailable stopping") {
		t.Errorf("exit code %d: %s; want 1 and the answer", o.code, o.stderr)
	}
}

// serveStatus serves one answer, and returns the URL.
func serveStatus(t *testing.T, status int, text string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, text, status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
