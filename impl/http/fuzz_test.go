package http_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// newFuzzed returns a server without a network, for tests that are in a hurry. It refuses responses that the contract
// does not allow, and has no limit on failures of the tests' address.
func newFuzzed(f *testing.F) *sallyporttest.Server {
	f.Helper()
	return sallyporttest.New(f,
		sallyporttest.Setting("response_validation", "refuse"),
		sallyporttest.Setting("lockout.address_failures", "1000000"))
}

func serve(h http.Handler, method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header = header
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder
}

// Ensures that no Authorization header breaks the server or lets anybody in.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{
		"", " ", "Basic", "Basic Og==", "Basic YTpi", "ApiKey eDp5", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30.",
		"basic\tYTpi",
		"ApiKey AAAA", "Digest x", "Basic YWRtaW4AOng=", "Bearer " + strings.Repeat("x", 5000),
	} {
		f.Add(seed)
	}

	h := newFuzzed(f).Handler()
	f.Fuzz(func(t *testing.T, value string) {
		if got := serve(h, http.MethodGet, "/api/v1/account", "",
			http.Header{"Authorization": {value}}); got.Code != http.StatusUnauthorized {
			t.Errorf("%q is answered with %d", value, got.Code)
		}
	})
}

// Ensures that no body breaks the operations that read one: whatever comes is accepted or refused, never a failure.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"username":"a","password":"b"}`, `{"trust":{"trust_all":null}}`, `"{\"trust\":null}"`,
		`{"description":"x","expiration":"1d"}`,
		`{"keys":["a"]}`, `{"user_api_keys":[{"user_id":"a","api_key_id":"b"}]}`, `{"a":1,"a":2}`, `[[[[`, "\"\\ud800\"",
		"1e999", "null", "\xff",
		`{"username":"a\u0000","password":"b","login_state":{"path":"//x"}}`,
	} {
		f.Add(seed)
	}

	s := newFuzzed(f)
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {s.Admin.Authorization()}}
	f.Fuzz(func(t *testing.T, body string) {
		for _, operation := range []string{
			"POST /api/v1/users/auth/_login", "PUT /api/v1/account", "PATCH /api/v1/account", "POST /api/v1/users/auth/keys",
			"DELETE /api/v1/users/auth/keys", "DELETE /api/v1/users/auth/keys/_all",
		} {
			method, path, _ := strings.Cut(operation, " ")
			if got := serve(s.Handler(), method, path, body, header); got.Code >= http.StatusInternalServerError {
				t.Errorf("%s with %q is answered with %d: %s", operation, body, got.Code, got.Body)
			}
		}
	})
}

// Ensures that no path breaks the router or the reading of parameters.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/api/v1/account", "/api/v1/regions/x/account", "/api/v1/users/%61lice/auth/keys",
		"/api/v1/users/a%2Fb/auth/keys/%00", "/%zz", "//", "/..",
		"/api/v1/users//auth/keys", "/api/v1/users/auth/keys/%25", "/api/v1/regions//",
		"/api/v1/regions/%2f/users/%2f/auth/keys",
	} {
		f.Add(seed)
	}

	s := newFuzzed(f)
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", s.Admin.Authorization())
	f.Fuzz(func(t *testing.T, path string) {
		r := request.Clone(t.Context())
		u, err := r.URL.Parse(path)
		if err != nil || !strings.HasPrefix(u.Path, "/") {
			return // no client can send it
		}

		r.URL = u
		recorder := httptest.NewRecorder()
		s.Handler().ServeHTTP(recorder, r)
		if recorder.Code >= http.StatusInternalServerError {
			t.Errorf("%q is answered with %d: %s", path, recorder.Code, recorder.Body)
		}
	})
}
