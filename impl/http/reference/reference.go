// Package reference serves the contract, as /openapi.yaml and /openapi.json, the part of it that is ECE's family, as
// /openapi-ece.yaml, /openapi-ece.json and where ECE has its own, and the API reference below /docs/, which shows the
// contract. It belongs to neither family of operations: all that it serves is static.
package reference

import (
	"embed"
	"io/fs"
	"net/http"
	"sync"

	"go.yaml.in/yaml/v3"

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

// eceDocument is where ECE serves its own contract.
const eceDocument = "/api/v1/api-docs/swagger.json"

// site is the API reference.
var site = func() webpage.Site {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is valid
	}
	return webpage.NewSite(Prefix, policy, files)
}()

// documents are the contract and a part of it, each as YAML and as JSON, by their paths. Each is made when it is asked
// for.
var documents = func() map[string]func() webpage.File {
	all := map[string]func() webpage.File{}
	for name, reduce := range map[string]func(*yaml.Node) error{"openapi": nil, "openapi-ece": reduceToECE} {
		both := sync.OnceValues(func() (asYAML, asJSON webpage.File) {
			yamlText, jsonText, err := publish(api.OpenAPI, reduce)
			if err != nil {
				panic(err) // the contract is in the program
			}
			return webpage.NewFile(name+".yaml", yamlText), webpage.NewFile(name+".json", jsonText)
		})
		all["/"+name+".yaml"] = func() webpage.File { asYAML, _ := both(); return asYAML }
		all["/"+name+".json"] = func() webpage.File { _, asJSON := both(); return asJSON }
	}
	all[eceDocument] = all["/openapi-ece.json"]
	return all
}()

// Before returns a handler that serves the contract and its reference, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	pages := site.Before(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if document, ok := documents[r.URL.Path]; ok {
			serveDocument(w, r, document())
			return
		}
		if r.URL.Path == "/favicon.ico" {
			site.Serve(w, r, "favicon.svg")
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// serveDocument serves a contract, which pages of all sites can read.
func serveDocument(w http.ResponseWriter, r *http.Request, document webpage.File) {
	h := w.Header()
	webpage.SetHeaders(h, r, policy)
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Etag")
	}
	document.Serve(w, r)
}
