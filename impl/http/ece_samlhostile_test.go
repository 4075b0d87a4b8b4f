package http_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// tooLarge are the cases that are refused before they are looked at, since no form may be so large.
var tooLarge = []string{"400,000 elements", "200,000 elements in less than 1 MiB", "20 MB"}

// kept counts what sign-ins leave behind, but for why others were refused.
const kept = `SELECT (SELECT COUNT(*) FROM sessions) || ' sessions, ' || (SELECT COUNT(*) FROM saml_sessions) || ' of SAML, ' ||
	(SELECT COUNT(*) FROM saml_assertions) || ' assertions, ' || (SELECT COUNT(*) FROM users) || ' users'`

// refusals are the last ones of both kinds, the newest first.
func (w samlWorld) refusals() []client.SAMLRefusal {
	w.Helper()
	own, unsolicited := w.bothRefusals()
	all := append(own, unsolicited...)
	slices.SortStableFunc(all, func(a, b client.SAMLRefusal) int { return b.At.Compare(a.At) })
	return all
}

func (w samlWorld) bothRefusals() (own, unsolicited []client.SAMLRefusal) {
	w.Helper()
	r, err := w.client.SAMLRefusalsWithResponse(w.Context(), admin)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("refusals: %v %v", err, r)
	}
	return r.JSON200.Refusals, r.JSON200.Unsolicited
}

// unauthenticated is the one body of all refusals.
const unauthenticated = `{"errors":[{"code":"root.unauthenticated","message":"`

// refuses posts an answer that has to be refused without anything being kept, and returns the body. A second passes
// then: unsolicited refusals are kept at that rate.
func (w samlWorld) refuses(name string, begun waiting, answer string) string {
	w.Helper()
	defer w.clock.advance(time.Second)
	before := w.rows(kept)
	response, body := w.post(begun, answer)
	if after := w.rows(kept); after != before {
		w.Errorf("%s: there were %s, and now there are %s", name, before, after)
	}
	if slices.Contains(tooLarge, name) {
		w.refused(response, body, http.StatusRequestEntityTooLarge, "root.request_too_large", "body")
		return ""
	}
	if response.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(body, unauthenticated) ||
		response.Header.Get("Set-Cookie") != "" {
		w.Errorf("%s: %d %s", name, response.StatusCode, body)
	}
	last := w.refusals()[0]
	if *last.RequestID != response.Header.Get("X-Request-Id") || last.Reason == "" {
		w.Errorf("%s: the last refusal is %s", name, asJSON(last))
	}
	return body
}

// accepts posts an answer that has to be accepted.
func (w samlWorld) accepts(name string, begun waiting, answer, state string) {
	w.Helper()
	response, body := w.post(begun, answer)
	session, returned := token(response)
	if session == "" || !w.alive(bearer(session)) || returned != state {
		w.Errorf("%s: %d %s, %s", name, response.StatusCode, body, response.Header.Get("Location"))
	}
	slot, _, _ := strings.Cut(begun.cookie, "=")
	if cookie := response.Header.Get("Set-Cookie"); begun.cookie != "" &&
		cookie != slot+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None" {
		w.Errorf("%s: the cookie %q is left", name, cookie)
	}
}

// try is a case in a sign-in of its own. A refusal must leave the sign-in to the good answer.
func (w samlWorld) try(c samltest.Case) (refusal string) {
	w.Helper()
	begun := w.begin("state=" + url.QueryEscape(c.Name))
	state := strings.ReplaceAll(url.QueryEscape(c.Name), "+", "%20")
	answer := c.Make(w.idp, w.request(begun))
	if c.Accepted || c.Replayed {
		w.accepts(c.Name, begun, answer, state)
		return w.refuses("again: "+c.Name, begun, answer)
	}
	refusal = w.refuses(c.Name, begun, answer)
	w.accepts("the good answer after: "+c.Name, begun, w.idp.Answer(w.request(begun)), state)
	return refusal
}

// everyCase is 1 if every case is tried, 2 if every other one is, and so on.
var everyCase = 1

// listed are the names of the cases that there have to be.
func listed(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../saml/samltest/testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Ensures that every answer that must be accepted gives a token that works, once, and that every other is refused with
// one and the same body, for a reason that administrators see, without anything being kept or spoiled. The cases are
// those of the list.
func TestSAML_Hostile(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	var cases []string
	bodies := map[string]bool{}
	for i, c := range samltest.Cases() {
		cases = append(cases, c.Name)
		if i%everyCase != 0 {
			continue
		}
		if body := w.try(c); body != "" {
			bodies[body] = true
		}
	}
	if len(bodies) != 1 {
		t.Errorf("refusals differ: %v", bodies)
	}
	slices.Sort(cases)
	if want := listed(t); !slices.Equal(cases, want) || len(want) < 200 {
		t.Errorf("the cases are %q, want %q", cases, want)
	}
}

// Ensures that what a realm asks for is enforced, with the reason named, and that a refusal leaves the sign-in to the
// good answer.
func TestSAML_HostileRealms(t *testing.T) {
	t.Parallel()
	const class = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
	w := newSAMLWorld(t,
		realm("plain", viewers), realm("forced", viewers, "force_authn: true"),
		realm("classes", viewers, "requested_authn_context: ['"+class+"TimeSyncToken', '"+class+"X509']"),
		realm("both", viewers, "force_authn: true", "allow_idp_initiated: true"),
	)
	ago := func(d time.Duration) func(*samltest.Request) {
		return func(r *samltest.Request) { r.AuthnInstant = r.Now.Add(-d) }
	}
	of := func(name string) func(*samltest.Request) {
		return func(r *samltest.Request) { r.AuthnContext = name }
	}
	good := map[string]func(*samltest.Request){"plain": of(""), "forced": of(""), "classes": of(class + "X509"),
		"both": of("")}
	for _, c := range []struct {
		name, realm string
		change      func(*samltest.Request)
		refused     string // "": accepted
	}{
		{"force_authn, authenticated hours before the request", "forced", ago(4 * time.Hour),
			"authenticated before the request"},
		{"force_authn, authenticated two minutes before the request", "forced", ago(2 * time.Minute),
			"authenticated before the request"},
		{"force_authn, authenticated before the request within the skew", "forced", ago(50 * time.Second), ""},
		{"no force_authn, authenticated hours before the request", "plain", ago(4 * time.Hour), ""},
		{"another class of authentication", "classes", of(class + "Password"), "of none of the classes"},
		{"class of authentication in another case", "classes", of(class + "x509"), "of none of the classes"},
		{"second class of authentication", "classes", of(class + "X509"), ""},
		{"any class of authentication", "plain", of(class + "unspecified"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.on(t)
			begun := w.begin("realm=" + c.realm)
			r := w.request(begun)
			r.NameID = c.realm + "@example.com"
			c.change(&r)
			if c.refused == "" {
				w.accepts(c.name, begun, w.idp.Answer(r), "")
				return
			}
			w.refuses(c.name, begun, w.idp.Answer(r))
			if last := w.refusals()[0]; !strings.Contains(last.Reason, c.refused) {
				t.Errorf("the reason is %q", last.Reason)
			}
			r = w.request(begun)
			r.NameID = c.realm + "@example.com"
			good[c.realm](&r)
			w.accepts("the good answer", begun, w.idp.Answer(r), "")
		})
	}
	t.Run("force_authn, answer without a request", func(t *testing.T) {
		w := w.on(t)
		unasked := w.idp.Unsolicited(w.request(waiting{id: "unasked"}))
		w.refuses("unasked", waiting{}, unasked)
		if last := w.refusals()[0]; !strings.Contains(last.Reason, "answers no request, and the realm has force_authn") {
			t.Errorf("the reason is %q", last.Reason)
		}
	})
}

// Formats of NameIDs.
const (
	persistent   = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	emailAddress = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	unspecified  = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// identified is a realm that takes the users' names from the attribute uid.
func identified(id string, own ...string) string {
	return strings.Replace(realm(id, append(own, viewers)...), "attributes: {", "attributes: {principal: uid, ", 1)
}

// identityCase is an answer, and the user whom it signs in, or why it is refused.
type identityCase struct {
	name        string
	change      func(*samltest.Request)
	uid         string
	as, refused string
}

// nameID is a persistent one, changed.
func nameID(change func(*samltest.Request)) func(*samltest.Request) {
	return func(r *samltest.Request) {
		r.NameID, r.Format = "id-1", persistent
		if change != nil {
			change(r)
		}
	}
}

// tryIdentity brings an answer to a realm.
func (w samlWorld) tryIdentity(realm string, c identityCase) {
	w.Helper()
	begun := w.begin("realm=" + realm)
	r := w.request(begun)
	r.Attributes = map[string][]string{"uid": {c.uid}}
	c.change(&r)
	if c.refused != "" {
		w.refuses(c.name, begun, w.idp.Answer(r))
		if last := w.refusals()[0]; !strings.Contains(last.Reason, c.refused) {
			w.Errorf("the reason is %q", last.Reason)
		}
		return
	}
	response, body := w.post(begun, w.idp.Answer(r))
	session, _ := token(response)
	me, err := w.client.GetCurrentUserWithResponse(w.Context(), bearer(session))
	if err != nil || me.JSON200 == nil || me.JSON200.UserName != c.as {
		w.Errorf("%s: %d %s %v %+v", c.name, response.StatusCode, body, err, w.refusals()[:1])
	}
}

// Ensures that the same text under another format or qualifier is another user, whatever name the answer asks for, and
// that what SAML says of parts that are left out makes no difference.
func TestSAML_HostileIdentities(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, identified("corporate"))
	w.tryIdentity("corporate", identityCase{"first", nameID(nil), "carol", "carol", ""})
	const taken = "the name carol is that of a user whom the identity provider knew by another NameID, format or " +
		"SPNameQualifier"
	for _, c := range []identityCase{
		{"another format", nameID(func(r *samltest.Request) { r.Format = emailAddress }), "carol", "", taken},
		{"another format under another name", nameID(func(r *samltest.Request) { r.Format = unspecified }), "mallory",
			"mallory", ""},
		{"another SPNameQualifier", nameID(func(r *samltest.Request) { r.SPNameQualifier = "urn:group" }), "carol", "",
			taken},
		{"another NameQualifier", nameID(func(r *samltest.Request) { r.NameQualifier = "urn:other" }), "carol", "",
			"another NameQualifier"},
		{"another NameQualifier under another name", nameID(func(r *samltest.Request) { r.NameQualifier = "urn:other" }),
			"mallory", "", "another NameQualifier"},
		{"letters of another case", nameID(func(r *samltest.Request) { r.NameID = "ID-1" }), "carol", "", taken},
		{"space before the NameID", nameID(func(r *samltest.Request) { r.NameID = " id-1" }), "carol", "",
			"characters that names do not have"},
		{"line break in the format", nameID(func(r *samltest.Request) { r.Format = persistent + "\n" }), "carol", "",
			"control characters"},
		{"long qualifier", nameID(func(r *samltest.Request) { r.SPNameQualifier = strings.Repeat("q", 1025) }), "carol", "",
			"too long"},
		{"longest parts", nameID(func(r *samltest.Request) {
			r.NameID, r.Format, r.SPNameQualifier = strings.Repeat("n", 1024), "urn:"+strings.Repeat("f", 252),
				strings.Repeat("q", 1024)
		}), "longest", "longest", ""},
		{"usual qualifiers",
			nameID(func(r *samltest.Request) { r.NameQualifier, r.SPNameQualifier = w.idp.EntityID, ourEntityID }), "carol",
			"carol", ""},
		{"no qualifiers", nameID(nil), "carol", "carol", ""},
	} {
		t.Run(c.name, func(t *testing.T) { w.on(t).tryIdentity("corporate", c) })
	}
}

// Ensures that a user without a stored NameID format is only given the realm's nameid_format, and only once.
func TestSAML_HostileUnqualified(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, identified("corporate"), identified("set", "nameid_format: "+persistent))
	w.tryIdentity("corporate", identityCase{"first", nameID(nil), "carol", "carol", ""})
	w.sql(`UPDATE users SET name_id = '  id-1', name_id_qualified = FALSE WHERE name = 'carol'`)
	email := nameID(func(r *samltest.Request) { r.Format = emailAddress })
	group := nameID(func(r *samltest.Request) { r.SPNameQualifier = "urn:group" })
	for _, c := range []identityCase{
		{"no nameid_format", nameID(nil), "carol", "",
			"no format was kept of the NameID of the user carol, and this answer's is " + persistent},
		{"no nameid_format, another format", email, "mallory", "",
			"no format was kept of the NameID of the user carol, and this answer's is " + emailAddress},
	} {
		t.Run(c.name, func(t *testing.T) { w.on(t).tryIdentity("corporate", c) })
	}
	w.sql(`UPDATE users SET realm = 'set' WHERE name = 'carol'`)
	for _, c := range []identityCase{
		{"another format than nameid_format", email, "carol", "", "not in the format that the realm asks for"},
		{"another SPNameQualifier", group, "carol", "", "has an SPNameQualifier"},
		{"right format", nameID(nil), "carol", "carol", ""},
		{"right format again", nameID(nil), "carol", "carol", ""},
		{"another SPNameQualifier afterwards", group, "carol", "", "knew by another NameID"},
	} {
		t.Run(c.name, func(t *testing.T) { w.on(t).tryIdentity("set", c) })
	}
	if n := w.count(`SELECT COUNT(*) FROM audit_log WHERE event = 'user.updated' AND subject = 'carol' AND details LIKE '%name_id_format%'`); n != 1 {
		t.Errorf("the trail has %d", n)
	}
}

// on reports to a test.
func (w samlWorld) on(t *testing.T) samlWorld {
	inner := *w.world
	inner.T = t
	return samlWorld{world: &inner, idp: w.idp}
}

// unasked is the case that a realm may allow.
const unasked = "IdP-initiated while not allowed"

// Ensures that a realm that accepts unsolicited answers accepts each one once, and refuses invalid ones.
func TestSAML_HostileUnsolicited(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("strict", viewers), realm("lax", viewers, "allow_idp_initiated: true"))
	for i, c := range samltest.Cases() {
		if c.Name != unasked && i%everyCase != 0 {
			continue
		}
		begun := waiting{id: "unasked-" + strings.ReplaceAll(c.Name, " ", "-")}
		answer := c.Make(w.idp, w.request(begun))
		if c.Name == unasked {
			w.accepts(c.Name, begun, answer, "")
		}
		w.refuses(c.Name, begun, answer)
	}
}
