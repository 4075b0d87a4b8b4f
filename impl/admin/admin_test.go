package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ready answers for a store that is there.
func ready(context.Context) error { return nil }

func deps(t *testing.T) Deps {
	return Deps{Stopping: t.Context(), Ready: ready, Metrics: http.NotFoundHandler(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func get(t *testing.T, d Deps, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	New(d).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func want(t *testing.T, d Deps, path string, status int, text string) {
	t.Helper()
	if w := get(t, d, path); w.Code != status || w.Body.String() != text+"\n" {
		t.Errorf("%s: %d %q; want %d %q", path, w.Code, w.Body, status, text)
	}
}

// Ensures that a process that lives and has its store says so, and that there is nothing else to ask for.
func TestAdmin(t *testing.T) {
	t.Parallel()
	d := deps(t)
	d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "counted") })
	want(t, d, "/healthz", http.StatusOK, "alive")
	want(t, d, "/readyz", http.StatusOK, "ready")
	want(t, d, "/metrics", http.StatusOK, "counted")
	for _, path := range []string{"/", "/healthz/", "/api/v1/account", "/debug/pprof/"} {
		if w := get(t, d, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Ensures that a store that fails makes the program not ready, though it lives, and that only the log says why.
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

// Ensures that a store has a second to answer, and not longer.
func TestAdmin_StoreIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in a time of its own
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

// Ensures that a program that stops wants no more requests, and does not ask the store.
func TestAdmin_Stopping(t *testing.T) {
	t.Parallel()
	d := deps(t)
	ctx, stop := context.WithCancel(t.Context())
	d.Stopping = ctx
	d.Ready = func(context.Context) error { t.Error("the store was asked"); return nil }
	stop()
	want(t, d, "/readyz", http.StatusServiceUnavailable, "stopping")
	want(t, d, "/healthz", http.StatusOK, "alive")
}
