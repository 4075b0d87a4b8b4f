package http_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

const (
	preparePath      = "POST /_security/saml/prepare"
	authenticatePath = "POST /_security/saml/authenticate"
	samlLogoutPath   = "POST /_security/saml/logout"
	invalidatePath   = "POST /_security/saml/invalidate"
)

// frontEnd is a caller that may begin and end SAML sign-ins, and nothing else.
func (w samlWorld) frontEnd() client.RequestEditorFn {
	w.Helper()
	w.role("saml_manager", `{"cluster":["manage_saml"]}`)
	return w.native("front-end", "saml_manager")
}

// prepare begins a sign-in of Elasticsearch's family.
func (w samlWorld) prepare(caller client.RequestEditorFn, body string) waiting {
	w.Helper()
	w.clock.advance(2 * time.Second)
	answer := w.es(caller, preparePath, body).ok()
	redirect, _ := answer["redirect"].(string)
	address, err := url.Parse(redirect)
	if err != nil || !strings.HasPrefix(redirect, w.idp.SSOURL+"?") {
		w.Fatalf("the redirect %s is not the identity provider's (%v)", redirect, err)
	}
	id, _ := answer["id"].(string)
	xml := w.inflated(address.Query().Get("SAMLRequest"))
	if found := idOfRequest.FindStringSubmatch(xml); found == nil || found[1] != id || answer["realm"] == "" {
		w.Fatalf("the request %s is not that of %v", xml, answer)
	}
	return waiting{id: id, relay: address.Query().Get("RelayState")}
}

// answerTo is the identity provider's answer for erin.
func (w samlWorld) answerTo(begun waiting) string {
	r := w.request(begun)
	r.NameID, r.Attributes = "erin@example.com", inGroups("viewers")
	return w.idp.Answer(r)
}

func bringingAnswer(content string, ids ...string) string {
	return `{"content":` + asJSON(content) + `,"ids":` + asJSON(append([]string{}, ids...)) + `}`
}

// refusesToken ensures that an answer is refused like every other, and returns the reason that is kept.
func (w samlWorld) refusesToken(caller client.RequestEditorFn, body string) string {
	w.Helper()
	w.clock.advance(2 * time.Second)
	w.es(caller, authenticatePath, body).fails(http.StatusUnauthorized, securityDenied,
		"the identity provider's answer is not accepted: begin the sign-in again; an administrator can see why")
	own, unsolicited := w.bothRefusals()
	last := append(own, unsolicited...)
	if len(last) == 0 {
		w.Fatal("no refusal is kept")
	}
	newest := last[0]
	for _, each := range last {
		if each.At.After(newest.At) {
			newest = each
		}
	}
	return newest.Reason
}

// Ensures the life of a sign-in by the typed client: prepared, authenticated, used, refreshed, ended with a request for
// the identity provider.
func TestSecuritySAML(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups))
	frontEnd, ctx := w.frontEnd(), t.Context()
	begun := w.prepare(frontEnd, `{"acs":"`+ourACS+`","relay_state":"/app/home"}`)
	if begun.relay != "/app/home" {
		t.Errorf("the relay state is %q", begun.relay)
	}

	signedIn, err := w.client.SecuritySAMLAuthenticateWithResponse(ctx, client.SAMLAuthenticateRequest{
		Content: w.answerTo(begun), Ids: client.TextOrTexts{"_another", begun.id}, Realm: new("corporate"),
	}, frontEnd)
	if err != nil || signedIn.JSON200 == nil {
		t.Fatalf("%v %s", err, signedIn.Body)
	}
	granted := signedIn.JSON200
	if granted.Username != "erin@example.com" || granted.Realm != "corporate" || granted.ExpiresIn != 1200 ||
		granted.Authentication.AuthenticationRealm.Type != "saml" {
		t.Errorf("granted: %s", asJSON(granted))
	}
	token := bearer(granted.AccessToken)
	if got := w.es(token, "GET /_security/_authenticate", "").ok(); got["username"] != "erin@example.com" {
		t.Errorf("the caller is %v", got)
	}
	if events := strings.Join(w.trail("erin@example.com"), "\n"); !strings.Contains(events, "session.started") {
		t.Errorf("the trail is %s", events)
	}
	key := w.esKey(token, `{"name":"of a front end"}`)
	details := texts(w.world, w.behind, "SELECT details FROM audit_log WHERE subject = '"+key.id+"'")
	if created := strings.Join(details, "\n"); !strings.Contains(created, "on_behalf") {
		t.Errorf("a key that was made with the token is not bound: %s", created)
	}
	refreshed := w.es(frontEnd, tokenPath, `{"grant_type":"refresh_token","refresh_token":"`+granted.RefreshToken+`"}`).ok()
	next, _ := refreshed["access_token"].(string)
	refresh, _ := refreshed["refresh_token"].(string)

	ended := w.es(frontEnd, samlLogoutPath, `{"token":"`+next+`","refresh_token":"`+refresh+`"}`).ok()
	redirect, _ := ended["redirect"].(string)
	if id, _ := ended["id"].(string); id == "" || !strings.HasPrefix(redirect, w.idp.SLOURL+"?SAMLRequest=") {
		t.Errorf("ended: %v", ended)
	}
	w.es(bearer(next), "GET /", "").fails(http.StatusUnauthorized, securityDenied, "…")
	w.es(frontEnd, tokenPath, `{"grant_type":"refresh_token","refresh_token":"`+refresh+`"}`)
	w.es(frontEnd, samlLogoutPath, `{"token":"`+next+`"}`).fails(http.StatusBadRequest, illegalArgument,
		"the token is not valid, or no longer")
}

// Ensures that an answer is accepted once, only of this family's sign-ins, only with its id, only in time and only from
// the realm's own identity provider.
func TestSecuritySAML_Hostile(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups), realm("other", byGroups))
	frontEnd := w.frontEnd()
	for name, attack := range map[string]func(w samlWorld) (body, reason string){
		"replayed": func(w samlWorld) (string, string) {
			begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
			body := bringingAnswer(w.answerTo(begun), begun.id)
			w.es(frontEnd, authenticatePath, body).ok()
			return body, "the sign-in was answered already"
		},
		"a second answer to the same request": func(w samlWorld) (string, string) {
			begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
			w.es(frontEnd, authenticatePath, bringingAnswer(w.answerTo(begun), begun.id)).ok()
			return bringingAnswer(w.answerTo(begun), begun.id), "the sign-in was answered already"
		},
		"to a sign-in of another caller": func(w samlWorld) (string, string) {
			mine, other := w.prepare(frontEnd, `{"realm":"corporate"}`), w.prepare(frontEnd, `{"realm":"corporate"}`)
			return bringingAnswer(w.answerTo(other), mine.id), "the answer is to a sign-in that the caller does not wait for"
		},
		"without an id": func(w samlWorld) (string, string) {
			begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
			return bringingAnswer(w.answerTo(begun)), "the answer is to a sign-in that the caller does not wait for"
		},
		"of another realm than the caller names": func(w samlWorld) (string, string) {
			begun := w.prepare(frontEnd, `{"realm":"other"}`)
			return strings.TrimSuffix(bringingAnswer(w.answerTo(begun), begun.id), "}") + `,"realm":"corporate"}`,
				"the answer is for another realm than the caller names"
		},
		"to a browser's sign-in": func(w samlWorld) (string, string) {
			begun := w.begin("realm=corporate")
			return bringingAnswer(w.answerTo(begun), begun.id), "no sign-in of this server waits for this answer"
		},
		"with an id that was made up": func(w samlWorld) (string, string) {
			begun := waiting{id: "_made-up"}
			return bringingAnswer(w.answerTo(begun), begun.id), "no sign-in of this server waits for this answer"
		},
		"unsolicited": func(w samlWorld) (string, string) {
			r := w.request(waiting{})
			r.NameID = "erin@example.com"
			return bringingAnswer(w.idp.Unsolicited(r)), "no sign-in of this server waits for this answer"
		},
		"too late": func(w samlWorld) (string, string) {
			begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
			w.clock.advance(10 * time.Minute)
			return bringingAnswer(w.answerTo(begun), begun.id), "the sign-in was begun more than ten minutes ago"
		},
		"that is not base64": func(samlWorld) (string, string) { return bringingAnswer("%%%", "_x"), "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.on(t)
			body, reason := attack(w)
			if got := w.refusesToken(frontEnd, body); !strings.HasPrefix(got, "authenticate: "+reason) {
				t.Errorf("the reason is %q", got)
			}
		})
	}

	t.Run("brought by a browser", func(t *testing.T) {
		w := w.on(t)
		begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
		w.refuses("without a RelayState", begun, w.answerTo(begun))
		browser := w.begin("realm=corporate")
		w.refuses("with that of a browser's sign-in", browser, w.answerTo(begun))
	})
}

// Ensures that every hostile answer that a browser's sign-in refuses is refused here, too.
func TestSecuritySAML_HostileAnswers(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", viewers))
	frontEnd := w.frontEnd()
	for i, c := range samltest.Cases() {
		if strings.Contains(c.Name, "MB") || i%everyCase > 0 { // too large for a body
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			w := w.on(t)
			begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
			body := bringingAnswer(c.Make(w.idp, w.request(begun)), begun.id)
			if c.Accepted || c.Replayed {
				w.es(frontEnd, authenticatePath, body).ok()
				w.refusesToken(frontEnd, body)
				return
			}
			answer := w.es(frontEnd, authenticatePath, body)
			if status := answer.response.StatusCode; status != http.StatusUnauthorized &&
				status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d %.200s", status, answer.body)
			}
		})
	}
}

// Ensures that only holders of manage_saml call the operations, that realms are chosen as in Elasticsearch, and that
// errors name the member at fault.
func TestSecuritySAML_Refused(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups), realm("other", byGroups))
	frontEnd := w.frontEnd()
	w.role("auditor", `{"cluster":["read_security"]}`)
	auditor := w.native("anna", "auditor")
	for name, c := range map[string]struct {
		caller       client.RequestEditorFn
		path, body   string
		status       int
		kind, reason string
	}{
		"prepare without the privilege":      {auditor, preparePath, `{"realm":"corporate"}`, 403, securityDenied, "…"},
		"authenticate without the privilege": {auditor, authenticatePath, bringingAnswer("x", "y"), 403, securityDenied, "…"},
		"logout without the privilege":       {auditor, samlLogoutPath, `{"token":"x"}`, 403, securityDenied, "…"},
		"invalidate without the privilege": {auditor, invalidatePath, `{"realm":"corporate","query_string":"x"}`, 403,
			securityDenied, "…"},
		"no realm":         {frontEnd, preparePath, `{}`, 400, illegalArgument, "one of [realm] and [acs] must be given"},
		"several realms":   {frontEnd, preparePath, `{"acs":"` + ourACS + `"}`, 400, illegalArgument, "several SAML realms…"},
		"an unknown realm": {frontEnd, preparePath, `{"realm":"x"}`, 404, resourceNotFound, "there is no such SAML realm…"},
		"a realm with another consumer service": {frontEnd, preparePath, `{"realm":"corporate","acs":"https://x.example.com"}`,
			404, resourceNotFound, "there is no such SAML realm…"},
		"a long relay state": {frontEnd, preparePath, `{"realm":"corporate","relay_state":"` + strings.Repeat("x", 1025) + `"}`,
			400, illegalArgument, "the relay state has more than 1024 bytes"},
		"no content": {frontEnd, authenticatePath, `{"ids":["x"]}`, 400, illegalArgument, "Required [content]"},
		"no token":   {frontEnd, samlLogoutPath, `{}`, 400, illegalArgument, "Required [token]"},
		"a token of another realm": {frontEnd, samlLogoutPath, `{"token":"` + w.login("alice", alicePassword) + `"}`, 400,
			illegalArgument, "the token is not of a user of a SAML realm"},
		"a token that is none": {frontEnd, samlLogoutPath, `{"token":"x"}`, 400, illegalArgument,
			"the token is not valid, or no longer"},
		"no query": {frontEnd, invalidatePath, `{"realm":"corporate"}`, 400, illegalArgument,
			"one of [query_string] and [queryString] must be given"},
		"a query that is none": {frontEnd, invalidatePath, `{"realm":"corporate","query_string":"x=y"}`, 401, securityDenied,
			"the identity provider's answer is not accepted…"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			w.es(c.caller, c.path, c.body).fails(c.status, c.kind, c.reason)
		})
	}

	t.Run("metadata", func(t *testing.T) {
		w := &world{T: t, url: w.url}
		metadata, _ := w.es(frontEnd, "GET /_security/saml/metadata/corporate", "").ok()["metadata"].(string)
		if !strings.Contains(metadata, ourEntityID) {
			t.Errorf("the metadata is %s", metadata)
		}
		w.es(frontEnd, "GET /_security/saml/metadata/x", "").fails(404, resourceNotFound, "…")
	})
}

// Ensures that a session of Authenticate ends by the identity provider's request, once, and that a disabled user gets
// none.
func TestSecuritySAML_Ended(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups))
	frontEnd := w.frontEnd()
	signIn := func() string {
		begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
		granted := w.es(frontEnd, authenticatePath, bringingAnswer(w.answerTo(begun), begun.id)).ok()
		token, _ := granted["access_token"].(string)
		return token
	}

	token := signIn()
	query := w.signed(w.logout("_ended", "erin@example.com"), w.idp.RSA)
	body := `{"realm":"corporate","queryString":` + asJSON(query) + `}`
	answer := w.es(frontEnd, invalidatePath, body).ok()
	redirect, _ := answer["redirect"].(string)
	if asJSON(answer["invalidated"]) != "1" || answer["realm"] != "corporate" ||
		!strings.Contains(redirect, "SAMLResponse=") {
		t.Errorf("ended: %v", answer)
	}
	w.es(bearer(token), "GET /", "").fails(http.StatusUnauthorized, securityDenied, "…")
	w.es(frontEnd, invalidatePath, body).fails(http.StatusUnauthorized, securityDenied, "…")

	w.es(bob, "PUT /_security/user/erin@example.com/_disable", "").ok()
	begun := w.prepare(frontEnd, `{"realm":"corporate"}`)
	got := w.refusesToken(frontEnd, bringingAnswer(w.answerTo(begun), begun.id))
	if !strings.Contains(got, "is disabled") {
		t.Errorf("the reason is %q", got)
	}
}
