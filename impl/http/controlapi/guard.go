package controlapi

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// MinToken is the minimum length of a token.
const MinToken = 16

// guard refuses requests without the token, and those that a web page made a browser send. The requests of a
// page of another site have its Origin; if its name was resolved to this server (DNS rebinding), they have the name as
// Host; and a form cannot have the media type application/json.
type guard struct {
	Config

	next http.Handler
}

// ServeHTTP implements http.Handler.
func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !g.accepts(r):
		write(w, http.StatusMisdirectedRequest, "the host must be localhost or the address of the server", "Host")
	case fromElsewhere(r):
		write(w, http.StatusForbidden, "a page of another site cannot control the server", "Origin")
	case !g.authorized(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		write(w, http.StatusUnauthorized, "the token of the control API is missing or wrong", "Authorization")
	case !isJSON(r):
		write(w, http.StatusUnsupportedMediaType, "the body's content type must be application/json", "Content-Type")
	default:
		w.Header().Set("Cache-Control", "no-store")
		g.next.ServeHTTP(w, r)
	}
}

// accepts reports whether the Host of a request is a loopback name or address, the configured host, or the address that
// the request arrived at. The port does not matter.
func (g guard) accepts(r *http.Request) bool {
	name := (&url.URL{Host: r.Host}).Hostname()
	if strings.EqualFold(name, "localhost") || name != "" && strings.EqualFold(name, g.Host) {
		return true
	}
	address, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return address.IsLoopback() || local != nil && address.Unmap() == local.AddrPort().Addr().Unmap()
}

// fromElsewhere reports whether a browser sent the request for a page of another origin.
func fromElsewhere(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return true
	}
	for _, origin := range r.Header.Values("Origin") {
		parsed, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(parsed.Host, r.Host) {
			return true
		}
	}
	return false
}

// authorized reports whether the request has the token. Digests have the same length, so that the time of the
// comparison does not depend on the token.
func (g guard) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && secret.Equal(secret.Digest(token), secret.Digest(g.Token))
}

// isJSON reports whether the request has no body or one of JSON.
func isJSON(r *http.Request) bool {
	if r.ContentLength == 0 {
		return true
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}
