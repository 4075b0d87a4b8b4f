// Package navigation answers a browser in which a person opens an address of the server. Programs get the answers of
// the operations, unchanged.
package navigation

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/webpage"
)

// Routes is what a navigation can lead to.
type Routes struct {
	// Home is the path to which "/" leads.
	Home string
	// Operation returns the id of the operation that a request asks for, or "".
	Operation func(*http.Request) string
}

// varies are the headers of a request that decide whether it is a navigation.
const varies = "Accept, Authorization, Sec-Fetch-Mode"

// policy allows nothing but the style of the page, by its hash.
const policy = "default-src 'none'; style-src 'sha256-" + styleHash + "'; img-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'"

// styleHash is the SHA-256 of the page's style; a test compares them.
const styleHash = "UXxDPDwFBAIE/pFEzijk1bgDqwY/uqxvyL/4+ZiAsZc="

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// Before returns a handler that answers navigations to "/" and to what does not exist, and passes other requests to
// next.
func Before(routes Routes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !isNavigation(r):
			next.ServeHTTP(w, r)
		case r.URL.Path == "/":
			setHeaders(w.Header(), r)
			http.Redirect(w, r, routes.Home, http.StatusSeeOther)
		case routes.Operation(r) == "":
			send(w, r, http.StatusNotFound, content{
				Title: "Nothing is here",
				Text:  "This server has nothing at the address that you opened.",
				Home:  routes.Home,
			})
		default:
			next.ServeHTTP(&withoutDialog{ResponseWriter: w}, r)
		}
	})
}

// isNavigation reports whether a request is that of a browser in which a person opens an address. A browser with a
// stored name and password sends them; such a request is for an operation.
func isNavigation(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return r.Method == http.MethodGet && (mode == "" || mode == "navigate") &&
		len(r.Header.Values("Authorization")) == 0 && acceptsHTML(r.Header.Values("Accept"))
}

// acceptsHTML reports whether Accept names HTML. A range such as */* does not: programs send it.
func acceptsHTML(values []string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(values, ","), ","), func(each string) bool {
		mediaType, parameters, _ := strings.Cut(strings.ReplaceAll(each, " ", ""), ";")
		return strings.EqualFold(mediaType, "text/html") && strings.Trim(parameters, "0.") != "q="
	})
}

func setHeaders(h http.Header, r *http.Request) {
	webpage.SetHeaders(h, r, policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", varies)
}

// content is what the page shows.
type content struct{ Title, Text, Home string }

func send(w http.ResponseWriter, r *http.Request, status int, shown content) {
	var text bytes.Buffer
	if err := page.Execute(&text, shown); err != nil {
		panic(err) // the page is in the program
	}
	setHeaders(w.Header(), r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the client may have disconnected
}

// withoutDialog is a response writer that removes the challenge at which browsers ask for a name and a password.
type withoutDialog struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w *withoutDialog) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *withoutDialog) WriteHeader(status int) {
	h := w.Header()
	h.Add("Vary", varies)
	if challenges := h["Www-Authenticate"]; len(challenges) > 0 {
		// The values are shared with other responses.
		h["Www-Authenticate"] = slices.DeleteFunc(slices.Clone(challenges), func(challenge string) bool {
			scheme, _, _ := strings.Cut(challenge, " ")
			return strings.EqualFold(scheme, "Basic")
		})
	}
	w.ResponseWriter.WriteHeader(status)
}
