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
	// SignIns are the ids of the operations through which browsers sign people in, and SignOuts those through which
	// identity providers make browsers sign people out. A refusal by them is a page.
	SignIns, SignOuts []string
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

// Before returns a handler that answers navigations to "/" and to what does not exist, makes pages of refusals to sign
// people in or out, and passes all else to next.
func Before(routes Routes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isNavigation(r) {
			next.ServeHTTP(w, r)
			return
		}

		operation := routes.Operation(r)
		switch {
		case slices.Contains(routes.SignIns, operation):
			next.ServeHTTP(&refusable{withoutDialog: withoutDialog{w}, request: r, home: routes.Home, words: signIn}, r)
		case slices.Contains(routes.SignOuts, operation):
			next.ServeHTTP(&refusable{withoutDialog: withoutDialog{w}, request: r, home: routes.Home, words: signOut}, r)
		case r.Method != http.MethodGet:
			next.ServeHTTP(w, r)
		case r.URL.Path == "/":
			setHeaders(w.Header(), r)
			w.Header().Set("Vary", varies)
			http.Redirect(w, r, routes.Home, http.StatusSeeOther)
		case operation == "":
			w.Header().Set("Vary", varies)
			send(w, r, http.StatusNotFound, content{
				Title: "Nothing is here",
				Text:  "This server has nothing at the address that you opened.",
				Home:  routes.Home,
				Link:  "Go to the start page",
			})
		default:
			next.ServeHTTP(&withoutDialog{w}, r)
		}
	})
}

// isNavigation reports whether a request is that of a browser in which a person opens an address, or sends a form as
// the pages of identity providers do. A browser with a stored name and password sends them; such a request is for an
// operation.
func isNavigation(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return (r.Method == http.MethodGet || r.Method == http.MethodPost) && (mode == "" || mode == "navigate") &&
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
}

// content is what the page shows. Link is the text of the link to Home.
type content struct{ Title, Text, Reference, Home, Link string }

// send sends the page, and returns the size of its body in bytes.
func send(w http.ResponseWriter, r *http.Request, status int, shown content) int {
	var text bytes.Buffer
	if err := page.Execute(&text, shown); err != nil {
		panic(err) // the page is in the program
	}
	setHeaders(w.Header(), r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // the client may have disconnected
	return text.Len()
}

// withoutDialog is a response writer that removes the challenge at which browsers ask for a name and a password.
type withoutDialog struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w *withoutDialog) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *withoutDialog) WriteHeader(status int) {
	h := w.Header()
	h.Add("Vary", varies)
	for name, challenges := range h {
		if strings.EqualFold(name, "WWW-Authenticate") { // the operations do not set it in its canonical form
			// The values are shared with other responses.
			h[name] = slices.DeleteFunc(slices.Clone(challenges), func(challenge string) bool {
				scheme, _, _ := strings.Cut(challenge, " ")
				return strings.EqualFold(scheme, "Basic")
			})
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// words are those of a page for a refusal.
type words struct {
	title, link string
	// invalid, busy and failed are the texts for a request that is not accepted, for too many of them, and for a failure
	// of the server. Why a message of an identity provider is refused is for administrators.
	invalid, busy, failed string
	// unknown is the text for a realm that does not exist; empty if requests name none.
	unknown string
}

var (
	signIn = words{
		title:   "You are not signed in",
		link:    "Sign in again",
		invalid: "The sign-in could not be completed. It may have taken too long, or have begun in another browser.",
		busy:    "There are too many sign-ins at the moment. Please wait a minute before you sign in again.",
		failed:  "The server cannot complete sign-ins at the moment. Please try again later.",
		unknown: "This server does not have that way to sign in. The link that you followed may be out of date.",
	}
	signOut = words{
		title:   "You may still be signed in",
		link:    "Go to the start page",
		invalid: "The sign-out could not be completed here. To end your session on this server, sign out on its start page.",
		busy:    "There are too many requests at the moment. Please wait a minute before you sign out again.",
		failed:  "The server cannot complete sign-outs at the moment. Please try again later.",
	}
)

// refusable is the response writer of a sign-in or sign-out. It sends a page in place of the body of a refusal.
type refusable struct {
	withoutDialog

	request *http.Request
	home    string
	words   words
	refused bool
	// size is the size of the page in bytes.
	size int
}

// WriteHeader implements http.ResponseWriter.
func (w *refusable) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		w.withoutDialog.WriteHeader(status)
		return
	}

	w.refused = true
	w.Header().Del("Content-Length") // that of the body that is not sent
	w.size = send(&w.withoutDialog, w.request, status, content{
		Title:     w.words.title,
		Text:      w.words.explain(status),
		Reference: w.Header().Get("X-Request-Id"),
		Home:      w.home,
		Link:      w.words.link,
	})
}

// Write implements http.ResponseWriter.
func (w *refusable) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.withoutDialog.Write(p)
}

// ReplacedSize returns the size of the body that was sent in place of the one that was written, and reports whether
// there is one.
func (w *refusable) ReplacedSize() (size int, replaced bool) { return w.size, w.refused }

// explain returns what people are to know of a refusal. It depends on the status only.
func (w words) explain(status int) string {
	switch {
	case status == http.StatusNotFound && w.unknown != "":
		return w.unknown
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return w.busy
	case status >= http.StatusInternalServerError:
		return w.failed
	}
	return w.invalid
}
