// Package console serves the web console below /console/. It belongs to neither family of operations, and uses them as
// any other client does: all that it serves is static.
package console

import (
	"embed"
	"io/fs"
	"net/http"

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

// site is the console.
var site = func() webpage.Site {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is valid
	}
	return webpage.NewSite(Prefix, policy, files)
}()

// Before returns a handler that serves the console, and passes other requests to next.
func Before(next http.Handler) http.Handler { return site.Before(next) }
