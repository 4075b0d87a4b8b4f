package http_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/user"
)

const (
	alicePath = usersPath + "/alice"
	ownPath   = "/api/v1/user"
)

// patchUser changes a user, and returns the user that the answer shows.
func (w *world) patchUser(path, patch string, caller client.RequestEditorFn) client.User {
	w.Helper()
	response, body := w.do(http.MethodPatch, path, patch, caller)
	if response.StatusCode != http.StatusOK {
		w.Fatalf("PATCH %s %s: %d %s", path, patch, response.StatusCode, body)
	}
	return w.userOf(body)
}

// forms are the wire forms of a patch: a JSON object, and a JSON string that holds one.
func forms(patch string) map[string]string {
	encoded, err := json.Marshal(patch)
	if err != nil {
		panic(err)
	}
	return map[string]string{"object": patch, "string": string(encoded)}
}

// reaches reports whether credentials may list the keys of all users, which only admins may.
func (w *world) reaches(caller client.RequestEditorFn) bool {
	w.Helper()
	r, err := w.client.GetUsersAPIKeysWithResponse(w.Context(), caller)
	if err != nil || r.JSON200 == nil && r.JSON403 == nil {
		w.Fatalf("all keys: %v %v", r, err)
	}
	return r.JSON200 != nil
}

// Ensures that patches work in both wire forms, as official clients send them: what they leave out stays, null removes.
func TestUserPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ patch, fullName, email, roles string }{
		{`{"user_name":"alice","full_name":"Alice Doe","email":"alice@example.com"}`, `"Alice Doe"`, `"alice@example.com"`,
			`["ece_deployment_viewer"]`},
		{`{"user_name":"","security":{"roles":["ece_platform_viewer","ece_deployment_viewer"]}}`,
			`"Alice Doe"`, `"alice@example.com"`, `["ece_deployment_viewer","ece_platform_viewer"]`},
		{`{"full_name":null}`, `null`, `"alice@example.com"`, `["ece_deployment_viewer","ece_platform_viewer"]`},
		{`{"full_name":"","email":null,"security":{}}`, `null`, `null`, `["ece_deployment_viewer","ece_platform_viewer"]`},
		{`{}`, `null`, `null`, `["ece_deployment_viewer","ece_platform_viewer"]`},
	} {
		for form, body := range forms(c.patch) {
			answered := w.patchUser(alicePath, body, admin)
			if got := w.readUser("alice"); asJSON(got) != asJSON(answered) || asJSON(got.FullName) != c.fullName ||
				asJSON(got.Email) != c.email ||
				asJSON(got.Security.Roles) != c.roles || !*got.Security.Enabled {
				t.Errorf("%s as %s: answered is\n%s, read is\n%s", c.patch, form, asJSON(answered), asJSON(got))
			}
		}
	}
	if !w.alive(alice) {
		t.Error("a patch without a password changed it")
	}
}

// Ensures that a change records its caller and time, and that those of the creation stay.
func TestUserPatch_Metadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.clock.Now()
	w.createUser(`{"user_name":"carol","security":{"password":"wren-427","roles":["ece_deployment_viewer"]}}`)
	for _, c := range []struct {
		by, path string
		caller   client.RequestEditorFn
	}{{"bob", usersPath + "/carol", bob}, {"carol", ownPath, as("carol", "wren-427")},
		{user.Admin, usersPath + "/carol", admin}} {
		w.clock.advance(time.Hour)
		u := w.patchUser(c.path, `{"full_name":"changed by `+c.by+`"}`, c.caller)
		m := u.Metadata
		if !m.UpdatedAt.Equal(w.clock.Now()) || *m.UpdatedBy != c.by || !m.CreatedAt.Equal(created) ||
			*m.CreatedBy != user.Admin {
			t.Errorf("after a change by %s: %s", c.by, asJSON(m))
		}
	}
}

// Ensures that a patch that does not fit is refused by the name of what is wrong, in both forms, and changes nothing.
func TestUserPatch_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.patchUser(alicePath, `{"full_name":"Alice Doe"}`, admin)
	before := asJSON(w.readUser("alice"))
	for _, c := range []struct{ patch, code, field string }{
		{`{"user_name":"bob"}`, "user.restricted_field", "user_name"},
		{`{"user_name":"ALICE"}`, "user.restricted_field", "user_name"},
		{`{"user_name":null}`, "root.invalid_data", "user_name"},
		{`{"full_name":"x","builtin":true}`, "user.restricted_field", "builtin"},
		{`{"full_name":"x","builtin":null}`, "user.restricted_field", "builtin"},
		{`{"full_name":"x","metadata":{}}`, "user.restricted_field", "metadata"},
		{`{"full_name":"x","metadata":null}`, "user.restricted_field", "metadata"},
		{`{"full_name":"x","security":{"permissions":[]}}`, "user.restricted_field", "security.permissions"},
		{`{"full_name":"x","security":{"elevated_permissions":{"enabled":true}}}`, "user.restricted_field",
			"security.elevated_permissions"},
		{`{"full_name":"x","security":{"security_realm":{"id":"x","type":"saml"}}}`, "user.restricted_field",
			"security.security_realm"},
		{`{"full_name":"x","security":{"roles":["ece_platform_admin"],"enabled":false,"password":"a new passphrase","security_realm":null}}`,
			"user.restricted_field", "security.security_realm"},
		{`{"full_name":"x","security":{"roles":[]}}`, "user.roles.invalid", "security.roles"},
		{`{"full_name":"x","security":{"roles":null}}`, "user.roles.invalid", "security.roles"},
		{`{"full_name":"x","security":null}`, "user.roles.invalid", "security.roles"},
		{`{"full_name":"x","security":{"roles":["root"]}}`, "user.roles.invalid", "security.roles"},
		{`{"full_name":"x","security":{"roles":["ece_deployment_manager","ece_deployment_viewer"]}}`, "user.roles.invalid",
			"security.roles"},
		{`{"full_name":"x","security":{"roles":["ece_platform_admin","ece_platform_viewer"],"password":"a new passphrase"}}`,
			"user.roles.invalid", "security.roles"},
		{`{"full_name":"x","security":{"roles":"ece_platform_admin"}}`, "root.invalid_data", "security.roles"},
		{`{"full_name":"x","security":{"roles":[null]}}`, "root.invalid_data", "security.roles.0"},
		{`{"full_name":"x","security":{"password":"1234567"}}`, "root.invalid_data", "security.password"},
		{`{"full_name":"x","security":{"password":""}}`, "root.invalid_data", "security.password"},
		{`{"full_name":"x","security":{"password":null}}`, "root.invalid_data", "security.password"},
		{`{"full_name":"x","security":{"enabled":"no"}}`, "root.invalid_data", "security.enabled"},
		{`{"full_name":"x","security":[]}`, "root.invalid_data", "security"},
		{`{"full_name":1}`, "root.invalid_data", "full_name"},
		{`{"full_name":"` + strings.Repeat("x", 513) + `"}`, "root.invalid_data", "full_name"},
		{`{"full_name":"x","nickname":"x"}`, "root.invalid_data", "nickname"},
		{`{"full_name":"x","full_name":"y"}`, "root.invalid_json_request", "full_name"},
		{`[]`, "root.invalid_data", "body"},
		{`null`, "root.invalid_data", "body"},
		{`{`, "root.invalid_json_request", "body"},
	} {
		for form, body := range forms(c.patch) {
			response, answer := w.do(http.MethodPatch, alicePath, body, admin)
			w.refused(response, answer, http.StatusBadRequest, c.code, c.field)
			if after := asJSON(w.readUser("alice")); after != before {
				t.Fatalf("%s as %s made\n%s of\n%s", c.patch, form, after, before)
			}
		}
	}
	if !w.alive(alice) {
		t.Error("a refused patch changed the password")
	}
}

// Ensures that roles take effect at once, both ways, on a key that is in use, and that a session goes on with fewer
// roles only.
func TestUserPatch_Roles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := apiKey(*w.newKey(alice, "a key", "").Key)
	for _, c := range []struct {
		role   string
		admits bool
	}{{"ece_platform_admin", true}, {"ece_deployment_viewer", false}, {"ece_platform_admin", true},
		{"ece_platform_viewer", false}} {
		token := bearer(w.login("alice", alicePassword))
		u := w.patchUser(alicePath, `{"security":{"roles":["`+c.role+`"]}}`, admin)
		if w.alive(token) == c.admits {
			t.Errorf("as %s the session of before is alive: %t", c.role, !c.admits)
		}
		if c.admits {
			token = bearer(w.login("alice", alicePassword))
		}
		for name, caller := range map[string]client.RequestEditorFn{"session": token, "key": key, "Basic": alice} {
			if w.reaches(caller) != c.admits {
				t.Errorf("as %s the %s may list all keys: %t", c.role, name, !c.admits)
			}
		}
		if may := strings.Contains(asJSON(u.Security.Permissions), `"get-users-api-keys"`); may != c.admits {
			t.Errorf("as %s the permissions are %s", c.role, asJSON(u.Security.Permissions))
		}
	}
}

// Ensures that a password that an admin changes ends the user's sessions at once and the old password, and no key.
func TestUserPatch_Password(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, key := bearer(w.login("alice", alicePassword)), bearer(w.login("alice", alicePassword)),
		apiKey(*w.newKey(alice, "a key", "").Key)
	others := bearer(w.login("bob", bobPassword))
	w.patchUser(alicePath, `{"security":{"password":"another passphrase"}}`, bob)
	if w.alive(first) || w.alive(second) || w.alive(alice) {
		t.Error("a session or the old password is alive")
	}
	if !w.alive(key) || !w.alive(others) || !w.alive(as("alice", "another passphrase")) {
		t.Error("the key, another user's session or the new password is dead")
	}
	r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{Username: "alice", Password: alicePassword})
	if err != nil || r.JSON401 == nil {
		t.Errorf("login with the old password: %v %v", r, err)
	}
}

// Ensures that disabling ends sessions and stops keys and Basic at once, and that enabling brings back all but
// sessions.
func TestUserPatch_Enabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token, key := bearer(w.login("alice", alicePassword)), apiKey(*w.newKey(alice, "a key", "").Key)
	if u := w.patchUser(alicePath, `{"security":{"enabled":true}}`, admin); !*u.Security.Enabled || !w.alive(token) {
		t.Error("enabling an enabled user changed something")
	}
	if u := w.patchUser(alicePath, `{"security":{"enabled":false}}`, admin); *u.Security.Enabled ||
		*w.readUser("alice").Security.Enabled {
		t.Error("the user is not shown as disabled")
	}
	if w.alive(token) || w.alive(key) || w.alive(alice) {
		t.Error("a disabled user's credentials are alive")
	}
	if w.listed("") != "admin bob readonly" || w.listed("?include_disabled=true") != "admin alice bob readonly" {
		t.Error("a disabled user is not listed as such")
	}
	w.patchUser(alicePath, `{"full_name":"Alice Doe"}`, admin)
	if w.alive(alice) {
		t.Error("another change enabled the user")
	}
	w.patchUser(alicePath, `{"security":{"enabled":true}}`, admin)
	if w.alive(token) || !w.alive(key) || !w.alive(alice) {
		t.Error("enabling must bring back keys and Basic, and no session")
	}
}

// Ensures that built-in users are as they are, for themselves and for other admins, in all that a patch could hold.
func TestUserPatch_Builtin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := asJSON(w.readUser(user.Admin)) + asJSON(w.readUser(user.Readonly))
	token := bearer(w.login(user.Readonly, readonlyPassword))
	for _, patch := range []string{
		`{}`, `{"full_name":"x"}`, `{"security":{"enabled":false}}`, `{"security":{"roles":["ece_platform_admin"]}}`,
		`{"security":{"password":"a new passphrase"}}`,
	} {
		for _, name := range []string{user.Admin, user.Readonly} {
			for _, caller := range []client.RequestEditorFn{bob, admin} {
				response, body := w.do(http.MethodPatch, usersPath+"/"+name, patch, caller)
				w.refused(response, body, http.StatusBadRequest, "user.cannot_modify", "user_name")
			}
		}
	}
	for _, patch := range []string{`{"full_name":"x"}`, `{"security":{"password":"a new passphrase"}}`} {
		for _, caller := range []client.RequestEditorFn{admin, token} {
			response, body := w.do(http.MethodPatch, ownPath, patch, caller)
			w.refused(response, body, http.StatusBadRequest, "user.cannot_modify", "user_name")
		}
	}
	w.sql("UPDATE users SET last_login_at = 0, first_login_at = 0")
	if after := asJSON(w.readUser(user.Admin)) + asJSON(w.readUser(user.Readonly)); after != before || !w.alive(token) {
		t.Errorf("the built-in users were\n%s, are\n%s", before, after)
	}
}
