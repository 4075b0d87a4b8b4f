package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// ready is Deps.Ready of a store that is ready.
func ready(context.Context) error { return nil }

func deps(t *testing.T) Deps {
	return Deps{
		Stopping: t.Context(),
		Ready:    ready,
		Metrics:  http.NotFoundHandler(),
		Log:      slog.New(slog.DiscardHandler),
	}
}

func get(t *testing.T, d Deps, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	New(d).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil))
	return w
}

func want(t *testing.T, d Deps, path string, status int, text string) {
	t.Helper()
	if w := get(t, d, path); w.Code != status || w.Body.String() != text+"\n" {
		t.Errorf("%s: %d %q; want %d %q", path, w.Code, w.Body, status, text)
	}
}

// Ensures that a process with a ready store is alive and ready, and that there are no other endpoints.
func TestAdmin(t *testing.T) {
	t.Parallel()
	d := deps(t)
	d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "counted") })
	want(t, d, "/healthz", http.StatusOK, "alive")
	want(t, d, "/readyz", http.StatusOK, "ready")
	want(t, d, "/metrics", http.StatusOK, "counted")

	for _, path := range []string{"/", "/healthz/", "/api/v1/account", "/debug/pprof/"} {
		if w := get(t, d, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Ensures that a failing store makes the program not ready, though it is alive, and that the reason is only logged.
func TestAdmin_StoreFails(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	d := deps(t)
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	d.Ready = func(context.Context) error { return errors.New("no route to 10.0.0.7") }

	want(t, d, "/readyz", http.StatusServiceUnavailable, "the store is not ready")
	want(t, d, "/healthz", http.StatusOK, "alive")
	if !strings.Contains(log.String(), "no route to 10.0.0.7") {
		t.Errorf("the log has %q", log.String())
	}
}

// Ensures that the readiness check times out after a second.
func TestAdmin_StoreTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, began := deps(t), time.Now()
		d.Ready = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		want(t, d, "/readyz", http.StatusServiceUnavailable, "the store is not ready")
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Ensures that a change of readiness is logged once, and again each minute, however many probes arrive, with the
// network error as its cause.
func TestAdmin_LogsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d, broken := deps(t), true
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		d.Ready = func(context.Context) error {
			if broken {
				return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("no pool: %w", refused), "try again in a moment")
			}
			return nil
		}

		handler := New(d)
		probe := func(times int) {
			for range times {
				handler.ServeHTTP(httptest.NewRecorder(),
					httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/readyz", nil))
				time.Sleep(time.Second)
			}
		}
		probe(150)
		broken = false
		probe(3)
		broken = true
		probe(3)

		want := []string{
			`WARN msg="not ready"`,
			`WARN msg="still not ready"`,
			`WARN msg="still not ready"`,
			`INFO msg="ready again"`,
			`WARN msg="not ready"`,
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("the log has\n%s", log.String())
		}
		for i, line := range lines {
			if !strings.Contains(line, want[i]) || strings.Contains(line, "WARN") &&
				!strings.Contains(line, `error="dial tcp: connection refused"`) {
				t.Errorf("the log has %s; want %s", line, want[i])
			}
		}
	})
}

// Ensures that a probe that disconnects is not logged as a failure of the store.
func TestAdmin_ProbeDisconnects(t *testing.T) {
	t.Parallel()

	var log bytes.Buffer
	d := deps(t)
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	d.Ready = func(ctx context.Context) error { return ctx.Err() }

	ctx, disconnect := context.WithCancel(t.Context())
	disconnect()
	New(d).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
	if log.Len() != 0 {
		t.Errorf("the log has %s", log.String())
	}
}

// Ensures that the innermost cause is found behind the texts for callers, if there is no network error.
func TestCause(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	once := fault.Wrap(fault.ServerFailed, full, "sorry")
	twice := fault.Wrap(fault.ServerFailed, once, "sorry again")
	for _, err := range []error{full, once, twice} {
		if got := cause(err); !errors.Is(got, full) || got.Error() != full.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}

	if bare := fault.New(fault.ServerFailed, "sorry"); !errors.Is(cause(bare), bare) {
		t.Error("an error without a cause is not its own cause")
	}
}

// Ensures that a program that shuts down is not ready, and does not check the store.
func TestAdmin_Stopping(t *testing.T) {
	t.Parallel()
	d := deps(t)
	ctx, stop := context.WithCancel(t.Context())
	d.Stopping = ctx
	d.Ready = func(context.Context) error { t.Error("the store was checked"); return nil }
	stop()
	want(t, d, "/readyz", http.StatusServiceUnavailable, "stopping")
	want(t, d, "/healthz", http.StatusOK, "alive")
}

// Ensures that IP addresses, localhost and the configured names are accepted as hosts, and that other names, which a
// web page may resolve to the listener, are refused.
func TestAdmin_Hosts(t *testing.T) {
	t.Parallel()
	d := deps(t)
	d.Hosts = []string{"sallyport.example.org"}
	for host, status := range map[string]int{
		"127.0.0.1:12490":             http.StatusOK,
		"10.1.2.3":                    http.StatusOK,
		"[::1]:12490":                 http.StatusOK,
		"[2001:db8::1]":               http.StatusOK,
		"":                            http.StatusOK,
		"localhost":                   http.StatusOK,
		"LocalHost:12490":             http.StatusOK,
		"sallyport.example.org:12490": http.StatusOK,
		"Sallyport.Example.org.":      http.StatusOK,
		"attacker.example:12490":      http.StatusMisdirectedRequest,
		"localhost.attacker.example":  http.StatusMisdirectedRequest,
		"127.0.0.1.attacker.example":  http.StatusMisdirectedRequest,
		"x.sallyport.example.org":     http.StatusMisdirectedRequest,
	} {
		t.Run("host "+host, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/healthz", "/readyz"} {
				w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Host = host
				New(d).ServeHTTP(w, r)
				if w.Code != status {
					t.Errorf("%s: %d %s; want %d", path, w.Code, w.Body, status)
				}
			}
		})
	}
}
