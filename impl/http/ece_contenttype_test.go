package http_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
)

const curlContentType = "application/x-www-form-urlencoded"

// byCurl returns the editor that adds headers to a request with curl's default content type.
func byCurl(headers map[string]string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Content-Type", curlContentType)
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		return nil
	}
}

// requestsByCurl are the operations with a body, as ECE's documentation shows them, with the status of their success.
var requestsByCurl = map[string]struct {
	method, path, body string
	status             int
}{
	"login":         {"POST", loginPath, `{"username":"bob","password":"` + bobPassword + `"}`, 200},
	"login, spaced": {"POST", loginPath, "\r\n\t {\"username\":\"bob\",\"password\":\"" + bobPassword + `"}`, 200},
	"new key":       {"POST", keysPath, newKey, 201},
	"own keys":      {"DELETE", keysPath, `{"keys":["x"]}`, 200},
	"users' keys":   {"DELETE", keysPath + "/_all", `{"user_api_keys":[{"user_id":"bob","api_key_id":"x"}]}`, 200},
	"new user": {"POST", "/api/v1/users",
		`{"user_name":"curl","security":{"password":"correct horse","roles":["ece_platform_viewer"]}}`, 200},
	"user":           {"PATCH", "/api/v1/users/alice", `{"full_name":"Alice"}`, 200},
	"own user":       {"PATCH", "/api/v1/user", `{"full_name":"Bob"}`, 200},
	"all settings":   {"PUT", "/api/v1/account", `{"trust":{"trust_all":true}}`, 200},
	"elevation":      {"POST", "/api/v1/users/auth/_elevate", `{"token":"123456"}`, 401},
	"account":        {"PATCH", "/api/v1/account", `{"trust":{"trust_all":true}}`, 200},
	"text":           {"PATCH", "/api/v1/account", `"{\"trust\":{\"trust_all\":true}}"`, 200},
	"below a region": {"PATCH", "/api/v1/regions/r/account", `{"trust":{"trust_all":true}}`, 200},
}

// Ensures that JSON with curl's default content type is served, but for requests of browsers and under the strict
// setting.
func TestCurlContentType(t *testing.T) {
	t.Parallel()

	lenient := newWorld(t)
	strict := openTuned(t, func(s *app.Settings) { s.Compatibility.StrictContentType = true })
	strict.addUsers()

	for name, request := range requestsByCurl {
		t.Run(name, func(t *testing.T) {
			send := func(w *world, editors ...client.RequestEditorFn) (*http.Response, string) {
				w = &world{T: t, url: w.url}
				if request.path != loginPath {
					editors = append(editors, bob)
				}
				return w.do(request.method, request.path, request.body, editors...)
			}

			if r, body := send(lenient, byCurl(nil)); r.StatusCode != request.status {
				t.Errorf("got %d %s, want %d", r.StatusCode, body, request.status)
			}

			for refused, editor := range map[string]client.RequestEditorFn{
				"Origin":         byCurl(map[string]string{"Origin": lenient.url}),
				"opaque Origin":  byCurl(map[string]string{"Origin": "null"}),
				"empty Origin":   byCurl(map[string]string{"Origin": ""}),
				"Sec-Fetch-Site": byCurl(map[string]string{"Sec-Fetch-Site": "same-origin"}),
				"no navigation":  byCurl(map[string]string{"sec-fetch-mode": "no-cors", "Sec-Fetch-Site": "none"}),
				"Sec-Fetch-Dest": byCurl(map[string]string{"Sec-Fetch-Dest": "empty"}),
				"a parameter":    contentType(curlContentType + "; charset=utf-8"),
				"empty":          contentType(curlContentType + ";"),
				"another case":   contentType("Application/X-WWW-Form-Urlencoded"),
				"twice": func(_ context.Context, r *http.Request) error {
					r.Header["Content-Type"] = []string{curlContentType, curlContentType}
					return nil
				},
			} {
				r, body := send(lenient, editor)
				fromOtherSite := r.StatusCode == http.StatusForbidden && request.path != loginPath
				if r.StatusCode != http.StatusUnsupportedMediaType && !fromOtherSite {
					t.Errorf("%s: %d %s", refused, r.StatusCode, body)
				}
			}

			r, body := send(strict, byCurl(nil))
			strict := &world{T: t}
			strict.refused(r, body, http.StatusUnsupportedMediaType, "root.unsupported_media_type", "Content-Type")
		})
	}
}

// Ensures that with curl's default content type a body is read as JSON only if it begins like an object or a string,
// and as strictly as ever.
func TestCurlContentType_Bodies(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		field  string
	}{
		"form":           {"username=bob&password=x", 415, "root.unsupported_media_type", "Content-Type"},
		"encoded JSON":   {"%7B%22username%22%3A%22bob%22%7D=", 415, "root.unsupported_media_type", "Content-Type"},
		"list":           {"[]", 415, "root.unsupported_media_type", "Content-Type"},
		"number":         {"1", 415, "root.unsupported_media_type", "Content-Type"},
		"spaces":         {"  ", 415, "root.unsupported_media_type", "Content-Type"},
		"no body":        {"", 400, "root.invalid_data", "body"},
		"cut off":        {`{"username":`, 400, "root.invalid_json_request", "body"},
		"trailing form":  {`{"username":"bob","password":"x"}=`, 400, "root.invalid_json_request", "body"},
		"member twice":   {`{"username":"a","username":"b","password":"x"}`, 400, "root.invalid_json_request", "username"},
		"text of object": {`"{}"`, 400, "root.invalid_data", "body"},
		"unknown member": {`{"username":"a","password":"b","c":1}`, 400, "root.invalid_data", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			response, body := w.do("POST", loginPath, c.body, byCurl(nil))
			w.refused(response, body, c.status, c.code, c.field)
		})
	}
}

// Ensures that Elasticsearch's operations take no other content type than before, and that a form stays a form.
func TestCurlContentType_Others(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "POST /_security/api_key", `{"name":"x"}`, byCurl(nil)).is(http.StatusNotAcceptable,
		`{"error":"Content-Type header [`+curlContentType+`] is not supported","status":406}`)

	response, body := w.do("POST", callbackPath, `{"SAMLResponse":"x"}`, byCurl(nil))
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "SAMLResponse")
}
