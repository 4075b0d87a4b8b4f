// Package admin answers an operator's programs, on a listener of its own: is the process alive, should it get requests,
// and how does it do. It asks for no credentials, so it tells nothing that is secret.
package admin

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// patience is how long the store may take to answer, before the program is said not to be ready.
const patience = time.Second

// Deps are what the answers are made of.
type Deps struct {
	// Stopping is done when the program finishes the requests under way, and wants no more.
	Stopping context.Context //nolint:containedctx // it is watched by every request, and none's own
	// Ready returns why no request can be served, or nil.
	Ready   func(context.Context) error
	Metrics http.Handler
	Log     *slog.Logger
}

// New returns the handler of /healthz, /readyz and /metrics.
func New(d Deps) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.Handle("GET /metrics", d.Metrics)
	return mux
}

// readyz answers 503 where whoever spreads requests should send them elsewhere. The cause is for the log only: it may
// name what a database says.
func (d Deps) readyz(w http.ResponseWriter, r *http.Request) {
	if d.Stopping.Err() != nil {
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if err := d.Ready(ctx); err != nil {
		d.Log.WarnContext(ctx, "not ready", "error", err)
		say(w, http.StatusServiceUnavailable, "the store is not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever asked has gone
}
