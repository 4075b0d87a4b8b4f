package http_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

const emailFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

// signInIndexed is signIn of a user that needs no groups. It also returns the name of the session at the identity
// provider.
func (w samlWorld) signInIndexed(nameID string) (session, index string) {
	w.Helper()
	begun := w.begin("")
	r := w.request(begun)
	r.NameID = nameID
	response, body := w.post(begun, w.idp.Answer(r))
	session, _ = token(response)
	if session == "" {
		w.Fatalf("%s is not signed in: %d %s", nameID, response.StatusCode, body)
	}
	return session, "_session-" + begun.id
}

// logout is what the identity provider says to end sessions: all of a user's, or those that are named.
func (w samlWorld) logout(id, nameID string, indexes ...string) protocol.LogoutRequest {
	return protocol.LogoutRequest{
		ID: id, Issuer: w.idp.EntityID, Destination: ourLogout, IssueInstant: w.clock.Now(),
		NameID:         protocol.NameID{Value: nameID, Format: emailFormat},
		SessionIndexes: indexes, RelayState: "relay",
	}
}

// signed is the query of a logout, signed with a key.
func (w samlWorld) signed(r protocol.LogoutRequest, key *samltest.Key) string {
	w.Helper()
	address, err := r.RedirectURL(key.Signer.(*rsa.PrivateKey))
	if err != nil {
		w.Fatal(err)
	}
	_, query, _ := strings.Cut(address, "?")
	return query
}

func (w samlWorld) singleLogout(query string) (*http.Response, string) {
	w.Helper()
	return w.do(http.MethodGet, samlPath+"_single_logout?"+query, "")
}

// Ensures that a signed logout from the identity provider ends the sessions that it names, or all of the user's, and no
// others, and is answered.
func TestSAML_SingleLogout(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	first, index := w.signInIndexed("carol@example.com")
	second, _ := w.signInIndexed("carol@example.com")
	third, _ := w.signInIndexed("carol@example.com")
	other, _ := w.signInIndexed("dave@example.com")
	native := w.login("alice", alicePassword)
	alive := func(when string, want ...bool) {
		t.Helper()
		for i, session := range []string{first, second, third, other, native} {
			if w.alive(bearer(session)) != want[i] {
				t.Errorf("after %s, session %d is alive: %t", when, i, !want[i])
			}
		}
	}
	response, body := w.singleLogout(w.signed(w.logout("_one", "carol@example.com", index), w.idp.RSA))
	address, err := url.Parse(response.Header.Get("Location"))
	if err != nil || response.StatusCode != http.StatusFound || !strings.HasPrefix(address.String(), w.idp.SLOURL+"?") {
		t.Fatalf("the answer is %d %s, %s (%v)", response.StatusCode, body, address, err)
	}
	answer := w.inflated(address.Query().Get("SAMLResponse"))
	if !strings.Contains(answer, ` InResponseTo="_one"`) || !strings.Contains(answer, protocol.StatusSuccess) ||
		address.Query().Get("RelayState") != "relay" ||
		address.Query().Get("Signature") == "" {
		t.Errorf("the answer is %s, %s", address, answer)
	}
	alive("the logout of one", false, true, true, true, true)
	response, _ = w.singleLogout(w.signed(w.logout("_all", "carol@example.com"), w.idp.Rollover))
	if response.StatusCode != http.StatusFound {
		t.Errorf("the logout of all is answered with %d", response.StatusCode)
	}
	alive("the logout of all", false, false, false, true, true)
	if response, _ := w.singleLogout(w.signed(w.logout("_unknown", "alice"),
		w.idp.RSA)); response.StatusCode != http.StatusFound {
		t.Errorf("the logout of an unknown user is answered with %d", response.StatusCode)
	}
	alive("the logout of a user without a session of the realm", false, false, false, true, true)
}

// inOrder signs parameters in another order than the binding has.
func (w samlWorld) inOrder(query string, names ...string) string {
	w.Helper()
	values := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, name+"="+values[name])
	}
	text := strings.Join(pairs, "&")
	digest := sha256.Sum256([]byte(text))
	signature, err := w.idp.RSA.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		w.Fatal(err)
	}
	return text + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

// Ensures that a logout that is not from the identity provider, was modified or replayed, is for another recipient or
// expired, is refused like a sign-in, and ends no session.
func TestSAML_SingleLogoutRefused(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	session, index := w.signInIndexed("carol@example.com")
	good := w.signed(w.logout("_good", "carol@example.com", index), w.idp.RSA)
	unsigned, _, _ := strings.Cut(good, "&SigAlg=")
	used := w.signed(w.logout("_used", "dave@example.com"), w.idp.RSA)
	if response, body := w.singleLogout(used); response.StatusCode != http.StatusFound {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	change := func(change func(*protocol.LogoutRequest)) string {
		r := w.logout("_changed", "carol@example.com")
		change(&r)
		return w.signed(r, w.idp.RSA)
	}
	var first string
	for name, query := range map[string]string{
		"nothing":             "",
		"unsigned":            unsigned,
		"no Signature":        good[:strings.Index(good, "&Signature=")],
		"another RelayState":  strings.Replace(good, "RelayState=relay", "RelayState=other", 1),
		"no RelayState":       strings.Replace(good, "&RelayState=relay", "", 1),
		"another spelling":    strings.Replace(good, "RelayState=relay", "RelayState=%72elay", 1),
		"signed out of order": w.inOrder(good, "RelayState", "SAMLRequest", "SigAlg"),
		"RelayState outside":  w.inOrder(good, "SAMLRequest", "SigAlg") + "&RelayState=relay",
		"attacker's key":      w.signed(w.logout("_attacker", "carol@example.com"), w.idp.Attacker),
		"expired key":         w.signed(w.logout("_expired", "carol@example.com"), w.idp.Expired),
		"another issuer":      change(func(r *protocol.LogoutRequest) { r.Issuer = "https://elsewhere.example.com" }),
		"another destination": change(func(r *protocol.LogoutRequest) { r.Destination = ourACS }),
		"an hour ago":         change(func(r *protocol.LogoutRequest) { r.IssueInstant = r.IssueInstant.Add(-time.Hour) }),
		"in an hour":          change(func(r *protocol.LogoutRequest) { r.IssueInstant = r.IssueInstant.Add(time.Hour) }),
		"no longer valid":     change(func(r *protocol.LogoutRequest) { r.NotOnOrAfter = r.IssueInstant.Add(-time.Hour) }),
		"replay":              used,
		"an answer as request": "SAMLRequest=" + url.QueryEscape(w.idp.Answer(w.request(waiting{id: "x"})))[:4000] +
			"&SigAlg=x&Signature=eA==",
	} {
		w.clock.advance(time.Millisecond) // so that the last refusal is the newest
		response, body := w.singleLogout(query)
		w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
		if first == "" {
			first = body
		}
		last := w.refusals()[0]
		if body != first || !strings.HasPrefix(last.Reason, "logout: ") ||
			*last.RequestID != response.Header.Get("X-Request-Id") {
			t.Errorf("%s: %s %s", name, body, asJSON(last))
		}
		if !w.alive(bearer(session)) {
			t.Fatalf("%s ends the session", name)
		}
	}
	for name, r := range map[string]protocol.NameID{
		"another format":    {Value: "carol@example.com"},
		"another qualifier": {Value: "carol@example.com", Format: emailFormat, NameQualifier: "x"},
	} {
		w.singleLogout(change(func(l *protocol.LogoutRequest) { l.ID, l.NameID = "_"+strings.ReplaceAll(name, " ", "-"), r }))
		if !w.alive(bearer(session)) {
			t.Fatalf("%s ends the session", name)
		}
	}
	w.singleLogout(w.signed(w.logout("_other", "carol@example.com", "_another-session"), w.idp.RSA))
	if !w.alive(bearer(session)) {
		t.Error("the logout of another session ends this one")
	}
	if response, body := w.singleLogout(good); response.StatusCode != http.StatusFound || w.alive(bearer(session)) {
		t.Errorf("after all that, the good one: %d %s", response.StatusCode, body)
	}
}

// Ensures that the answer to a logout here links to the logout at the identity provider, once the session has ended,
// and that the answer from there leads to the page.
func TestSAML_LogoutBegunHere(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers), realm("alone", viewers, "order: 1"))
	session, index := w.signInIndexed("carol@example.com")
	r, err := w.client.LogoutWithResponse(t.Context(), bearer(session))
	if err != nil || r.JSON200 == nil || w.alive(bearer(session)) {
		t.Fatalf("logout: %v %v", err, r)
	}
	link, rel, _ := strings.Cut(r.HTTPResponse.Header.Get("Link"), ">; ")
	address, err := url.Parse(strings.TrimPrefix(link, "<"))
	if err != nil || rel != `rel="https://github.com/sallyport/sallyport#single-sign-on"` ||
		!strings.HasPrefix(address.String(), w.idp.SLOURL+"?") {
		t.Fatalf("Link is %s (%v)", r.HTTPResponse.Header.Get("Link"), err)
	}
	request := w.inflated(address.Query().Get("SAMLRequest"))
	if !strings.Contains(request, ">carol@example.com<") || !strings.Contains(request, ">"+index+"<") ||
		!strings.Contains(request, ourEntityID) ||
		address.Query().Get("Signature") == "" {
		t.Errorf("the request is %s", request)
	}
	response, body := w.singleLogout("SAMLResponse=eA==")
	if response.StatusCode != http.StatusFound || response.Header.Get("Location") != "/sso/token" {
		t.Errorf("the answer leads to %d %s %s", response.StatusCode, response.Header.Get("Location"), body)
	}
	native, err := w.client.LogoutWithResponse(t.Context(), bearer(w.login("alice", alicePassword)))
	if err != nil || native.JSON200 == nil || native.HTTPResponse.Header.Get("Link") != "" {
		t.Errorf("the logout of a user of this server: %v, Link %q", err, native.HTTPResponse.Header.Get("Link"))
	}
}

// Ensures that a realm without single logout neither asks for it nor takes it.
func TestSAML_NoSingleLogout(t *testing.T) {
	t.Parallel()
	without := strings.NewReplacer(", use_single_logout: true", "", ", logout: '"+ourLogout+"'",
		"").Replace(realm("corporate", viewers))
	w := newSAMLWorld(t, without)
	session, _ := w.signInIndexed("carol@example.com")
	response, body := w.singleLogout(w.signed(w.logout("_one", "carol@example.com"), w.idp.RSA))
	w.refused(response, body, http.StatusUnauthorized, "root.unauthenticated")
	r, err := w.client.LogoutWithResponse(t.Context(), bearer(session))
	if err != nil || r.JSON200 == nil || r.HTTPResponse.Header.Get("Link") != "" {
		t.Errorf("logout: %v %v", err, r)
	}
}
