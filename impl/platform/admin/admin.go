// Package admin serves the liveness, readiness and metrics endpoints for operators, on a listener of their own. They
// require no credentials, so their responses contain no secrets.
package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// readyTimeout is the time that the readiness check of the store may take before the program counts as not ready.
const readyTimeout = time.Second

// Deps holds the dependencies of the handler.
type Deps struct {
	// Hosts are the host names that the listener accepts, in addition to localhost and IP addresses.
	Hosts []string
	// Stopping is done when the program shuts down: it finishes requests in progress and should receive no new ones.
	Stopping context.Context //nolint:containedctx // the program's context, not that of a request
	// Ready returns the reason why no request can be served, or nil.
	Ready   func(context.Context) error
	Metrics http.Handler
	Log     *slog.Logger
}

// New returns the handler of /healthz, /readyz and /metrics.
func New(d Deps) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "alive") })
	mux.Handle("GET /readyz", &readiness{Deps: d})
	mux.Handle("GET /metrics", d.Metrics)
	return checkHost(d.Hosts, mux)
}

// checkHost returns a handler that refuses requests for unknown host names with 421 (RFC 9110, section 15.5.20).
// Otherwise a web page could resolve its own host name to this listener (DNS rebinding) and read the responses through
// an operator's browser. Such a page cannot send a Host that is an IP address, or omit it as HTTP/1.0 does.
func checkHost(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		_, err := netip.ParseAddr(name)
		isName := func(host string) bool { return strings.EqualFold(host, name) }
		if err != nil && name != "" && !isName("localhost") && !slices.ContainsFunc(hosts, isName) {
			writeText(w, http.StatusMisdirectedRequest,
				"unknown host: accepted are localhost, IP addresses, and the names in admin.hosts")
			return
		}

		next.ServeHTTP(w, r)
	})
}

// hostName returns the name or IP address in a Host header (RFC 9110, section 7.2), without the port, the brackets of
// an IPv6 address and the trailing dot of an absolute name.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	return strings.TrimSuffix(host, ".")
}

// readiness serves GET /readyz.
type readiness struct {
	Deps
	mu sync.Mutex
	// failingSince is when the program was first found not ready, and loggedAt when that was last logged; both are zero
	// while it is ready.
	failingSince, loggedAt time.Time
}

// ServeHTTP answers 503 if a load balancer should send requests elsewhere. The reason is only logged, because it may
// quote an error of the database.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.Stopping.Err() != nil {
		writeText(w, http.StatusServiceUnavailable, "stopping")
		return
	}

	// The check goes on if the client disconnects, so that its early timeout is not taken for a failure of the store.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), readyTimeout)
	defer cancel()
	err := r.Ready(ctx)
	r.logChange(ctx, err)

	if err != nil {
		writeText(w, http.StatusServiceUnavailable, "the store is not ready")
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// logInterval is the time between two log lines while the program is not ready. Several probes may arrive each second.
const logInterval = time.Minute

// logChange logs that the program has become ready or not ready, or that it is still not ready.
func (r *readiness) logChange(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	now := time.Now()
	switch {
	case err == nil && !r.failingSince.IsZero():
		r.Log.InfoContext(ctx, "ready again", "not_ready_since", r.failingSince)
		r.failingSince, r.loggedAt = time.Time{}, time.Time{}
	case err != nil && r.failingSince.IsZero():
		r.Log.WarnContext(ctx, "not ready", "error", cause(err))
		r.failingSince, r.loggedAt = now, now
	case err != nil && now.Sub(r.loggedAt) >= logInterval:
		r.Log.WarnContext(ctx, "still not ready", "error", cause(err), "not_ready_since", r.failingSince)
		r.loggedAt = now
	}
}

// cause returns the error that an operator can act on: the network error in err, or else the innermost cause behind the
// texts for callers.
func cause(err error) error {
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network
	}

	for f := (*fault.Error)(nil); errors.As(err, &f) && f.Unwrap() != nil; {
		err = f.Unwrap()
	}
	return err
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // an error means that the client disconnected
}
