package http_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// read returns the JSON with which the server answers a read.
func (w *world) read(path string, caller client.RequestEditorFn) string {
	w.Helper()
	response, body := w.do(http.MethodGet, path, "", caller)
	if response.StatusCode != http.StatusOK {
		w.Fatalf("GET %s: %s", path, body)
	}
	return body
}

// Ensures that a user can be sent back as it was read, also with one member changed, by an administrator and by the
// user; and that nothing but that member is changed.
func TestUserPatch_ReadBack(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.patchUser(alicePath, `{"full_name":"Alice Doe","security":{
		"roles":["ece_platform_viewer","ece_deployment_viewer"]}}`, admin)
	w.login("alice", alicePassword) // so that there are times of sign-ins
	w.clock.advance(time.Hour)
	key := apiKey(*w.newKey(alice, "a key", "").Key)
	for _, c := range []struct {
		name, path string
		caller     client.RequestEditorFn
	}{
		{"by an administrator", alicePath, admin},
		{"by the user", ownPath, alice},
		{"by the user's session", ownPath, bearer(w.login("alice", alicePassword))},
		{"by the user's key", ownPath, key},
		{"by an administrator's own name", usersPath + "/bob", bob},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			read := w.read(c.path, c.caller)
			answered := w.patchUser(c.path, read, c.caller)
			want := w.userOf(read)
			if unstamped(answered) != unstamped(want) {
				t.Errorf("of\n%s\nit made\n%s", asJSON(want), asJSON(answered))
			}

			read = w.read(c.path, c.caller)
			for _, body := range forms(read) {
				var members map[string]any
				if err := json.Unmarshal([]byte(read), &members); err != nil {
					t.Fatal(err)
				}
				w.patchUser(c.path, body, c.caller)
				read = w.read(c.path, c.caller)
			}
			changed := strings.Replace(read, `{`, `{"email":"new@example.com",`, 1)
			if got := w.patchUser(c.path, changed, c.caller); *got.Email != "new@example.com" {
				t.Errorf("the change is lost: %s", asJSON(got))
			}
			w.patchUser(c.path, `{"email":null}`, c.caller)
		})
	}
}

// unstamped returns a user without the time and the author of the last change.
func unstamped(u client.User) string {
	u.Metadata.UpdatedAt, u.Metadata.UpdatedBy = nil, nil
	return asJSON(u)
}

// Ensures that members that cannot be set are accepted if they are equal to what is shown, in the forms in which
// clients write them, and refused if anything differs.
func TestUserPatch_KeptMembers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.createUser(`{"user_name":"carol","security":{
		"password":"wren-427","roles":["ece_platform_viewer","ece_deployment_viewer"]}}`)
	carol := as("carol", "wren-427")
	metadata := func(createdAt, createdBy, more string) string {
		return `{"metadata":{"created_at":"` + createdAt + `","created_by":"` + createdBy +
			`","updated_at":"2026-11-21T12:00:00Z","updated_by":"admin"` + more + `}}`
	}
	const created = "2026-11-21T12:00:00Z"
	for _, c := range []struct{ name, patch, refused string }{
		{"builtin", `{"builtin":false}`, ""},
		{"metadata", metadata(created, "admin", ""), ""},
		{"metadata in milliseconds", metadata("2026-11-21T12:00:00.000Z", "admin", ""), ""},
		{"metadata in another zone", metadata("2026-11-21T13:00:00+01:00", "admin", ""), ""},
		{"metadata with the year 1 for no time", metadata(created, "admin", `,"first_login_at":"0001-01-01T00:00:00.000Z"`), ""},
		{"metadata with null for no time", metadata(created, "admin", `,"last_login_at":null`), ""},
		{"roles in another order", `{"security":{"roles":["ece_platform_viewer","ece_deployment_viewer"]}}`, ""},
		{"state", `{"security":{"enabled":true}}`, ""},
		{"realm", `{"security":{"security_realm":{"id":"native","type":"native"}}}`, ""},
		{"elevation", `{"security":{"elevated_permissions":{"enabled":false,"expires_at":"0001-01-01T00:00:00.000Z"}}}`, ""},

		{"metadata at another time", metadata("2026-11-21T12:00:01Z", "admin", ""), "metadata"},
		{"metadata of another author", metadata(created, "carol", ""), "metadata"},
		{"a part of metadata", `{"metadata":{"created_by":"admin"}}`, "metadata"},
		{"more metadata", metadata(created, "admin", `,"last_login_at":"2026-11-21T12:00:00Z"`), "metadata"},
		{"metadata with an object", metadata(created, "admin", `,"last_login_at":{"a":["b"]}`), "metadata"},
		{"elevation of a plain caller", `{"security":{"elevated_permissions":{"enabled":true}}}`,
			"security.elevated_permissions"},
		{"one role more", `{"security":{"roles":["ece_platform_viewer","ece_deployment_viewer","ece_platform_admin"]}}`,
			"security.roles"},
		{"one role less", `{"security":{"roles":["ece_platform_viewer"]}}`, "security.roles"},
		{"a role twice", `{"security":{"roles":["ece_platform_viewer","ece_platform_viewer"]}}`, "security.roles"},
		{"no state", `{"security":{"enabled":false}}`, "security.enabled"},
		{"another realm", `{"security":{"security_realm":{"id":"native","type":"saml"}}}`, "security.security_realm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			before := w.read(usersPath+"/carol", admin)
			if c.refused == "" {
				w.patchUser(ownPath, c.patch, carol)
			} else {
				response, body := w.do(http.MethodPatch, ownPath, c.patch, carol)
				code := "user.restricted_field"
				if c.refused == "security.roles" {
					code = "user.roles.forbidden"
				}
				w.refused(response, body, http.StatusBadRequest, code, c.refused)
			}
			if after := w.read(usersPath+"/carol", admin); after != before {
				t.Errorf("it made\n%s of\n%s", after, before)
			}
		})
	}
}

// Ensures that a user that was read as an administrator cannot be sent back for its roles after they were taken away.
func TestUserPatch_FormerRoles(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	read := w.read(ownPath, bob)
	w.patchUser(usersPath+"/bob", `{"security":{"roles":["ece_deployment_viewer"]}}`, admin)
	response, body := w.do(http.MethodPatch, ownPath, `{"security":{"roles":["ece_platform_admin"]}}`, bob)
	w.refused(response, body, http.StatusBadRequest, "user.roles.forbidden", "security.roles")
	if response, body := w.do(http.MethodPatch, ownPath, read, bob); response.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if got := asJSON(w.readUser("bob").Security.Roles); got != `["ece_deployment_viewer"]` {
		t.Errorf("the roles are %s", got)
	}
}
