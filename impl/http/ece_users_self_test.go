package http_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/elevation"
)

// Ensures that all may read and change what is their own to change, with any credentials, in both wire forms.
func TestUserSelf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, caller := range map[string]client.RequestEditorFn{
		"Basic": alice, "session": bearer(w.login("alice", alicePassword)), "key": apiKey(*w.newKey(alice, "a key", "").Key),
	} {
		for form, body := range forms(`{"user_name":"","full_name":"Alice by ` + name +
			`","email":"alice@example.com","security":{}}`) {
			answered := w.patchUser(ownPath, body, caller)
			r, err := w.client.GetCurrentUserWithResponse(t.Context(), caller)
			if err != nil || r.JSON200 == nil {
				t.Fatalf("GET user: %v %v", r, err)
			}
			if got := *r.JSON200; asJSON(got) != asJSON(answered) || asJSON(got) != asJSON(w.readUser("alice")) ||
				*got.FullName != "Alice by "+name {
				t.Errorf("%s, %s: answered is\n%s, read is\n%s", name, form, asJSON(answered), asJSON(got))
			}
		}
		if u := w.patchUser(ownPath, `{"full_name":null,"email":null}`, caller); u.FullName != nil || u.Email != nil {
			t.Errorf("%s: null leaves %s", name, asJSON(u))
		}
	}
}

// Ensures that users, also admins, cannot change their own roles or state or the server's members, nor another user's
// name.
func TestUserSelf_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, caller := range map[string]client.RequestEditorFn{"alice": alice, "bob": bob} {
		before := asJSON(w.readUser(name))
		for _, c := range []struct{ patch, code, field string }{
			{`{"full_name":"x","security":{"roles":["ece_platform_viewer"]}}`, "user.roles.forbidden", "security.roles"},
			{`{"full_name":"x","security":{"roles":["ece_deployment_manager"]}}`, "user.roles.forbidden", "security.roles"},
			{`{"full_name":"x","security":{"roles":["ece_deployment_viewer","ece_platform_admin"]}}`, "user.roles.forbidden",
				"security.roles"},
			{`{"full_name":"x","security":{"roles":[]}}`, "user.roles.forbidden", "security.roles"},
			{`{"full_name":"x","security":{"roles":null}}`, "user.roles.forbidden", "security.roles"},
			{`{"full_name":"x","security":{"enabled":false}}`, "user.restricted_field", "security.enabled"},
			{`{"full_name":"x","security":{"enabled":null}}`, "root.invalid_data", "security.enabled"},
			{`{"full_name":"x","security":null}`, "user.roles.forbidden", "security.roles"},
			{`{"full_name":"x","user_name":"admin"}`, "user.restricted_field", "user_name"},
			{`{"full_name":"x","builtin":true}`, "user.restricted_field", "builtin"},
			{`{"full_name":"x","metadata":{}}`, "user.restricted_field", "metadata"},
			{`{"full_name":"x","security":{"permissions":["create-user"]}}`, "user.restricted_field", "security.permissions"},
			{`{"full_name":"x","security":{"elevated_permissions":{"enabled":true}}}`, "user.restricted_field",
				"security.elevated_permissions"},
			{`{"full_name":"x","security":{"security_realm":{}}}`, "user.restricted_field", "security.security_realm"},
			{`{"full_name":"x","security":{"password":"1234567"}}`, "root.invalid_data", "security.password"},
		} {
			for form, body := range forms(c.patch) {
				response, answer := w.do(http.MethodPatch, ownPath, body, caller)
				w.refused(response, answer, http.StatusBadRequest, c.code, c.field)
				if after := asJSON(w.readUser(name)); after != before {
					t.Fatalf("%s as %s made\n%s of\n%s", c.patch, form, after, before)
				}
			}
		}
	}
}

// Ensures that one's own password is changed by Basic and by a fresh session, which ends with all the others, and no
// key.
func TestUserSelf_Password(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := apiKey(*w.newKey(alice, "a key", "").Key)
	other := bearer(w.login("alice", alicePassword))
	w.patchUser(ownPath, `{"user_name":"","security":{"password":"passphrase two"}}`, alice)
	if w.alive(other) || w.alive(alice) || !w.alive(key) || !w.alive(as("alice", "passphrase two")) {
		t.Error("after a change by Basic not all is as it should be")
	}
	fresh, other := bearer(w.login("alice", "passphrase two")), bearer(w.login("alice", "passphrase two"))
	w.clock.advance(elevation.RecentPassword - time.Millisecond)
	w.patchUser(ownPath, `{"security":{"password":"passphrase three"}}`, fresh)
	if w.alive(fresh) || w.alive(other) || w.alive(as("alice", "passphrase two")) || !w.alive(key) {
		t.Error("after a change by a session not all is as it should be")
	}
	w.login("alice", "passphrase three")
}

// Ensures that neither a key nor an old session, refreshed or not, is enough for a new password, and that a change that
// is refused for it changes nothing.
func TestUserSelf_PasswordNotRecent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := apiKey(*w.newKey(alice, "a key", "").Key)
	token := w.login("alice", alicePassword)
	w.clock.advance(elevation.RecentPassword - time.Second)
	refreshed := w.refresh(token).JSON200.Token
	w.clock.advance(time.Second)
	before := asJSON(w.readUser("alice"))
	for _, caller := range []client.RequestEditorFn{key, bearer(token), bearer(refreshed)} {
		for _, patch := range []string{
			`{"full_name":"x","security":{"password":"a new passphrase"}}`, `{"security":{"password":"` + alicePassword + `"}}`,
			`{"security":{"password":"x"}}`,
		} {
			for _, body := range forms(patch) {
				response, answer := w.do(http.MethodPatch, ownPath, body, caller)
				w.refused(response, answer, http.StatusForbidden, "root.unauthorized.recent_password_required", "security.password")
			}
		}
		if !w.alive(caller) {
			t.Error("a refused change ended the session")
		}
	}
	if after := asJSON(w.readUser("alice")); after != before || !w.alive(alice) {
		t.Errorf("refused changes made\n%s of\n%s", after, before)
	}
	w.patchUser(ownPath, `{"full_name":"Alice Doe"}`, bearer(refreshed))
}

// Ensures that a user with a second factor needs it for a new password, and that a change of roles ends elevation.
func TestUserSelf_SecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.patchUser("/api/v1/users/alice", `{"security":{"roles":["ece_platform_viewer"]}}`, admin)
	d := w.enroll(alice)
	token := w.login("alice", alicePassword)
	const patch = `{"security":{"password":"another passphrase of hers"}}`
	for _, caller := range []client.RequestEditorFn{alice, bearer(token)} {
		response, body := w.do(http.MethodPatch, ownPath, patch, caller)
		w.refused(response, body, http.StatusForbidden, "root.unauthorized.second_factor_required")
	}
	raised := w.mustElevate(token, d.code())
	w.do(http.MethodPatch, "/api/v1/users/alice", `{"security":{"roles":["ece_deployment_viewer"]}}`, admin)
	if !w.elevated(raised).IsZero() {
		t.Error("other roles do not end elevation")
	}
	w.clock.advance(30 * time.Second)
	raised = w.mustElevate(w.login("alice", alicePassword), d.code())
	if response, body := w.do(http.MethodPatch, ownPath, patch, bearer(raised)); response.StatusCode != http.StatusOK ||
		w.alive(alice) {
		t.Errorf("elevated: %s", body)
	}
}
