// Package reference serves the contract, as /openapi.yaml and /openapi.json, and the API reference below /docs/, which
// shows it. It belongs to neither family of operations: all that it serves is static.
package reference

import (
	"embed"
	"io/fs"
	"net/http"
	"sync"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/platform/webpage"
)

// Prefix begins the paths of the API reference.
const Prefix = "/docs/"

// The page, its script and style are this project's own; static/swagger-ui* are the renderer, compressed, as ./vendor
// fetches it.
//
//go:embed static
var static embed.FS

// policy is that of the API reference. The renderer sets styles by attributes of elements and has pictures in its style
// sheet; it needs neither inline scripts nor eval.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// site is the API reference.
var site = func() webpage.Site {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is valid
	}
	return webpage.NewSite(Prefix, policy, files)
}()

// documents returns the contract by its paths.
var documents = sync.OnceValue(func() map[string]webpage.File {
	asYAML, asJSON, err := publish(api.OpenAPI)
	if err != nil {
		panic(err) // the contract is in the program
	}
	return map[string]webpage.File{
		"/openapi.yaml": webpage.NewFile("openapi.yaml", asYAML),
		"/openapi.json": webpage.NewFile("openapi.json", asJSON),
	}
})

// Before returns a handler that serves the contract and its reference, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	pages := site.Before(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/openapi.yaml", "/openapi.json":
			serveDocument(w, r)
		case "/favicon.ico":
			site.Serve(w, r, "favicon.svg")
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// serveDocument serves the contract, which pages of all sites can read.
func serveDocument(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	webpage.SetHeaders(h, r, policy)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Etag")
	}
	documents()[r.URL.Path].Serve(w, r)
}
