package controlapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/http/controlapi"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// answer is the answer to a request.
type answer struct {
	status int
	header http.Header
	body   string
	// Error and Field are those of an error.
	Error, Field string
}

// call sends a request of the control API. The functions change it before.
func call(
	t *testing.T, s *sallyporttest.Server, method, path, body string, change ...func(*http.Request),
) answer {
	t.Helper()
	r := httptest.NewRequest(method, "/_control/v1"+path, strings.NewReader(body))
	r.Host = "127.0.0.1:1234"
	r.Header.Set("Authorization", "Bearer "+s.ControlToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: w.Code, header: w.Result().Header, body: string(text)}
	if a.status >= http.StatusBadRequest {
		if err := json.Unmarshal(text, &a); err != nil {
			t.Errorf("%s %s: the error is %s (%v)", method, path, text, err)
		}
	}
	return a
}

// header returns a function that sets a header.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// host returns a function that sets the Host, and the address that the request arrived at.
func host(name, local string) func(*http.Request) {
	return func(r *http.Request) {
		address := &net.TCPAddr{IP: net.ParseIP(local), Port: 12400}
		*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(address)))
		r.Host = name
	}
}

// Ensures that neither a web page nor a program without the token can control the server, and that a refused request
// has no effect.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		field  string
	}{
		"no token":             {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "Authorization"},
		"another token":        {header("Authorization", "Bearer "+s.ControlToken+"x"), 401, "Authorization"},
		"an empty token":       {header("Authorization", "Bearer "), 401, "Authorization"},
		"another scheme":       {header("Authorization", "Basic "+s.ControlToken), 401, "Authorization"},
		"a rebound name":       {host("attacker.example:12400", "127.0.0.1"), 421, "Host"},
		"a rebound subdomain":  {host("localhost.attacker.example", "127.0.0.1"), 421, "Host"},
		"another address":      {host("192.0.2.1:12400", "127.0.0.1"), 421, "Host"},
		"no host":              {host("", "127.0.0.1"), 421, "Host"},
		"another origin":       {header("Origin", "http://attacker.example"), 403, "Origin"},
		"another port":         {header("Origin", "http://127.0.0.1:8080"), 403, "Origin"},
		"an opaque origin":     {header("Origin", "null"), 403, "Origin"},
		"a cross-site fetch":   {header("Sec-Fetch-Site", "cross-site"), 403, "Origin"},
		"a form":               {header("Content-Type", "application/x-www-form-urlencoded"), 415, "Content-Type"},
		"plain text":           {header("Content-Type", "text/plain"), 415, "Content-Type"},
		"YAML":                 {header("Content-Type", "application/yaml"), 415, "Content-Type"},
		"no content type":      {func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "Content-Type"},
		"another charset":      {header("Content-Type", "application/json; charset=utf-16"), 415, "Content-Type"},
		"the same origin":      {header("Origin", "http://127.0.0.1:1234"), 204, ""},
		"localhost":            {host("localhost:12400", "127.0.0.1"), 204, ""},
		"IPv6 loopback":        {host("[::1]:12400", "::1"), 204, ""},
		"the address":          {host("192.0.2.1:12400", "192.0.2.1"), 204, ""},
		"a charset":            {header("Content-Type", "application/json; charset=utf-8"), 204, ""},
		"scheme in lower case": {header("Authorization", "bearer "+s.ControlToken), 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.ClearFaults()
			got := call(t, s, "PUT", "/faults/a", `{"operation": "login", "status": 502}`, c.change)
			if got.status != c.status || got.Field != c.field {
				t.Errorf("the answer is %d %s; want %d and the field %q", got.status, got.body, c.status, c.field)
			}
			list := call(t, s, "GET", "/faults", "").body
			if added := strings.Contains(list, "login"); added != (c.status == 204) {
				t.Errorf("the faults are %s", list)
			}
			if strings.Contains(got.body, s.ControlToken) {
				t.Error("the answer has the token")
			}
		})
	}
}

// Ensures that each operation of the contract, and each path beside, needs the token.
func TestGuard_EveryOperation(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	document, err := openapi3.NewLoader().LoadFromData(api.Control)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string][]string{"/_control/v1/unknown": {"GET"}, "/_control/": {"POST"}}
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			paths[path] = append(paths[path], method)
		}
	}
	if len(paths) < 10 {
		t.Errorf("there are only %d paths", len(paths))
	}
	for path, methods := range paths {
		for _, method := range methods {
			r := httptest.NewRequest(method, strings.NewReplacer("{fault_id}", "a").Replace(path), nil)
			r.Host = "localhost"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s %s is answered with %d", method, path, w.Code)
			}
		}
	}
}

// Ensures that requests are validated by the contract, and that errors name the field and quote no value.
func TestValidation(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		field              string
	}{
		"an unknown member":    {"POST", "/clock/_advance", `{"seconds": 1, "s3cret": 1}`, 400, "s3cret"},
		"a duplicate member":   {"POST", "/clock/_advance", `{"seconds": 1, "seconds": 2}`, 400, "seconds"},
		"another case":         {"POST", "/clock/_advance", `{"Seconds": 1}`, 400, ""},
		"back in time":         {"POST", "/clock/_advance", `{"seconds": -1}`, 400, "seconds"},
		"a text for a number":  {"POST", "/clock/_advance", `{"seconds": "hidden"}`, 400, "seconds"},
		"malformed JSON":       {"POST", "/clock/_advance", `{"seconds": 1`, 400, "body"},
		"two values":           {"POST", "/clock/_advance", `{"seconds": 1} {}`, 400, "body"},
		"no body":              {"POST", "/clock/_advance", ``, 400, "body"},
		"a body too large":     {"POST", "/clock/_advance", strings.Repeat(" ", 1<<20+1), 413, "body"},
		"an unknown operation": {"PUT", "/faults/a", `{"operation": "create-api-kye", "drop": true}`, 400, "operation"},
		"a fault of nothing":   {"PUT", "/faults/a", `{"operation": "login"}`, 400, "body"},
		"a status of success":  {"PUT", "/faults/a", `{"operation": "login", "status": 200}`, 400, "status"},
		"a long id":            {"PUT", "/faults/" + strings.Repeat("a", 65), `{"operation": "login", "drop": true}`, 400, "fault_id"},
		"a missing fault":      {"DELETE", "/faults/hidden", ``, 404, "fault_id"},
		"a seed with an error": {"POST", "/seed", `{"users": [{"name": "joe", "password": "hidden"}]}`, 400, "body"},
		"a seed of a section":  {"POST", "/seed", `{"realms": []}`, 400, "realms"},
		"no snapshot": {"PUT", "/snapshot", `{"time": "2026-01-02T03:04:05Z", "records": "aGlkZGVu",
			"key_encryption_key": "aGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGk="}`, 400, "body"},
		"no base64": {"PUT", "/snapshot", `{"time": "2026-01-02T03:04:05Z", "records": "hidden!!",
			"key_encryption_key": "aGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGk="}`, 400, ""},
		"an unknown path": {"GET", "/hidden", ``, 404, "path"},
		"another method":  {"PATCH", "/clock", ``, 404, "path"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, s, c.method, c.path, c.body)
			if got.status != c.status || c.field != "" && got.Field != c.field || got.Error == "" {
				t.Errorf("the answer is %d %s; want %d and the field %q", got.status, got.body, c.status, c.field)
			}
			if strings.Contains(got.body, "hidden") {
				t.Errorf("the answer quotes the request: %s", got.body)
			}
		})
	}

	// Nothing of it had an effect.
	if ahead := time.Until(s.Clock.Now()); ahead > time.Second {
		t.Errorf("the clock is %v ahead", ahead)
	}
	if list := call(t, s, "GET", "/faults", "").body; strings.Contains(list, "login") {
		t.Errorf("the faults are %s", list)
	}
	if got := call(t, s, "GET", "/clock", ""); got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer is %d %v", got.status, got.header)
	}
}

// Ensures that the clock cannot be advanced until its difference to the real time overflows.
func TestClock_Latest(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	century := `{"seconds": 3153600000}`
	if got := call(t, s, "POST", "/clock/_advance", century); got.status != 200 {
		t.Fatalf("the first century is answered with %d %s", got.status, got.body)
	}
	if got := call(t, s, "POST", "/clock/_advance", century); got.status != 400 || got.Field != "seconds" {
		t.Errorf("the second century is answered with %d %s", got.status, got.body)
	}
	if year := s.Clock.Now().Year(); year > 2200 {
		t.Errorf("the year is %d", year)
	}
}

// Ensures that faults are listed as they were put, in order, with the requests that they are still for, and that each
// can be replaced and ended.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	first := `"operation":"login","status":503,"retry_after_seconds":2,"times":2`
	second := `"operation":"login","delay_seconds":0.25,"drop":true,"handled":true,"probability":0.5,"seed":7`
	if got := call(t, s, "PUT", "/faults/first", "{"+first+"}"); got.status != 204 {
		t.Fatalf("the answer is %d %s", got.status, got.body)
	}
	call(t, s, "PUT", "/faults/second", "{"+second+"}")
	want(t, s, `[{"id":"first",`+first+`},{"id":"second",`+second+`}]`)

	login := httptest.NewRecorder()
	s.Handler().ServeHTTP(login, httptest.NewRequest(http.MethodPost, "/api/v1/users/auth/_login", nil))
	if login.Code != http.StatusServiceUnavailable || login.Header().Get("Retry-After") != "2" {
		t.Errorf("the answer is %d %v", login.Code, login.Header())
	}
	want(t, s, `[{"id":"first",`+strings.Replace(first, `"times":2`, `"times":1`, 1)+`},{"id":"second",`+second+`}]`)

	call(t, s, "PUT", "/faults/first", `{"operation":"login","truncate":true}`)
	want(t, s, `[{"id":"first","operation":"login","truncate":true},{"id":"second",`+second+`}]`)
	call(t, s, "DELETE", "/faults/first", "")
	want(t, s, `[{"id":"second",`+second+`}]`)
	call(t, s, "DELETE", "/faults", "")
	want(t, s, `[]`)
}

// want fails the test unless the list of faults is as given.
func want(t *testing.T, s *sallyporttest.Server, faults string) {
	t.Helper()
	var got, expected any
	text := call(t, s, "GET", "/faults", "").body
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"faults":`+faults+`}`), &expected); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got) //nolint:errchkjson // it was decoded
	b, _ := json.Marshal(expected)
	if string(a) != string(b) {
		t.Errorf("the faults are\n%s; want\n%s", a, b)
	}
}

// Ensures that the number of faults is bounded.
func TestFaults_Bound(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	for range 1000 {
		s.Fail("login", sallyporttest.Status(500))
	}
	if got := call(t, s, "PUT", "/faults/a", `{"operation": "login", "status": 500}`); got.status != 400 {
		t.Errorf("one more is answered with %d %s", got.status, got.body)
	}
}

// Ensures that a snapshot can be restored, and that one with another key-encryption key is refused and changes nothing.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	state := call(t, s, "GET", "/snapshot", "").body
	s.Reset()
	if got := call(t, s, "PUT", "/snapshot", state); got.status != 204 {
		t.Fatalf("the answer is %d %s", got.status, got.body)
	}

	var parts map[string]string
	if err := json.Unmarshal([]byte(state), &parts); err != nil {
		t.Fatal(err)
	}
	parts["key_encryption_key"] = "aGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGlkZGVuaGk="
	parts["time"] = "2100-01-02T03:04:05Z"
	other, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	if got := call(t, s, "PUT", "/snapshot", string(other)); got.status != 400 {
		t.Errorf("another key is answered with %d %s", got.status, got.body)
	}
	if year := s.Clock.Now().Year(); year >= 2100 {
		t.Errorf("the year is %d", year)
	}
	response, err := s.Client(alice).Get(s.URL + "/api/v1/account")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the user of the snapshot is answered with %d", response.StatusCode)
	}
}

// Ensures that a token that can be guessed is refused.
func TestNew_ShortToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "fifteen letters"} {
		if _, err := controlapi.New(controlapi.Config{Token: token, Log: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%q is accepted", token)
		}
	}
}

// Ensures that the contract is valid, that its operations are below the prefix that serve does not have, and that each
// has the one error.
func TestContract(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(api.Control)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			if !strings.HasPrefix(path, "/_control/v1/") || op.Security != nil {
				t.Errorf("%s %s is outside, or has credentials of its own", method, path)
			}
			if op.Responses.Default() == nil || op.Responses.Default().Ref != "#/components/responses/Error" {
				t.Errorf("%s %s does not have the one error", method, path)
			}
			if body := op.RequestBody; body != nil && (len(body.Value.Content) != 1 || !body.Value.Required ||
				!slices.Contains([]string{"AdvanceRequest", "FaultRequest", "SeedRequest", "Snapshot"},
					strings.TrimPrefix(body.Value.Content["application/json"].Schema.Ref, "#/components/schemas/"))) {
				t.Errorf("%s %s takes another body than JSON", method, path)
			}
		}
	}
}
