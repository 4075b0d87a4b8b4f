package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// byGroups gives roles to two groups, and none to anybody else.
const byGroups = "role_mappings: {rules: [{type: groups, value: admins, roles: [ece_platform_admin]}, " +
	"{type: groups, value: viewers, roles: [ece_deployment_viewer]}]}"

func inGroups(groups ...string) map[string][]string { return map[string][]string{"groups": groups} }

// Ensures that a user of a realm appears like any other, with the realm, and is updated from the identity provider at
// every sign-in.
func TestSAML_User(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", byGroups))
	session := w.signIn("", "carol@example.com",
		map[string][]string{"groups": {"viewers"}, "name": {"Carol C."}, "mail": {"c@example.com"}})
	me, err := w.client.GetCurrentUserWithResponse(t.Context(), bearer(session))
	if err != nil || me.JSON200 == nil {
		t.Fatalf("GET user: %v %v", err, me)
	}
	shown := w.readUser("carol@example.com")
	for _, u := range []client.User{*me.JSON200, shown} {
		if u.Security.SecurityRealm == nil ||
			*u.Security.SecurityRealm != (client.UserSecurityRealm{ID: "corporate", Type: "saml"}) ||
			*u.FullName != "Carol C." || *u.Email != "c@example.com" ||
			asJSON(u.Security.Roles) != `["ece_deployment_viewer"]` || *u.Builtin {
			t.Errorf("the user is %s", asJSON(u))
		}
	}
	if names := w.listed(""); !strings.Contains(names, "carol@example.com") {
		t.Errorf("the users are %s", names)
	}
	again := w.signIn("", "carol@example.com", map[string][]string{"groups": {"admins", "others"}, "name": {"Carol D."}})
	if u := w.readUser("carol@example.com"); *u.FullName != "Carol D." || u.Email != nil || !w.reaches(bearer(again)) ||
		w.alive(bearer(session)) {
		t.Errorf("promoted, the user is %s", asJSON(u))
	}
	w.signIn("", "carol@example.com", inGroups("viewers"))
	if w.reaches(bearer(again)) {
		t.Error("a session keeps the roles that the identity provider took away")
	}
	if got := w.rows("SELECT '' || COUNT(*) FROM users WHERE realm = 'corporate'"); got != "1" {
		t.Errorf("there are %s users of the realm", got)
	}
}

// Ensures that a sign-in is refused without a role, under another user's name or none, or if the user is disabled.
func TestSAML_UserRefused(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", byGroups), realm("partners", byGroups))
	w.signIn("realm=partners", "carol@example.com", inGroups("viewers"))
	w.signIn("", "dave@example.com", inGroups("viewers"))
	w.patchUser(usersPath+"/dave@example.com", `{"security":{"enabled":false}}`, bob)
	for name, c := range map[string]struct {
		nameID, reason string
		groups         map[string][]string
	}{
		"roles that clash":     {"erin", "do not combine", inGroups("viewers", "admins")},
		"native user":          {"alice", "the realm default_native", inGroups("viewers")},
		"built-in user":        {user.Admin, "the realm", inGroups("viewers")},
		"user of other realm":  {"carol@example.com", "the realm partners", inGroups("viewers")},
		"slash":                {"a/b", "cannot be a user's name", inGroups("viewers")},
		"comma":                {"a,b", "cannot be a user's name", inGroups("viewers")},
		"disabled":             {"dave@example.com", "is disabled", inGroups("viewers")},
		"reserved for Elastic": {"_xpack", "cannot be a user's name", inGroups("viewers")},
	} {
		begun := w.begin("realm=corporate")
		r := w.request(begun)
		r.NameID, r.Attributes = c.nameID, c.groups
		w.refuses(name, begun, w.idp.Answer(r))
		if last := w.refusals()[0]; !strings.Contains(last.Reason, c.reason) || *last.Realm != "corporate" ||
			*last.Issuer != w.idp.EntityID {
			t.Errorf("%s: the refusal is %s, want %q", name, asJSON(last), c.reason)
		}
	}
	if realm := w.readUser("carol@example.com").Security.SecurityRealm; realm.ID != "partners" {
		t.Errorf("carol is of %+v", realm)
	}
}

// Ensures that here such a user can be disabled, which stops keys and sessions at once, and enabled, and nothing else;
// and has no password.
func TestSAML_UserChanged(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", byGroups))
	path := usersPath + "/carol@example.com"
	session := bearer(w.signIn("", "carol@example.com", inGroups("viewers")))
	key := apiKey(*w.newKey(session, "one of carol's", "").Key)
	for _, patch := range []string{
		`{"full_name":"x"}`, `{"email":"x@example.com"}`, `{"security":{"password":"a new passphrase"}}`,
		`{"security":{"roles":["ece_platform_admin"]}}`,
		`{"full_name":"x","security":{"enabled":false}}`,
	} {
		response, body := w.do(http.MethodPatch, path, patch, bob)
		w.refused(response, body, http.StatusBadRequest, "user.cannot_modify_external", "user_name")
		response, body = w.do(http.MethodPatch, ownPath, patch, session)
		if response.StatusCode < http.StatusBadRequest {
			t.Errorf("the user's own %s: %d %s", patch, response.StatusCode, body)
		}
	}
	response, body := w.do(http.MethodDelete, path, "", bob)
	w.refused(response, body, http.StatusBadRequest, "user.cannot_modify_external", "user_name")
	for _, password := range []string{"", "x", alicePassword} {
		if status := w.loginStatus("carol@example.com", password); status != http.StatusUnauthorized {
			t.Errorf("the password %q: %d", password, status)
		}
		if w.alive(as("carol@example.com", password)) {
			t.Errorf("the password %q is right", password)
		}
	}
	if !w.alive(key) || !w.alive(session) {
		t.Error("the key or the session does not work")
	}
	w.patchUser(path, `{"security":{"enabled":false}}`, bob)
	if w.alive(key) || w.alive(session) {
		t.Error("the key or the session of a disabled user works")
	}
	w.patchUser(path, `{"security":{"enabled":true}}`, bob)
	if !w.alive(key) || !w.alive(bearer(w.signIn("", "carol@example.com", inGroups("viewers")))) {
		t.Error("an enabled user is not let in")
	}
}

// Ensures that a user of a realm can have a second factor and be elevated, and that other roles end the elevation.
func TestSAML_UserElevated(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", byGroups))
	plain := w.signIn("", "carol@example.com", inGroups("admins"))
	d := w.enroll(bearer(plain))
	raised := w.mustElevate(w.signIn("", "carol@example.com", inGroups("admins")), d.code())
	if w.elevated(raised).IsZero() {
		t.Error("the session is not elevated")
	}
	w.signIn("", "carol@example.com", inGroups("admins"))
	if w.elevated(raised).IsZero() {
		t.Error("a sign-in that changes nothing ends the elevation")
	}
	w.signIn("", "carol@example.com", inGroups("viewers"))
	if !w.elevated(raised).IsZero() {
		t.Error("the elevation outlives the roles")
	}
}

// Ensures that a user of a realm cannot set up a second factor where codes are sent at sign-in, which it could not do.
func TestSAML_UserWithCodeAtSignIn(t *testing.T) {
	t.Parallel()
	spoken, err := compatibility.FindECE("4.2")
	if err != nil {
		t.Fatal(err)
	}
	idp := samltest.New(noon)
	known := realms(t, idp, realm("corporate", byGroups))
	w := samlWorld{openTuned(t, func(s *app.Settings) { s.Realms, s.Compatibility.ECE = known, spoken }), idp}
	session := bearer(w.signIn("", "carol@example.com", inGroups("admins")))
	w.declines(http.StatusForbidden, "root.unauthorized.rbac", "", http.MethodPost, "/api/v1/users/auth/totp", "", session)
	w.creates(session)
}

// Ensures that Elasticsearch's operations show the realm of such a user, and of the user's keys.
func TestSAML_UserInElasticsearch(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", byGroups))
	session := bearer(w.signIn("", "carol@example.com", inGroups("admins")))
	id, _ := w.newKeyOf(session, `{"name":"one of carol's"}`)
	shown := w.must(http.MethodGet, "/_security/api_key?owner=true", "", session)
	if !strings.Contains(shown, `"id":"`+id+`"`) || !strings.Contains(shown, `"realm":"corporate"`) ||
		!strings.Contains(shown, `"realm_type":"saml"`) {
		t.Errorf("the key is %s", shown)
	}
	if found := w.must(http.MethodGet, "/_security/api_key?realm_name=corporate", "",
		admin); !strings.Contains(found, id) {
		t.Errorf("by the realm one finds %s", found)
	}
	if found := w.must(http.MethodGet, "/_security/api_key?realm_name=native", "", admin); strings.Contains(found, id) {
		t.Errorf("by another realm one finds %s", found)
	}
	caller := w.must(http.MethodGet, "/_security/_authenticate", "", session)
	if !strings.Contains(caller, `"authentication_realm":{"name":"corporate","type":"saml"}`) {
		t.Errorf("the caller is %s", caller)
	}
}

// Ensures that a user is identified by the NameID: an answer with the same principal and another NameID is another
// user's, and refused.
func TestSAML_UserKey(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, strings.Replace(realm("corporate", viewers), "attributes: {", "attributes: {principal: uid, ", 1))
	w.signIn("", "n-1", map[string][]string{"uid": {"carol"}})
	w.signIn("", "n-1", map[string][]string{"uid": {"caroline"}})
	if names := w.listed(""); !strings.Contains(names, "carol") || strings.Contains(names, "caroline") {
		t.Errorf("the users are %s", names)
	}
	for name, c := range map[string]struct {
		nameID string
		uid    []string
	}{
		"another NameID": {"n-2", []string{"carol"}}, "none": {"n-3", nil}, "two": {"n-3", []string{"dave", "erin"}},
		"empty": {"n-3", []string{""}},
	} {
		begun := w.begin("")
		r := w.request(begun)
		r.NameID, r.Attributes = c.nameID, map[string][]string{"uid": c.uid}
		w.refuses(name, begun, w.idp.Answer(r))
	}
}
