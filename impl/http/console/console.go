// Package console serves the web console below /console/. It belongs to neither family of operations, and uses them as
// any other client does: all that it serves is static.
package console

import (
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/impl/platform/webpage"
)

// Prefix begins the paths that the console serves.
const Prefix = "/console/"

//go:embed static/*.html static/*.css static/*.js static/*.svg static/pages/*.js static/vendor/*.mjs
var static embed.FS

// policy allows only what comes from this server, and no script or style that is in the page itself. A script cannot
// turn text into markup: there is no Trusted Types policy.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// files returns all files of the console, by their paths below Prefix. They are compressed once, when the first is
// requested.
var files = sync.OnceValue(func() map[string]webpage.File {
	all := map[string]webpage.File{}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		all[strings.TrimPrefix(name, "static/")] = webpage.NewFile(mediaTypes[path.Ext(name)], content)
		return nil
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	return all
})

// mediaTypes are the types by extension. Those of the machine may be others.
var mediaTypes = map[string]string{
	".css":  mime.FormatMediaType("text/css", utf8),
	".html": mime.FormatMediaType("text/html", utf8),
	".js":   mime.FormatMediaType("text/javascript", utf8),
	".mjs":  mime.FormatMediaType("text/javascript", utf8),
	".svg":  "image/svg+xml",
}

var utf8 = map[string]string{"charset": "utf-8"}

// Before returns a handler that serves the console, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path+"/" == Prefix:
			http.Redirect(w, r, Prefix, http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, Prefix):
			serve(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func serve(w http.ResponseWriter, r *http.Request) {
	webpage.SetHeaders(w.Header(), r, policy)

	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if name == "" {
		name = "index.html"
	}
	f, found := files()[name]
	if !found {
		http.Error(w, "the console has no such file", http.StatusNotFound)
		return
	}
	f.Serve(w, r)
}
