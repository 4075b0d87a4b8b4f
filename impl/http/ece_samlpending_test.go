package http_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// Ensures that the cookie is sent to this server only, by TLS only, from other sites too, and never to a script; and
// that a realm may do without.
func TestSAML_Cookie(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("bound", viewers), realm("free", viewers, "browser_binding: false"))
	response, _ := w.do(http.MethodGet, samlPath+"_init", "")
	value, attributes, _ := strings.Cut(response.Header.Get("Set-Cookie"), ";")
	name, value, _ := strings.Cut(value, "=")
	if slot := strings.TrimPrefix(name, binding); len(slot) != 1 || !strings.Contains("12345", slot) || len(value) > 300 ||
		attributes != " Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None" {
		t.Errorf("the cookie is %q", response.Header.Get("Set-Cookie"))
	}
	free := w.begin("realm=free")
	if free.cookie != "" {
		t.Error("a realm that does not bind browsers sets a cookie")
	}
	w.accepts("without a cookie", free, w.idp.Answer(w.request(free)), "")
}

// Ensures that a state comes back as it was, percent-encoded whatever it holds, up to 1 KiB.
func TestSAML_State(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("bound", viewers), realm("free", viewers, "browser_binding: false"))
	for _, id := range []string{"bound", "free"} {
		for _, state := range []string{"", "/deployments?a=b&c=d#e", "a b+c", "<script>alert(1)</script>", "ü%2F",
			"a\r\nSet-Cookie: x=y", "a\nb\nc\nd", strings.Repeat("s", 1024)} {
			begun := w.begin("realm=" + id + "&state=" + url.QueryEscape(state))
			r := w.request(begun)
			r.NameID = id + "@example.com"
			response, body := w.post(begun, w.idp.Answer(r))
			_, returned := token(response)
			if plain, err := url.PathUnescape(returned); err != nil || plain != state ||
				strings.ContainsAny(returned, "/?&=#+<> \r\n") {
				t.Errorf("%s: %q comes back as %q: %d %s, %v", id, state, returned, response.StatusCode, body, err)
			}
		}
	}
	response, body := w.do(http.MethodGet, samlPath+"_init?state="+strings.Repeat("s", 1025), "")
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "state")
}

// Ensures that realms are listed in their order, that the first is the default, that the realm is the one of the
// request whatever the issuer of the answer, and that an unknown or disabled realm is not found.
func TestSAML_Realms(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("second", viewers, "order: 2", "name: The other"),
		realm("off", viewers, "order: 0", "enabled: false"), realm("first", viewers, "order: 1"))
	methods, err := w.client.MethodsWithResponse(t.Context())
	want := `{"openid":false,"password":true,"saml":true,"sso_methods":[` +
		`{"name":"first","sso_type":"saml","url":"/api/v1/users/auth/saml/_init?realm=first"},` +
		`{"name":"The other","sso_type":"saml","url":"/api/v1/users/auth/saml/_init?realm=second"}]}`
	if err != nil || strings.TrimSpace(string(methods.Body)) != want {
		t.Errorf("the methods are %s, %v; want %s", methods.Body, err, want)
	}
	w.signIn("", "first@example.com", nil)
	w.signIn("realm=second", "second@example.com", nil)
	for name, id := range map[string]string{"first@example.com": "first", "second@example.com": "second"} {
		if got := w.readUser(name).Security.SecurityRealm; got == nil ||
			*got != (client.UserSecurityRealm{ID: id, Type: "saml"}) {
			t.Errorf("%s is of %+v, want %s", name, got, id)
		}
	}
	for _, operation := range []string{"_init", "metadata"} {
		for _, id := range []string{"off", "nothing", "FIRST"} {
			response, body := w.do(http.MethodGet, samlPath+operation+"?realm="+id, "")
			w.refused(response, body, http.StatusNotFound, "saml.realm_not_found", "realm")
		}
	}
}

// Ensures that an address can begin as many sign-ins as the settings allow, that answers to realms that accept
// unsolicited ones count as failures of an address, and that these do not prevent others behind it from completing a
// pending sign-in.
func TestSAML_Limits(t *testing.T) {
	t.Parallel()
	idp := samltest.New(noon)
	tuned := func(described ...string) samlWorld {
		return samlWorld{world: openTuned(t, func(s *app.Settings) {
			s.Realms, s.AddressFailures, s.AddressRecovery = realms(t, idp, described...), 3, time.Hour
			s.SignOn = saml.Limits{AddressSignIns: 4, AddressRecovery: 3 * time.Second, Answers: 2}
		}), idp: idp}
	}
	junk := func(w samlWorld, status int, code string) {
		t.Helper()
		response, body := w.do(http.MethodPost, callbackPath, "SAMLResponse=x", asForm)
		w.refused(response, body, status, code)
	}
	t.Run("begun", func(t *testing.T) {
		w := tuned(realm("corporate", viewers))
		begin := func() (*http.Response, string) { return w.do(http.MethodGet, samlPath+"_init", "") }
		for range 4 {
			if response, body := begin(); response.StatusCode != http.StatusFound {
				t.Fatalf("%d %s", response.StatusCode, body)
			}
		}
		response, body := begin()
		w.refused(response, body, http.StatusTooManyRequests, "root.too_many_requests")
		if response.Header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After is %s", response.Header.Get("Retry-After"))
		}
		w.clock.advance(3 * time.Second)
		if response, body := begin(); response.StatusCode != http.StatusFound {
			t.Errorf("%d %s", response.StatusCode, body)
		}
	})
	t.Run("junk where unsolicited answers are taken", func(t *testing.T) {
		w := tuned(realm("corporate", viewers, "allow_idp_initiated: true"))
		for range 3 {
			junk(w, http.StatusUnauthorized, "root.unauthenticated")
		}
		junk(w, http.StatusTooManyRequests, "root.too_many_requests")
		w.signIn("", "carol@example.com", nil)
	})
	t.Run("answers to one sign-in", func(t *testing.T) {
		w := tuned(realm("corporate", viewers))
		begun := w.begin("")
		w.refuses("junk", begun, "x")
		w.refuses("junk", begun, "x")
		w.refuses("the good answer, too late", begun, w.idp.Answer(w.request(begun)))
		w.signIn("", "carol@example.com", nil)
	})
	t.Run("answers that are tried again", func(t *testing.T) {
		w := samlWorld{world: openTuned(t, func(s *app.Settings) {
			s.Realms = realms(t, idp, realm("corporate", viewers))
			s.SignOn = saml.Limits{AddressSignIns: 4, AddressRecovery: time.Hour, Answers: 10}
		}), idp: idp}
		begun := w.begin("")
		for range 5 { // the first is free
			w.refuses("junk", begun, "x")
		}
		response, body := w.post(begun, "x")
		w.refused(response, body, http.StatusTooManyRequests, "root.too_many_requests")
		w.signIn("", "carol@example.com", nil)
	})
	t.Run("logouts", func(t *testing.T) {
		w := tuned(realm("corporate", viewers))
		_, index := w.signInIndexed("carol@example.com")
		for range 20 {
			response, body := w.singleLogout("SAMLRequest=eA==&SigAlg=x&Signature=eA==")
			w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
		}
		response, body := w.singleLogout(w.signed(w.logout("_one", "carol@example.com", index), w.idp.RSA))
		if response.StatusCode != http.StatusFound {
			t.Errorf("%d %s", response.StatusCode, body)
		}
	})
}

// Ensures that the callback takes a form in the body of a POST and nothing else; above all not the query.
func TestSAML_CallbackForm(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	begun := w.begin("")
	answer := url.Values{"SAMLResponse": {w.idp.Answer(w.request(begun))}, "RelayState": {begun.relay}}.Encode()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
		got := serve(w.app.Handler, method, callbackPath+"?"+answer, "", http.Header{"Cookie": {begun.cookie}})
		if got.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s is answered with %d", method, got.Code)
		}
	}
	for name, c := range map[string]struct {
		query, body string
		edit        client.RequestEditorFn
		status      int
	}{
		"nothing":               {"", "RelayState=x", asForm, http.StatusBadRequest},
		"in the query":          {"?" + answer, "", asForm, http.StatusBadRequest},
		"half in the query":     {"?" + answer, "RelayState=" + begun.relay, asForm, http.StatusBadRequest},
		"a query that is none":  {"?SAMLResponse=%", answer, asForm, http.StatusBadRequest},
		"a long RelayState":     {"", "SAMLResponse=x&RelayState=" + strings.Repeat("r", 81), asForm, http.StatusBadRequest},
		"an encoding that ends": {"", "SAMLResponse=%", asForm, http.StatusBadRequest},
		"JSON":                  {"", `{"SAMLResponse":"x"}`, authorization(""), http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := w.do(http.MethodPost, callbackPath+c.query, c.body, c.edit, bringing(begun.cookie))
			if response.StatusCode != c.status || response.Header.Get("Location") != "" {
				t.Errorf("%d %s", response.StatusCode, body)
			}
		})
	}
	response, body := w.do(http.MethodPost, callbackPath+"?other=x&other=y", answer, asForm, bringing(begun.cookie))
	if session, _ := token(response); session == "" {
		t.Errorf("what is not SAML's in the query disturbs: %d %s", response.StatusCode, body)
	}
}
