// Package reference serves the contract, as /openapi.yaml and /openapi.json, and the API reference below /docs/, which
// shows it. It belongs to neither family of operations: all that it serves is static.
package reference

import (
	"embed"
	"net/http"
	"path"
	"strings"
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

// files returns all files by their paths. They are prepared when the first is requested.
var files = sync.OnceValue(func() map[string]webpage.File {
	all := map[string]webpage.File{}
	for name, mediaType := range map[string]string{
		"index.html":           "text/html; charset=utf-8",
		"reference.css":        "text/css; charset=utf-8",
		"reference.js":         "text/javascript; charset=utf-8",
		"swagger-ui.css":       "text/css; charset=utf-8",
		"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"favicon.svg":          "image/svg+xml",
		"LICENSE":              "text/plain; charset=utf-8",
	} {
		f, err := embedded(mediaType, name)
		if err != nil {
			panic(err) // the files are in the program
		}
		all[Prefix+name] = f
	}
	all[Prefix] = all[Prefix+"index.html"]
	delete(all, Prefix+"index.html")
	all["/favicon.ico"] = all[Prefix+"favicon.svg"]
	return all
})

// documents returns the contract by its paths.
var documents = sync.OnceValue(func() map[string]webpage.File {
	asYAML, asJSON, err := publish(api.OpenAPI)
	if err != nil {
		panic(err) // the contract is in the program
	}
	return map[string]webpage.File{
		"/openapi.yaml": webpage.NewFile("application/yaml", asYAML),
		"/openapi.json": webpage.NewFile("application/json", asJSON),
	}
})

// embedded returns an embedded file, which may be compressed.
func embedded(mediaType, name string) (webpage.File, error) {
	if content, err := static.ReadFile(path.Join("static", name+".gz")); err == nil {
		return webpage.NewCompressedFile(mediaType, content)
	}
	content, err := static.ReadFile(path.Join("static", name))
	return webpage.NewFile(mediaType, content), err
}

// Before returns a handler that serves the contract and its reference, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch requested := r.URL.Path; {
		case requested == "/openapi.yaml" || requested == "/openapi.json":
			serveDocument(w, r)
		case requested+"/" == Prefix:
			http.Redirect(w, r, Prefix, http.StatusPermanentRedirect)
		case strings.HasPrefix(requested, Prefix) || requested == "/favicon.ico":
			serve(w, r)
		default:
			next.ServeHTTP(w, r)
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

func serve(w http.ResponseWriter, r *http.Request) {
	webpage.SetHeaders(w.Header(), r, policy)
	f, found := files()[r.URL.Path]
	if !found {
		http.Error(w, "the API reference has no such file", http.StatusNotFound)
		return
	}
	f.Serve(w, r)
}
