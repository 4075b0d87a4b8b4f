package edge

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// routeKey returns what identifies the route of an operation. The path is the contract's or the router's.
func routeKey(method, path string) string { return method + " " + RoutePath(path) }

// RoutePath returns a path of the contract as the router writes it: /role/:name for /role/{name}.
func RoutePath(path string) string { return routeSyntax.Replace(path) }

var routeSyntax = strings.NewReplacer("{", ":", "}", "")

// Operation returns the id of the operation that a request asks for, or "" if the contract has none. It does not
// change the request. It is for what is in front of a server under test; the server itself routes each request once.
func (h *Handler) Operation(r *http.Request) string {
	routed, url := *r, *r.URL
	routed.URL = &url // its family normalizes it

	c := h.server.echo.AcquireContext()
	defer h.server.echo.ReleaseContext(c)
	c.Reset(&routed, unsent{http.Header{}})
	begin(h.server.families, c)
	h.server.echo.Router().Find(r.Method, echo.GetPath(c.Request()), c)
	return h.operations[routeKey(r.Method, c.Path())]
}

// unsent is the response of a request that is only routed.
type unsent struct{ header http.Header }

// Header implements http.ResponseWriter.
func (u unsent) Header() http.Header { return u.header }

// Write implements http.ResponseWriter.
func (unsent) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (unsent) WriteHeader(int) {}
