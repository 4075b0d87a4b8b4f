package http_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

const (
	redeemPath = samlPath + "_token"
	returnURL  = "https://app.example/signed-in"
	otherURL   = "http://localhost:3000/"
	// The verifier and its challenge are those of RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var returnURLs = []string{returnURL, otherURL}

// returning is the query of a sign-in that ends at the return URL.
var returning = url.Values{"return_url": {returnURL}, "code_challenge": {challenge}, "state": {"/x"}}.Encode()

// openReturning returns a world with return URLs, and with the clock of a former server if there is one.
func openReturning(
	t *testing.T, dsn string, idp *samltest.IdP, known []saml.Realm, former *clock, tune ...func(*app.Settings),
) samlWorld {
	t.Helper()
	w := openWith(t, dsn, io.Discard, func(s *app.Settings) {
		s.Realms, s.ReturnURLs = known, returnURLs
		if former != nil {
			s.Now = former.Now
		}
		for _, each := range tune {
			each(s)
		}
	})
	w.clock = cmp.Or(former, w.clock)
	return samlWorld{w, idp}
}

// code signs carol in at the return URL, and returns the code and the name of the session at the identity provider.
func (w samlWorld) code() (code, index string) {
	w.Helper()
	begun := w.begin(returning)
	r := w.request(begun)
	r.NameID = "carol@example.com"
	response, body := w.post(begun, w.idp.Answer(r))
	location := response.Header.Get("Location")
	code, found := strings.CutPrefix(location, returnURL+"?code=")
	code, complete := strings.CutSuffix(code, "&state=%2Fx")
	if response.StatusCode != http.StatusFound || !found || !complete || len(code) < 32 {
		w.Fatalf("%d %s, the Location is %q", response.StatusCode, body, location)
	}
	h := response.Header
	removed := strings.Contains(h.Get("Set-Cookie"), "=; Path=/; Max-Age=0; ")
	if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" ||
		removed != (begun.cookie != "") {
		w.Errorf("the headers are %v", h)
	}
	return code, "_session-" + begun.id
}

// redemption is the body that exchanges a code.
func redemption(code, verifier, returnURL string) string {
	return asJSON(client.SAMLTokenRequest{Code: code, Verifier: verifier, ReturnURL: returnURL})
}

// redeem exchanges a code, and returns the token; none if the code is refused.
func (w samlWorld) redeem(code string) string {
	w.Helper()
	response, body := w.do(http.MethodPost, redeemPath, redemption(code, verifier, returnURL))
	var reply client.TokenResponse
	switch response.StatusCode {
	case http.StatusOK:
		if err := json.Unmarshal([]byte(body), &reply); err != nil || reply.SessionExpirationTime.Before(w.clock.Now()) {
			w.Errorf("%s is not the answer to a sign-in (%v)", body, err)
		}
	case http.StatusUnauthorized:
		w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
	default:
		w.Fatalf("%d %s", response.StatusCode, body)
	}
	return reply.Token
}

// Ensures that a sign-in with a return URL begins no session until its code is exchanged, once; whether a cookie or the
// request holds the pending sign-in; and that the identity provider can end the session.
func TestSAMLCode(t *testing.T) {
	t.Parallel()
	const counts = `SELECT (SELECT COUNT(*) FROM sessions) || ' ' || (SELECT COUNT(*) FROM sso_codes) || ' ' ||
		(SELECT COUNT(*) FROM audit_log WHERE event = 'session.started' AND actor = 'carol@example.com'
		AND subject = 'carol@example.com' AND details = '{"realm":"corporate"}')`
	for name, own := range map[string]string{"bound": "browser_binding: true", "free": "browser_binding: false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := samltest.New(noon)
			w := openReturning(t, newDSN(t), idp, realms(t, idp, realm("corporate", viewers, own)), nil)
			code, index := w.code()
			if got := w.rows(counts); got != "0 1 0" {
				t.Errorf("before the exchange: %s", got)
			}

			session := w.redeem(code)
			if got := w.rows(counts); session == "" || !w.alive(bearer(session)) || got != "1 0 1" {
				t.Fatalf("after the exchange: %s", got)
			}
			if again := w.redeem(code); again != "" || !w.alive(bearer(session)) {
				t.Error("the code works twice, or a second use ends the session")
			}
			_, _ = w.singleLogout(w.signed(w.logout("_one", "carol@example.com", index), w.idp.RSA))
			if w.alive(bearer(session)) {
				t.Error("the identity provider does not end the session")
			}
		})
	}
}

// Ensures that a session ends when that at the identity provider does, and that its code is of no use after that.
func TestSAMLCode_SessionAtIdP(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	codeUntil := func(end time.Duration) string {
		begun := w.begin(returning)
		r := w.request(begun)
		r.SessionEndsAt = w.clock.Now().Add(end)
		response, _ := w.post(begun, w.idp.Answer(r))
		address, err := url.Parse(response.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return address.Query().Get("code")
	}

	session := w.redeem(codeUntil(5 * time.Minute))
	w.clock.advance(4 * time.Minute)
	if !w.alive(bearer(session)) {
		t.Error("the session ended early")
	}
	w.clock.advance(time.Minute)
	if w.alive(bearer(session)) {
		t.Error("the session outlives that at the identity provider")
	}
	code := codeUntil(saml.CodeTime / 2)
	w.clock.advance(saml.CodeTime / 2)
	if w.redeem(code) != "" {
		t.Error("the code begins a session that is over")
	}
}

// Ensures that of one code that comes to two servers on one store eight times at once, exactly one exchange gets a
// session, which works at both.
func TestSAMLCode_TwoServers(t *testing.T) {
	t.Parallel()
	idp, dsn := samltest.New(noon), newDSN(t)
	known := realms(t, idp, realm("corporate", viewers))
	first := openReturning(t, dsn, idp, known, nil)
	second := openReturning(t, dsn, idp, known, first.clock)
	servers := []samlWorld{first, second}
	const rounds = 10
	for round := range rounds {
		code, _ := servers[round%2].code()
		var mu sync.Mutex
		var sessions []string
		parallel(atOnce, func(i int) {
			if session := servers[i%2].redeem(code); session != "" {
				mu.Lock()
				defer mu.Unlock()
				sessions = append(sessions, session)
			}
		})
		if len(sessions) != 1 || !first.alive(bearer(sessions[0])) || !second.alive(bearer(sessions[0])) {
			t.Fatalf("round %d gives %d sessions, or one that does not work at both", round, len(sessions))
		}
	}
	if got := first.rows("SELECT '' || COUNT(*) FROM saml_sessions"); got != strconv.Itoa(rounds) {
		t.Errorf("there are %s sessions after %d exchanges", got, rounds)
	}
}

// Ensures that a code is refused that is presented wrongly or too late, or after its user's sessions ended; with an
// answer that does not depend on the reason, which administrators find; and that a refused code is used up.
func TestSAMLCode_Refused(t *testing.T) {
	t.Parallel()
	const carol = "/_security/user/carol@example.com"
	nothing := func(samlWorld, string) {}
	bodies := map[string]string{}
	for name, c := range map[string]struct {
		before                    func(w samlWorld, index string)
		verifier, returnURL, code string
		reason                    string
	}{
		"another verifier":   {before: nothing, verifier: strings.Repeat("v", 43), reason: "verifier"},
		"another return URL": {before: nothing, returnURL: otherURL, reason: "return URL"},
		"another code":       {before: nothing, code: strings.Repeat("c", 32), reason: "no such code"},
		"expired":            {before: func(w samlWorld, _ string) { w.clock.advance(saml.CodeTime) }, reason: "expired"},
		"user disabled": {before: func(w samlWorld, _ string) { w.es(bob, "PUT "+carol+"/_disable", "").ok() },
			reason: "sessions were ended"},
		"user disabled and enabled": {before: func(w samlWorld, _ string) {
			w.es(bob, "PUT "+carol+"/_disable", "").ok()
			w.es(bob, "PUT "+carol+"/_enable", "").ok()
		}, reason: "sessions were ended"},
		"user deleted": {before: func(w samlWorld, _ string) {
			w.es(bob, "DELETE "+carol, "").ok()
		}, reason: "sessions were ended"},
		"user deleted and added again": {before: func(w samlWorld, _ string) {
			w.es(bob, "DELETE "+carol, "").ok()
			w.signInIndexed("carol@example.com")
		}, reason: "sessions were ended"},
		"user's tokens invalidated": {before: func(w samlWorld, _ string) {
			w.es(bob, "DELETE /_security/oauth2/token", `{"username":"carol@example.com"}`) // 404: there was no token
		}, reason: "sessions were ended"},
		"logout at the identity provider": {before: func(w samlWorld, index string) {
			_, _ = w.singleLogout(w.signed(w.logout("_one", "carol@example.com", index), w.idp.RSA))
		}, reason: "no such code"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSAMLWorld(t, realm("corporate", viewers))
			code, index := w.code()
			c.before(w, index)

			response, body := w.do(http.MethodPost, redeemPath,
				redemption(cmp.Or(c.code, code), cmp.Or(c.verifier, verifier), cmp.Or(c.returnURL, returnURL)))
			w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
			bodies[body] = name
			last := w.refusals()[0]
			if *last.RequestID != response.Header.Get("X-Request-Id") || !strings.Contains(last.Reason, c.reason) {
				t.Errorf("the last refusal is %s, want %q", asJSON(last), c.reason)
			}
			if c.code == "" && w.redeem(code) != "" {
				t.Error("the code still works")
			}
			if w.count("SELECT COUNT(*) FROM audit_log WHERE event = 'session.started' AND request_id = $1",
				response.Header.Get("X-Request-Id")) != 0 {
				t.Error("a session began")
			}
		})
	}
	if len(bodies) != 1 {
		t.Errorf("the answers differ: %v", bodies)
	}
}

// Ensures that a sign-in does not begin with an address that is not listed, byte for byte, nor without a challenge.
func TestSAMLCode_ReturnURLs(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	for _, near := range []string{
		"https://app.example/signed-in/", "https://app.example/signed-i", "https://app.example/Signed-In",
		"https://APP.example/signed-in", "HTTPS://app.example/signed-in", "https://app.example:443/signed-in",
		"https://app.example:8443/signed-in", "http://app.example/signed-in", "https://app.example./signed-in",
		"https://u@app.example/signed-in", "https://app.example@evil.example/signed-in",
		"https://app.example/signed-in?", "https://app.example/signed-in?a=b", "https://app.example/signed-in#",
		"https://app.example/signed-in%20", "https://app.example//signed-in", "https://app.example/x/../signed-in",
		" https://app.example/signed-in", "https://app.example/signed-in\n", "https://app.example.evil.example/signed-in",
		"//app.example/signed-in", "/signed-in", "javascript:alert(1)", "https://localhost:3000/", "http://localhost:3000",
		"http://127.0.0.1:3000/", returnURL + "," + otherURL,
	} {
		query := url.Values{"return_url": {near}, "code_challenge": {challenge}}.Encode()
		response, body := w.do(http.MethodGet, samlPath+"_init?"+query, "")
		w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "return_url")
		if response.Header.Get("Location") != "" || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %v", near, response.Header)
		}
	}
	for query, field := range map[string]string{
		"return_url=" + returnURL:                                                   "code_challenge",
		"return_url=" + returnURL + "&code_challenge=":                              "code_challenge",
		"return_url=" + returnURL + "&code_challenge=" + challenge[1:]:              "code_challenge",
		"return_url=" + returnURL + "&code_challenge=" + challenge + "=":            "code_challenge",
		"code_challenge=" + challenge:                                               "return_url",
		"return_url=&code_challenge=" + challenge:                                   "return_url",
		returning + "&return_url=" + returnURL:                                      "return_url",
		"return_url=" + returnURL + "&code_challenge=a&code_challenge=" + challenge: "code_challenge",
	} {
		response, body := w.do(http.MethodGet, samlPath+"_init?"+query, "")
		w.refused(response, body, http.StatusBadRequest, "root.invalid_data", field)
	}
}

// Ensures that a sign-in does not end at an address that was removed from the setting since it was begun.
func TestSAMLCode_ReturnURLRemoved(t *testing.T) {
	t.Parallel()
	idp, dsn := samltest.New(noon), newDSN(t)
	known := realms(t, idp, realm("corporate", viewers))
	first := openReturning(t, dsn, idp, known, nil)
	second := openReturning(t, dsn, idp, known, first.clock, func(s *app.Settings) { s.ReturnURLs = []string{otherURL} })
	begun := first.begin(returning)
	answer := idp.Answer(first.request(begun))
	second.refuses("a removed return URL", begun, answer)
	if reason := second.refusals()[0].Reason; !strings.Contains(reason, "no longer in sso.return_urls") {
		t.Errorf("the reason is %q", reason)
	}
}

// Ensures that a malformed exchange names the field, and leaves the code to a right one.
func TestSAMLCode_Invalid(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	code, _ := w.code()
	for body, field := range map[string]string{
		redemption(code, verifier[1:], returnURL):                 "verifier",
		redemption(code, verifier+"=", returnURL):                 "verifier",
		redemption(code, strings.Repeat("v", 129), returnURL):     "verifier",
		redemption("", verifier, returnURL):                       "code",
		redemption(strings.Repeat("c", 129), verifier, returnURL): "code",
		`{"code":"c","verifier":"` + verifier + `"}`:              "return_url",
	} {
		response, text := w.do(http.MethodPost, redeemPath, body)
		w.refused(response, text, http.StatusBadRequest, "root.invalid_data", field)
	}
	if w.redeem(code) == "" {
		t.Error("the code is used up")
	}
}

// Ensures that an address with too many refused codes can exchange no more of them, as with passwords.
func TestSAMLCode_RateLimited(t *testing.T) {
	t.Parallel()
	idp := samltest.New(noon)
	known := realms(t, idp, realm("corporate", viewers))
	w := openReturning(t, newDSN(t), idp, known, nil, func(s *app.Settings) { s.AddressFailures = 2 })
	code, _ := w.code()
	for range 2 {
		if w.redeem(strings.Repeat("c", 32)) != "" {
			t.Fatal("an unknown code is accepted")
		}
	}
	response, body := w.do(http.MethodPost, redeemPath, redemption(code, verifier, returnURL))
	w.refused(response, body, http.StatusTooManyRequests, "root.too_many_requests")
	if response.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	w.clock.advance(2 * time.Second)
	if w.redeem(code) == "" {
		t.Error("the code does not work afterwards")
	}
}

// Ensures that unknown codes, which any client can send, do not take the lock of writers.
func TestSAMLCode_UnknownWritesNothing(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	w.app.Users.Close() // what revocations leave behind is not swept meanwhile
	const kept = 100    // not less than the refusals that are stored at once
	guess := func() { w.redeem(strings.Repeat("c", 32)) }
	for range kept {
		guess()
	}
	if got := w.opened(guess); got.writes != 0 {
		t.Errorf("%d writing transactions", got.writes)
	}
}

// Ensures that expired codes are removed.
func TestSAMLCode_Swept(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	w.code()
	w.code()
	w.clock.advance(saml.CodeTime)
	w.signInIndexed("carol@example.com")
	if n := w.count("SELECT COUNT(*) FROM sso_codes"); n != 0 {
		t.Errorf("%d codes are left", n)
	}
}

// Ensures that pages of the return URLs' origins can exchange codes, and call nothing else; and that no other page can.
func TestSAMLCode_CrossOrigin(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	const allow = "Access-Control-Allow-Origin"
	from := func(method, path, origin string) http.Header {
		headers := map[string]string{"Origin": origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
		if method == http.MethodOptions {
			headers["Access-Control-Request-Method"], headers["Access-Control-Request-Headers"] = http.MethodPost, "content-type"
		}
		body := strings.NewReader(redemption(strings.Repeat("c", 32), verifier, returnURL))
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		_ = fromPage(headers)(t.Context(), r)
		response, err := http.DefaultClient.Do(r) // without the check of answers: the contract has no such headers
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.Header
	}
	for _, path := range []string{redeemPath, "/api/v1/regions/a/users/auth/saml/_token"} {
		for _, origin := range []string{"https://app.example", "http://localhost:3000"} {
			h := from(http.MethodOptions, path, origin)
			if h.Get(allow) != origin || h.Get("Access-Control-Allow-Methods") != http.MethodPost ||
				h.Get("Access-Control-Allow-Headers") != "Content-Type" || h.Get("Vary") != "Origin" ||
				h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("the preflight of %s from %s: %v", path, origin, h)
			}
			h = from(http.MethodPost, path, origin)
			if h.Get(allow) != origin || h.Get("Vary") != "Origin" || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: %v", path, origin, h)
			}
		}
	}
	for _, c := range [][2]string{
		{redeemPath, "https://evil.example"}, {redeemPath, "http://app.example"}, {redeemPath, "https://app.example:8443"},
		{redeemPath, "https://APP.example"}, {redeemPath, "null"}, {redeemPath, "http://localhost"}, {redeemPath, "*"},
		{loginPath, "https://app.example"}, {callbackPath, "https://app.example"}, {redeemPath + "/x", "https://app.example"},
		{"/api/v1/users/auth/_refresh", "https://app.example"}, {"/", "https://app.example"},
		{"/_security/oauth2/token", "https://app.example"},
	} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			for name := range from(method, c[0], c[1]) {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s from %s has %s", method, c[0], c[1], name)
				}
			}
		}
	}
}
