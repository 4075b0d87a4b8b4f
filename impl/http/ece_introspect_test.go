package http_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
)

const introspectPath = "/api/v1/auth/introspect"

var readonly = as("readonly", readonlyPassword)

// introspect returns the description of a credential.
func (w *world) introspect(credential string) client.Introspection {
	w.Helper()
	r, err := w.client.IntrospectTokenWithFormdataBodyWithResponse(w.Context(),
		client.IntrospectionRequest{Token: credential}, readonly)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("%v %s", err, r.Body)
	}
	return *r.JSON200
}

// inactive fails the test unless a credential is answered like every other one that is invalid, alone and in a batch.
func (w *world) inactive(name, credential string) {
	w.Helper()
	form := url.Values{"token": {credential}}.Encode()
	response, body := w.do(http.MethodPost, introspectPath, form, readonly,
		header("Content-Type", "application/x-www-form-urlencoded"))
	if response.StatusCode != http.StatusOK || body != "{\"active\":false}\n" {
		w.Errorf("%s: %d %s", name, response.StatusCode, body)
	}
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		w.Errorf("Cache-Control is %q", got)
	}

	batch, err := json.Marshal(map[string][]string{"tokens": {credential}})
	if err != nil {
		w.Fatal(err)
	}
	response, body = w.do(http.MethodPost, introspectPath+"/_batch", string(batch), readonly)
	if response.StatusCode != http.StatusOK || body != "{\"results\":[{\"active\":false}]}\n" {
		w.Errorf("%s in a batch: %d %s", name, response.StatusCode, body)
	}
}

// Ensures that valid credentials of each kind are described, and that a key with privileges of its own has no roles.
func TestIntrospect(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	at, idle := w.clock.Now().Unix(), int64(30*60)
	token := w.login("alice", alicePassword)
	key := w.newKey(alice, "backups", "")
	expiring := w.newKey(alice, "backups", "3600s")
	restricted := w.es(bob, "POST /_security/api_key",
		`{"name":"r","role_descriptors":{"r":{"cluster":["monitor"]}}}`).ok()
	access := w.es(bob, "POST /_security/oauth2/token", `{"grant_type":"client_credentials"}`).ok()
	service := w.es(bob, "POST /_security/service/elastic/fleet-server/credential/token/t1", "").
		ok()["token"].(map[string]any)

	for name, test := range map[string]struct{ credential, want string }{
		"session": {token, fmt.Sprintf(`{"active":true,"aud":["sallyport"],"credential":"session","exp":%d,"iat":%d,`+
			`"iss":"sallyport","jti":%q,"roles":["ece_deployment_viewer"],"sub":"alice","token_type":"Bearer",`+
			`"username":"alice"}`, at+idle, at, claimOf(t, token, "jti"))},
		"access token": {access["access_token"].(string),
			fmt.Sprintf(`{"active":true,"aud":["sallyport"],"credential":"session","exp":%d,"iat":%d,`+
				`"iss":"sallyport","jti":%q,"roles":["ece_platform_admin"],"sub":"bob","token_type":"Bearer",`+
				`"username":"bob"}`, at+20*60, at, claimOf(t, access["access_token"].(string), "jti"))},
		"key": {*key.Key, fmt.Sprintf(`{"active":true,"api_key":{"id":%q,"name":"backups"},"credential":"api_key",`+
			`"iat":%d,"roles":["ece_deployment_viewer"],"sub":"alice","token_type":"ApiKey","username":"alice"}`, key.ID, at)},
		"expiring key": {*expiring.Key, fmt.Sprintf(`{"active":true,"api_key":{"id":%q,"name":"backups"},`+
			`"credential":"api_key","exp":%d,"iat":%d,"roles":["ece_deployment_viewer"],"sub":"alice","token_type":"ApiKey",`+
			`"username":"alice"}`, expiring.ID, at+3600, at)},
		"key with descriptors": {restricted["encoded"].(string), fmt.Sprintf(`{"active":true,"api_key":{"id":%q,"name":"r"},`+
			`"credential":"api_key","iat":%d,"roles":[],"sub":"bob","token_type":"ApiKey","username":"bob"}`,
			restricted["id"], at)},
		"service account": {service["value"].(string), `{"active":true,"credential":"service_token","roles":[],` +
			`"sub":"elastic/fleet-server","token_type":"Bearer","username":"elastic/fleet-server"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, client: w.client, url: w.url, seen: w.seen}
			response, body := w.do(http.MethodPost, introspectPath, url.Values{"token": {test.credential}}.Encode(), readonly,
				header("Content-Type", "application/x-www-form-urlencoded"))
			if got := strings.TrimSpace(body); response.StatusCode != http.StatusOK || got != test.want {
				t.Errorf("%d %s\nwant %s", response.StatusCode, got, test.want)
			}
			batch := fmt.Sprintf(`{"tokens":["x",%q]}`, test.credential)
			_, body = w.do(http.MethodPost, introspectPath+"/_batch", batch, readonly)
			if want := `{"results":[{"active":false},` + test.want + `]}`; strings.TrimSpace(body) != want {
				t.Errorf("in a batch: %s\nwant %s", body, want)
			}
		})
	}
}

// claimOf returns a claim of a token.
func claimOf(t *testing.T, token, name string) string {
	t.Helper()
	var claims map[string]any
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(claims[name])
}

// Ensures that everything invalid is answered alike, whatever the reason.
func TestIntrospect_Invalid(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token, key := w.login("alice", alicePassword), *w.newKey(alice, "k", "").Key
	refresh := w.es(bob, "POST /_security/oauth2/token",
		`{"grant_type":"password","username":"bob","password":"`+bobPassword+`"}`).ok()["refresh_token"].(string)
	parts := strings.Split(token, ".")
	id, _, _ := strings.Cut(decode(t, key), ":")
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, credential := range map[string]string{
		"nothing":                    "",
		"a text":                     "unknown",
		"with its scheme":            "Bearer " + token,
		"a key with its scheme":      "ApiKey " + key,
		"a refresh token":            refresh,
		"a password":                 encode("alice:" + alicePassword),
		"no signature":               parts[0] + "." + parts[1] + ".",
		"another signature":          parts[0] + "." + parts[1] + "." + parts[1],
		"algorithm none":             base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"other claims":               parts[0] + "." + strings.ToUpper(parts[1]) + "." + parts[2],
		"dots":                       "...",
		"an unknown key":             encode("7hq92T1a8ncRE0Rj:7hq92T1a8ncRE0RjWq1uVw"),
		"a wrong secret":             encode(id + ":7hq92T1a8ncRE0RjWq1uVw"),
		"an empty secret":            encode(id + ":"),
		"the id of a key":            id,
		"an id that is SQL":          encode("' OR '1'='1:x"),
		"a zero byte":                "\x00",
		"a service account":          "AAEAA" + "WVsYXN0aWMvZmxlZXQtc2VydmVyL3QxOnh4",
		"a huge token":               strings.Repeat("x", 500_000),
		"a huge token with dots":     token + "." + strings.Repeat("x", 500_000),
		"a valid token, then a line": token + "\n",
		"a valid token with a line":  token[:9] + "\r\n" + token[9:],
		"a valid key, then a line":   key + "\n",
		"a valid key, then a blank":  key + " ",
	} {
		t.Run(name, func(t *testing.T) { (&world{T: t, url: w.url, seen: w.seen}).inactive(name, credential) })
	}
}

func decode(t *testing.T, key string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Ensures that a credential is inactive at once when it is revoked, expires, or its user is disabled, and active again
// when the user is enabled.
func TestIntrospect_Revoked(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	active := func(name, credential string) {
		t.Helper()
		if !w.introspect(credential).Active {
			t.Errorf("%s is not active", name)
		}
	}

	token := w.login("alice", alicePassword)
	active("a session", token)
	if r, err := w.client.LogoutWithResponse(t.Context(), bearer(token)); err != nil || r.JSON200 == nil {
		t.Fatalf("%v %s", err, r.Body)
	}
	w.inactive("after the logout", token)

	key := w.newKey(alice, "k", "")
	active("a key", *key.Key)
	if r, err := w.client.DeleteAPIKeyWithResponse(t.Context(), key.ID, alice); err != nil || r.JSON200 == nil {
		t.Fatalf("%v %s", err, r.Body)
	}
	w.inactive("after the key was deleted", *key.Key)

	token, key = w.login("alice", alicePassword), w.newKey(alice, "k", "3600s")
	active("another session", token)
	active("another key", *key.Key)
	if err := w.app.Users.SetEnabled(t.Context(), "alice", false); err != nil {
		t.Fatal(err)
	}
	w.inactive("the session of a disabled user", token)
	w.inactive("the key of a disabled user", *key.Key)
	if err := w.app.Users.SetEnabled(t.Context(), "alice", true); err != nil {
		t.Fatal(err)
	}
	w.inactive("the session after the user was enabled again", token)
	active("the key after the user was enabled again", *key.Key)

	token = w.login("alice", alicePassword)
	w.clock.advance(30 * time.Minute)
	w.inactive("an expired session", token)
	w.clock.advance(30 * time.Minute)
	w.inactive("an expired key", *key.Key)
}

// Ensures that a session is not prolonged, and that a key counts as used.
func TestIntrospect_Use(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token, key := w.login("alice", alicePassword), w.esKey(bob, `{"name":"k"}`)
	for range 29 {
		w.clock.advance(time.Minute)
		if got := w.introspect(token); !got.Active || *got.Exp != noon.Add(30*time.Minute).Unix() {
			t.Fatalf("at %s: %+v", w.clock.Now(), got)
		}
	}
	w.clock.advance(time.Minute)
	w.inactive("after the idle time", token)

	w.introspect(key.encoded)
	w.app.Keys.Flush()
	if used := w.shownKey(bob, key.id, "")["last_used"]; fmt.Sprint(used) != fmt.Sprint(w.clock.Now().UnixMilli()) {
		t.Errorf("the key was last used at %v", used)
	}
}

// Ensures that only callers with the permission may ask, with each kind of credentials, and that a key with role
// descriptors has none.
func TestIntrospect_Permission(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	restricted := w.es(bob, "POST /_security/api_key",
		`{"name":"r","role_descriptors":{"r":{"cluster":["all"]}}}`).ok()["encoded"].(string)
	for name, test := range map[string]struct {
		caller client.RequestEditorFn
		status int
	}{
		"no credentials":       {header("X-None", "1"), http.StatusUnauthorized},
		"deployment viewer":    {alice, http.StatusForbidden},
		"the session itself":   {bearer(token), http.StatusForbidden},
		"key with descriptors": {apiKey(restricted), http.StatusForbidden},
		"platform viewer":      {readonly, http.StatusOK},
		"platform admin":       {bob, http.StatusOK},
		"platform admin's key": {apiKey(*w.newKey(bob, "k", "").Key), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url, seen: w.seen}
			response, body := w.do(http.MethodPost, introspectPath, "token="+token, test.caller,
				header("Content-Type", "application/x-www-form-urlencoded"))
			if response.StatusCode != test.status {
				t.Errorf("%d %s, want %d", response.StatusCode, body, test.status)
			}
			response, body = w.do(http.MethodPost, introspectPath+"/_batch", `{"tokens":["`+token+`"]}`, test.caller)
			if response.StatusCode != test.status {
				t.Errorf("a batch: %d %s, want %d", response.StatusCode, body, test.status)
			}
		})
	}
}

// Ensures that bad tokens neither lock their owner, nor use up the failed attempts of the caller's address, and are no
// way around the limits of sign-ins, because a password is never compared.
func TestIntrospect_Attempts(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.AddressFailures = 3 })
	w.addUsers()
	key := *w.newKey(alice, "k", "").Key
	id, _, _ := strings.Cut(decode(t, key), ":")
	wrong := base64.StdEncoding.EncodeToString([]byte(id + ":wrong"))
	password := base64.StdEncoding.EncodeToString([]byte("alice:" + alicePassword))
	for range 20 {
		w.inactive("a wrong secret", wrong)
		w.inactive("the right password", password)
	}
	w.login("alice", alicePassword)
	if !w.introspect(key).Active {
		t.Error("the key is no longer active")
	}
}

// Ensures that requests that are not what the operations take are refused with the field, and that the query string is
// no part of the form.
func TestIntrospect_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	form := header("Content-Type", "application/x-www-form-urlencoded")
	for name, test := range map[string]struct {
		path, body, field string
		edit              client.RequestEditorFn
	}{
		"no token":               {"", "token_type_hint=access_token", "token", form},
		"token in the query":     {"?token=x", "token_type_hint=access_token", "token", form},
		"two tokens":             {"", "token=a&token=b", "token", form},
		"no tokens":              {"/_batch", `{"tokens":[]}`, "tokens", nil},
		"too many tokens":        {"/_batch", `{"tokens":["x"` + strings.Repeat(`,"x"`, 100) + `]}`, "tokens", nil},
		"a number":               {"/_batch", `{"tokens":[1]}`, "tokens.0", nil},
		"null":                   {"/_batch", `{"tokens":[null]}`, "tokens.0", nil},
		"an unknown JSON member": {"/_batch", `{"tokens":["x"],"hint":"x"}`, "hint", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url, seen: w.seen}
			editors := []client.RequestEditorFn{readonly}
			if test.edit != nil {
				editors = append(editors, test.edit)
			}
			response, body := w.do(http.MethodPost, introspectPath+test.path, test.body, editors...)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", test.field)
		})
	}

	response, body := w.do(http.MethodPost, introspectPath, `{"token":"x"}`, readonly)
	w.refused(response, body, http.StatusUnsupportedMediaType, "root.unsupported_media_type", "Content-Type")
}

// Ensures that a form in another charset or with two content types is refused, as two readers could read two
// credentials from it.
func TestIntrospect_ContentType(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		types  []string
		status int
	}{
		"plain":           {[]string{form}, http.StatusOK},
		"UTF-8":           {[]string{form + "; charset=UTF-8"}, http.StatusOK},
		"UTF-8 in quotes": {[]string{form + `;charset="utf-8"`}, http.StatusOK},
		"UTF-16":          {[]string{form + "; charset=utf-16"}, http.StatusUnsupportedMediaType},
		"repeated":        {[]string{form, form}, http.StatusUnsupportedMediaType},
		"two types":       {[]string{form, "application/json"}, http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url, seen: w.seen}
			response, body := w.do(http.MethodPost, introspectPath, "token=x", readonly,
				func(_ context.Context, r *http.Request) error {
					r.Header["Content-Type"] = test.types
					return nil
				})
			if test.status == http.StatusOK {
				if response.StatusCode != http.StatusOK {
					t.Errorf("%d %s", response.StatusCode, body)
				}
				return
			}
			w.refused(response, body, test.status, "root.unsupported_media_type", "Content-Type")
		})
	}
}

// Ensures that a hint changes nothing, as RFC 7662 allows, and neither does a member that other servers take.
func TestIntrospect_Hint(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	for _, hint := range []string{"access_token", "refresh_token", "api_key", "", "nonsense"} {
		_, body := w.do(http.MethodPost, introspectPath, url.Values{"token": {token}, "token_type_hint": {hint},
			"client_id": {hint}}.Encode(), readonly, header("Content-Type", "application/x-www-form-urlencoded"))
		if !strings.HasPrefix(body, `{"active":true,`) {
			t.Errorf("with the hint %q: %s", hint, body)
		}
	}
}

// Ensures that a full batch of credentials is answered, in their order.
func TestIntrospect_Batch(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var request client.IntrospectionBatchRequest
	for i := range 50 {
		request.Tokens = append(request.Tokens, *w.newKey(alice, fmt.Sprintf("key%d", i), "").Key, fmt.Sprintf("x.%d.y", i))
	}
	r, err := w.client.IntrospectTokensWithResponse(t.Context(), request, readonly)
	if err != nil || r.JSON200 == nil || len(r.JSON200.Results) != 100 {
		t.Fatalf("%v %s", err, r.Body)
	}
	for i, result := range r.JSON200.Results {
		name := ""
		if result.APIKey != nil {
			name = result.APIKey.Name
		}
		if want := fmt.Sprintf("key%d", i/2); result.Active != (i%2 == 0) || result.Active && name != want {
			t.Errorf("result %d is %+v", i, result)
		}
	}
}

// Ensures that an API key shows no role of Elasticsearch: it does not have those that its owner got since.
func TestIntrospect_KeyWithoutNewRoles(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.es(bob, "PUT /_security/role/maker", `{"cluster":["manage_own_api_key"]}`).ok()
	w.es(bob, "PUT /_security/user/carol", `{"password":"a long passphrase","roles":["maker"]}`).ok()
	_, key := w.newKeyOf(as("carol", "a long passphrase"), `{"name":"early"}`)
	w.es(bob, "PUT /_security/user/carol", `{"roles":["maker","superuser"]}`).ok()
	_, body := w.do(http.MethodPost, introspectPath+"/_batch", `{"tokens":["`+key+`"]}`, readonly)
	if !strings.Contains(body, `"active":true`) || !strings.Contains(body, `"roles":[]`) {
		t.Errorf("the key is described as %s", body)
	}
}
