// Package crossorigin lets pages of other origins call one operation (CORS, Fetch Standard). Without it they can read
// no answer of an operation.
package crossorigin

import (
	"net/http"
	"net/url"
)

// Rule says which pages can call an operation.
type Rule struct {
	// Pages are URLs of the pages. All pages of their origins can call the operation.
	Pages []string
	// Operation is the id of the operation, which is a POST with a JSON body and without credentials.
	Operation string
	// OperationOf returns the id of the operation that a request asks for, or "".
	OperationOf func(*http.Request) string
}

// preflightLifetime is the number of seconds for which browsers cache the answer to a preflight.
const preflightLifetime = "600"

// Before returns a handler that answers preflights for the operation, adds to the answers of the operation that the
// calling page can read them, and passes all else to next.
func Before(rule Rule, next http.Handler) http.Handler {
	origins := map[string]bool{}
	for _, page := range rule.Pages {
		if u, err := url.Parse(page); err == nil {
			origins[u.Scheme+"://"+u.Host] = true
		}
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") == http.MethodPost
		if !origins[origin] || !rule.concerns(r, preflight) {
			next.ServeHTTP(w, r)
			return
		}

		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		if !preflight {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", http.MethodPost)
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Access-Control-Max-Age", preflightLifetime)
		w.WriteHeader(http.StatusNoContent)
	})
}

// concerns reports whether a request, or the one that a preflight announces, is for the operation.
func (rule Rule) concerns(r *http.Request, preflight bool) bool {
	if preflight {
		announced := *r
		announced.Method = http.MethodPost
		r = &announced
	}
	return rule.OperationOf(r) == rule.Operation
}
