// Package admin answers an operator's programs, on a listener of its own: is the process alive, should it get requests,
// and how does it do. It asks for no credentials, so it tells nothing that is secret.
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

// patience is how long the store may take to answer, before the program is said not to be ready.
const patience = time.Second

// Deps are what the answers are made of.
type Deps struct {
	// Hosts are the names that the listener answers to, beside localhost and IP addresses.
	Hosts []string
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
	mux.Handle("GET /readyz", &probes{Deps: d})
	mux.Handle("GET /metrics", d.Metrics)
	return answerTo(d.Hosts, mux)
}

// answerTo refuses requests for other names than the listener's with 421 (RFC 9110, section 15.5.20). A page on the Internet can
// have its own name lead to this listener (DNS rebinding) and read what it answers to the browser of an operator. Where the Host
// is an address, or missing as in HTTP/1.0, no such page sent it.
func answerTo(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		_, err := netip.ParseAddr(name)
		known := func(host string) bool { return strings.EqualFold(host, name) }
		if err != nil && name != "" && !known("localhost") && !slices.ContainsFunc(hosts, known) {
			say(w, http.StatusMisdirectedRequest, "this listener answers to localhost, IP addresses, and the names in admin.hosts")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName returns the name or the address in a Host header (RFC 9110, section 7.2), without the port, the brackets of an IPv6
// address and the dot that ends an absolute name.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	return strings.TrimSuffix(host, ".")
}

// probes answer whether the program is ready.
type probes struct {
	Deps
	mu sync.Mutex
	// since is when the program was first found not to be ready, and told when the log last had that; both are zero while it is.
	since, told time.Time
}

// ServeHTTP answers 503 where whoever spreads requests should send them elsewhere. The cause is for the log only: it may
// name what a database says.
func (p *probes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Stopping.Err() != nil {
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	// Whoever asks may have less patience: that they left is not why the store did not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	err := p.Ready(ctx)
	p.tell(ctx, err)
	if err != nil {
		say(w, http.StatusServiceUnavailable, "the store is not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

// reminder is how often the log has that the program is still not ready: probes come each second, from several sides.
const reminder = time.Minute

// tell logs what has changed.
func (p *probes) tell(ctx context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil && !p.since.IsZero():
		p.Log.InfoContext(ctx, "ready again", "not_ready_since", p.since)
		p.since, p.told = time.Time{}, time.Time{}
	case err != nil && p.since.IsZero():
		p.Log.WarnContext(ctx, "not ready", "error", cause(err))
		p.since, p.told = now, now
	case err != nil && now.Sub(p.told) >= reminder:
		p.Log.WarnContext(ctx, "still not ready", "error", cause(err), "not_ready_since", p.since)
		p.told = now
	}
}

// cause is what an operator can do something about: what the network says, or else what is behind the text for callers.
func cause(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	for f := (*fault.Error)(nil); errors.As(err, &f) && f.Unwrap() != nil; {
		err = f.Unwrap()
	}
	return err
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever asked has gone
}
