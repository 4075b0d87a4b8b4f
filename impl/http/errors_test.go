package http_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

func contentType(value string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Content-Type", value)
		if value == "" {
			r.Header.Del("Content-Type")
		}
		return nil
	}
}

const loginPath = "/api/v1/users/auth/_login"

// Ensures that each kind of bad request has an error code of its own in ECE's body, and names the field.
func TestBadRequests(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	json := contentType("application/json")
	for _, c := range []struct {
		name, method, path, body string
		editor                   client.RequestEditorFn
		status                   int
		code                     string
		fields                   []string
	}{
		{"unknown path", "GET", "/nope", "", json, 404, "root.resource_not_found", nil},
		{"unknown path of the API", "GET", "/api/v1/nope", "", json, 404, "root.resource_not_found", nil},
		{"slash behind", "GET", "/api/v1/account/", "", json, 404, "root.resource_not_found", nil},
		{"wrong method", "POST", "/api/v1/account", "{}", json, 405, "root.method_not_allowed", nil},
		{"no body", "POST", loginPath, "", json, 400, "root.invalid_data", []string{"body"}},
		{"not JSON", "POST", loginPath, "username=alice", json, 400, "root.invalid_json_request", []string{"body"}},
		{"cut off", "POST", loginPath, `{"username":`, json, 400, "root.invalid_json_request", []string{"body"}},
		{"trailing data", "POST", loginPath, `{"username":"a","password":"b"}{}`, json, 400, "root.invalid_json_request",
			[]string{"body"}},
		{"not UTF-8", "POST", loginPath, "{\"username\":\"\xff\",\"password\":\"b\"}", json, 400, "root.invalid_json_request",
			[]string{"body"}},
		{"twice", "POST", loginPath, `{"username":"a","password":"b","password":"c"}`, json, 400, "root.invalid_json_request",
			[]string{"password"}},
		{"twice in another case", "POST", loginPath, `{"username":"a","password":"b","PASSWORD":"c"}`, json, 400,
			"root.invalid_data", []string{"PASSWORD"}},
		{"deep", "POST", loginPath, strings.Repeat("[", 100000), json, 400, "root.invalid_json_request", []string{"body"}},
		{"array", "POST", loginPath, "[]", json, 400, "root.invalid_data", []string{"body"}},
		{"null", "POST", loginPath, "null", json, 400, "root.invalid_data", []string{"body"}},
		{"wrong type", "POST", loginPath, `{"username":"a","password":1}`, json, 400, "root.invalid_data",
			[]string{"password"}},
		{"all at once", "POST", loginPath, `{"password":1,"login_state":{"path":[],"x":1},"y":{}}`, json, 400,
			"root.invalid_data",
			[]string{"login_state.path", "login_state.x", "password", "username", "y"}},
		{"missing", "POST", loginPath, `{"username":"a"}`, json, 400, "root.invalid_data", []string{"password"}},
		{"null member", "POST", loginPath, `{"username":"a","password":null}`, json, 400, "root.invalid_data",
			[]string{"password"}},
		{"no content type", "POST", loginPath, "{}", contentType(""), 415, "root.unsupported_media_type",
			[]string{"Content-Type"}},
		{"other content type", "POST", loginPath, "{}", contentType("text/plain"), 415, "root.unsupported_media_type",
			[]string{"Content-Type"}},
		{"other charset", "POST", loginPath, "{}", contentType("application/json; charset=utf-16"), 415,
			"root.unsupported_media_type", []string{"Content-Type"}},
		{"malformed content type", "POST", loginPath, "{}", contentType("application/json; ="), 415,
			"root.unsupported_media_type", []string{"Content-Type"}},
		{"member without a name", "POST", loginPath, `{"username":"a","password":"b","":1}`, json, 400, "root.invalid_data",
			[]string{"body"}},
		{"empty segment", "GET", "/api/v1/users//auth/keys", "", bob, 404, "root.resource_not_found", nil},
		{"form", "POST", loginPath, "username=a&password=b", contentType("application/x-www-form-urlencoded"), 415,
			"root.unsupported_media_type", []string{"Content-Type"}},
		{"too large", "POST", loginPath, `"` + strings.Repeat("x", 1<<20) + `"`, json, 413, "root.request_too_large",
			[]string{"body"}},
		{"too large, of unknown length", "POST", loginPath, `"` + strings.Repeat("x", 1<<20) + `"`, chunked, 413,
			"root.request_too_large", []string{"body"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			response, body := w.do(c.method, c.path, c.body, c.editor)
			w.refused(response, body, c.status, c.code, c.fields...)
			if c.status == http.StatusMethodNotAllowed && response.Header.Get("Allow") == "" {
				t.Error("there is no Allow header")
			}
		})
	}

	for _, accepted := range []string{"application/json; charset=utf-8", "Application/JSON"} {
		response, body := w.do("POST", loginPath, `{"username":"alice","password":"`+alicePassword+`"}`,
			contentType(accepted))
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s is refused: %s", accepted, body)
		}
	}
}

// chunked hides the body's length, so that it is found out by reading.
func chunked(_ context.Context, r *http.Request) error {
	r.ContentLength = -1
	return nil
}

// Ensures that the size of a refusal does not grow with the number of problems.
func TestBadRequests_Bounded(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var many, long strings.Builder
	many.WriteString(`{"a":0`)
	for many.Len() < 1<<20-5000 {
		many.WriteString(`,"` + strings.Repeat("b", many.Len()%1000+1) + strings.Repeat("c", many.Len()/1000) + `":0`)
	}

	many.WriteString("}")
	long.WriteString(`{"` + strings.Repeat("ü", 1<<18) + `":0}`)
	for name, body := range map[string]string{
		"many":           many.String(),
		"long":           long.String(),
		"small and many": `{"` + strings.Repeat(`x":0,"y`, 2000) + `":0}`,
		"many elements":  `{"keys":[` + strings.Repeat("0,", 4000) + `0]}`,
	} {
		path, method := loginPath, "POST"
		if name == "many elements" {
			path, method = "/api/v1/users/auth/keys", "DELETE"
		}
		response, text := w.do(method, path, body, alice)
		if response.StatusCode != http.StatusBadRequest || len(text) > 4096 {
			t.Errorf("%s: %d, %d bytes", name, response.StatusCode, len(text))
		}
	}
}

// Ensures that no value of a request, which may be a secret, comes back in the text about it.
func TestBadRequests_NoEcho(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const planted = "hunter2-do-not-echo"
	for _, body := range []string{
		`{"username":"a","password":["` + planted + `"]}`, `{"username":["` + planted + `"],"password":"` + planted + `"}`,
		`{"username":"a","password":"` + planted + `","x":"` + planted + `"}`, `{"password":"` + planted + `"`,
		`"` + planted + `"`,
		`{"username":"a","password":"b","login_state":"` + planted + `"}`,
		`{"username":"a","password":"b","login_state":{"path":"` + planted + `"}}`,
		`{"password":"` + planted + `","password":"` + planted + `"}`, `{"password":` + planted + `}`,
	} {
		response, text := w.do("POST", loginPath, body)
		if response.StatusCode != http.StatusBadRequest || strings.Contains(text, planted) {
			t.Errorf("%s: %d %s", body, response.StatusCode, text)
		}
	}
}

// Ensures that every operation that is not public refuses a caller without credentials, before it reads the body.
func TestUnauthorized_EveryOperation(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Security != nil && len(*op.Security) == 0 {
				continue
			}
			path := strings.NewReplacer("{user_id}", "alice", "{api_key_id}", "x").Replace(path)
			code := "root.unauthorized"
			if isElasticsearch(path) {
				code = ""
			}
			for name, caller := range map[string]client.RequestEditorFn{
				"none":           func(context.Context, *http.Request) error { return nil },
				"empty":          authorization(""),
				"garbage":        authorization("%%%"),
				"unknown scheme": authorization("Digest x"),
				"Basic":          as("alice", "wrong"),
				"Bearer":         bearer("x.y.z"),
				"ApiKey":         apiKey("eDp5"),
				"two": func(_ context.Context, r *http.Request) error {
					r.Header["Authorization"] = []string{"Bearer x", "Bearer x"}
					return nil
				},
			} {
				response, body := w.do(method, path, strings.Repeat("{", 2000), caller)
				if response.StatusCode != http.StatusUnauthorized || response.Header.Get("x-cloud-error-codes") != code {
					t.Errorf("%s with %s credentials: %d %s", op.OperationID, name, response.StatusCode, body)
				}
				if len(response.Header.Values("WWW-Authenticate")) != 3 {
					t.Errorf("%s with %s credentials: no challenges", op.OperationID, name)
				}
			}
		}
	}
}

// Ensures that a store that fails is said to have failed, and that service goes on when it is back.
func TestStoreFails(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	w.sql("ALTER TABLE users RENAME TO gone")
	for name, caller := range map[string]client.RequestEditorFn{
		"Basic":  alice,
		"Bearer": bearer(token),
		"ApiKey": apiKey("eDp5"),
	} {
		response, body := w.do("GET", "/api/v1/account", "", caller)
		w.refused(response, body, http.StatusBadGateway, "authc.authentication_cluster_error")
		if !strings.Contains(body, "authentication cluster") {
			t.Errorf("%s: %s", name, body)
		}
	}

	w.es(alice, "GET /_security/api_key?owner=true", "").fails(http.StatusBadGateway, "status_exception", "…")
	response, body := w.do("POST", loginPath, `{"username":"alice","password":"`+alicePassword+`"}`)
	w.refused(response, body, http.StatusBadGateway, "authc.authentication_cluster_error")
	w.sql("ALTER TABLE gone RENAME TO users")
	if !w.alive(bearer(token)) || !w.alive(alice) {
		t.Error("there is no service after the store is back")
	}
}

// Ensures that without an authentication cluster the built-in users sign in and read, and that all that needs the
// cluster says so.
func TestUnclustered(t *testing.T) {
	t.Parallel()

	w := open(t, "none")
	methods, err := w.client.MethodsWithResponse(t.Context())
	if err != nil || methods.JSON200 == nil || !methods.JSON200.Password || methods.JSON200.SAML {
		t.Errorf("methods: %v %v", methods, err)
	}
	if !w.alive(as(user.Readonly, readonlyPassword)) || w.alive(as(user.Readonly, adminPassword)) || w.alive(alice) {
		t.Error("Basic does not work as it should")
	}

	t.Run("session", func(t *testing.T) {
		w := w.in(t)
		session := bearer(w.login(user.Admin, adminPassword))
		for _, path := range []string{"/api/v1/account", "/api/v1/user", "/api/v1/users", "/api/v1/users/readonly",
			"/api/v1/users/auth"} {
			if response, body := w.do("GET", path, "", session); response.StatusCode != http.StatusOK {
				t.Errorf("GET %s: %d %s", path, response.StatusCode, body)
			}
		}

		refreshed, err := w.client.RefreshTokenWithResponse(t.Context(), session)
		if err != nil || refreshed.JSON200 == nil {
			t.Fatalf("refresh: %v %v", refreshed, err)
		}
		renewed := bearer(refreshed.JSON200.Token)
		if left, err := w.client.LogoutWithResponse(t.Context(), renewed); err != nil || left.JSON200 == nil {
			t.Errorf("logout: %v %v", left, err)
		}
		if w.alive(renewed) || w.alive(session) {
			t.Error("the session is alive after the logout")
		}
	})

	t.Run("needs the cluster", func(t *testing.T) {
		w := w.in(t)
		placeholder := regexp.MustCompile(`\{[^}]*\}`)
		for path, item := range contract.Paths.Map() {
			for method, op := range item.Operations() {
				if op.Extensions["x-without-cluster"] == true {
					continue
				}
				response, body := w.do(method, placeholder.ReplaceAllString(path, "x"), "", admin)
				if strings.HasPrefix(path, "/api/") {
					w.refused(response, body, http.StatusNotImplemented, "authc.no_authentication_cluster")
				} else if response.StatusCode != http.StatusNotImplemented {
					t.Errorf("%s: %d %s", op.OperationID, response.StatusCode, body)
				}
			}
		}
	})

	for name, credential := range map[string]client.RequestEditorFn{"token": bearer("x"), "API key": apiKey("eDp5")} {
		t.Run("unknown "+name, func(t *testing.T) {
			w := w.in(t)
			response, body := w.do("GET", "/api/v1/account", "", credential)
			w.refused(response, body, http.StatusUnauthorized, "root.unauthorized")
		})
	}
	response, body := w.do("GET", "/api/v1/users/auth/keys", "", as(user.Admin, "wrong"))
	w.refused(response, body, http.StatusUnauthorized, "root.unauthorized", "Authorization")
}

// Ensures that sign-ins at identity providers are not implemented, as ECE documents it, where no realm is enabled, and
// that their requests are validated first.
func TestSAML_NoRealm(t *testing.T) {
	t.Parallel()

	for name, w := range map[string]*world{
		"none":     newWorld(t),
		"disabled": newSAMLWorld(t, realm("off", viewers, "enabled: false")).world,
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			for _, query := range []string{"", "?state=a", "?realm=off"} {
				response, body := w.do(http.MethodGet, samlPath+"_init"+query, "")
				w.refused(response, body, http.StatusNotImplemented, "authc.no_authentication_cluster")
			}
			response, body := w.do(http.MethodPost, callbackPath, "SAMLResponse=eA==", asForm)
			w.refused(response, body, http.StatusNotImplemented, "authc.no_authentication_cluster")

			response, body = w.do(http.MethodGet, samlPath+"_init?realm=a&realm=b", "")
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "realm")
			response, body = w.do(http.MethodPost, callbackPath, "RelayState=x", asForm)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "SAMLResponse")
		})
	}
}

// Ensures that a request has a name in the answer: its own if that is harmless, else a new one.
func TestRequestID(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for sent, kept := range map[string]bool{
		"build-7.a_B":           true,
		"":                      false,
		"a b":                   false,
		strings.Repeat("x", 65): false,
		"a\"b":                  false,
	} {
		response, _ := w.do("GET", "/api/v1/users/auth/methods", "", func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Request-Id", sent)
			return nil
		})
		if got := response.Header.Get("X-Request-Id"); (got == sent) != kept || got == "" {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}

// Ensures that the log names the caller and the operation, and holds no secret of a header, a body or a query string.
func TestLog_NoSecrets(t *testing.T) {
	t.Parallel()

	log := make(logLines, 10_000)
	w := openLogged(t, log)
	if _, err := w.app.Users.Add(t.Context(), user.New{
		Name:     "alice",
		Roles:    []string{string(identity.DeploymentViewer)},
		Password: alicePassword,
	}); err != nil {
		t.Fatal(err)
	}

	token := w.login("alice", alicePassword)
	key := w.newKey(alice, "a key", "")
	w.alive(bearer(token))
	w.alive(apiKey(*key.Key))
	w.do("POST", loginPath, `{"username":"alice","password":"`+alicePassword+`"`)
	w.do("GET", "/api/v1/account?token="+token, "")
	text := log.until(t, "status=401")
	for name, value := range map[string]string{"password": alicePassword, "token": token, "key": *key.Key} {
		if strings.Contains(text, value) {
			t.Errorf("the log shows the %s", name)
		}
	}

	for _, want := range []string{"request_id=", "path=/api/v1/account", "user=alice", "status=401"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}
