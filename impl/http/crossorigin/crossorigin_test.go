package crossorigin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/impl/http/crossorigin"
)

// Ensures that only a POST of the operation from a listed origin, and its preflight, get CORS headers, and that all but
// the preflight reaches the operations.
func TestBefore(t *testing.T) {
	handler := crossorigin.Before(crossorigin.Rule{
		Pages:     []string{"https://app.example/a", "http://localhost:3000/"},
		Operation: "operation",
		OperationOf: func(r *http.Request) string {
			if r.Method == http.MethodPost && r.URL.Path == "/operation" {
				return "operation"
			}
			return ""
		},
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))

	for name, c := range map[string]struct {
		method, path, origin, announced string
		allowed                         string
		status                          int
	}{
		"call":                      {"POST", "/operation", "https://app.example", "", "https://app.example", 418},
		"second origin":             {"POST", "/operation", "http://localhost:3000", "", "http://localhost:3000", 418},
		"preflight":                 {"OPTIONS", "/operation", "https://app.example", "POST", "https://app.example", 204},
		"preflight of GET":          {"OPTIONS", "/operation", "https://app.example", "GET", "", 418},
		"OPTIONS without preflight": {"OPTIONS", "/operation", "https://app.example", "", "", 418},
		"another method":            {"GET", "/operation", "https://app.example", "", "", 418},
		"another operation":         {"POST", "/other", "https://app.example", "", "", 418},
		"preflight of another":      {"OPTIONS", "/other", "https://app.example", "POST", "", 418},
		"another origin":            {"POST", "/operation", "https://evil.example", "", "", 418},
		"page in place of origin":   {"POST", "/operation", "https://app.example/a", "", "", 418},
		"opaque origin":             {"POST", "/operation", "null", "", "", 418},
		"no origin":                 {"POST", "/operation", "", "", "", 418},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, http.NoBody)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.announced != "" {
				r.Header.Set("Access-Control-Request-Method", c.announced)
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, r)

			h := recorder.Result().Header
			if recorder.Code != c.status || h.Get("Access-Control-Allow-Origin") != c.allowed {
				t.Errorf("got %d %v", recorder.Code, h)
			}
			if preflight := c.status == http.StatusNoContent; (h.Get("Access-Control-Allow-Methods") == "POST") != preflight {
				t.Errorf("the headers are %v", h)
			}
		})
	}
}
