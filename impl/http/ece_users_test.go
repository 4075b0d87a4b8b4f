package http_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/user"
)

const usersPath = "/api/v1/users"

// createUser creates a user as an admin, from the body of a request.
func (w *world) createUser(body string) client.User {
	w.Helper()
	response, text := w.do(http.MethodPost, usersPath, body, admin)
	if response.StatusCode != http.StatusOK {
		w.Fatalf("creation of %s: %d %s", body, response.StatusCode, text)
	}
	return w.userOf(text)
}

// userOf reads a user from an answer, which may show no password.
func (w *world) userOf(text string) client.User {
	w.Helper()
	var u client.User
	if err := json.Unmarshal([]byte(text), &u); err != nil {
		w.Fatalf("%s is no user: %v", text, err)
	}
	if u.Security.Password != nil || strings.Contains(text, "password") {
		w.Errorf("a password is shown: %s", text)
	}
	return u
}

// readUser reads a user as an admin.
func (w *world) readUser(name string) client.User {
	w.Helper()
	r, err := w.client.GetUserWithResponse(w.Context(), name, admin)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("GET user %s: %v %v", name, r, err)
	}
	return w.userOf(string(r.Body))
}

// listed are the names of the users that an admin lists.
func (w *world) listed(query string) string {
	w.Helper()
	response, text := w.do(http.MethodGet, usersPath+query, "", admin)
	var list client.UserList
	if err := json.Unmarshal([]byte(text), &list); err != nil || response.StatusCode != http.StatusOK {
		w.Fatalf("list of users: %d %s", response.StatusCode, text)
	}
	var names []string
	for _, u := range list.Users {
		names = append(names, u.UserName)
	}
	return strings.Join(names, " ")
}

// asJSON is what a JSON value looks like, to compare values with pointers.
func asJSON(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// Ensures that a user is created as asked for, is shown with all that the server knows, and can sign in at once.
func TestUserCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.createUser(`{"user_name":"carol","full_name":"Carol Doe","email":"carol@example.com",
		"security":{"password":"carol's own passphrase","roles":["ece_platform_viewer","ece_deployment_viewer","ece_platform_viewer"],"enabled":true}}`)
	now, by, yes, no, fullName, email := w.clock.Now(), user.Admin, true, false, "Carol Doe", "carol@example.com"
	roles := []string{"ece_deployment_viewer", "ece_platform_viewer"}
	permissions := []string{
		"confirm-totp-device", "create-api-key", "delete-api-key", "delete-api-keys", "disable-elevated-permissions",
		"enable-elevated-permissions",
		"enroll-totp-device", "get-api-key", "get-api-keys", "get-authentication-info", "get-current-account",
		"get-current-user", "get-totp-device",
		"get-user", "get-users", "introspect-token", "introspect-tokens", "logout", "refresh-token",
		"remove-totp-device", "update-current-user",
	}
	want := client.User{
		UserName: "carol", FullName: &fullName, Email: &email, Builtin: &no,
		Security: client.UserSecurity{
			Enabled: &yes, Roles: &roles, Permissions: &permissions, ElevatedPermissions: &client.ElevatedPermissions{},
			SecurityRealm: &client.UserSecurityRealm{ID: "native", Type: "native"},
		},
		Metadata: &client.UserMetadata{CreatedAt: &now, CreatedBy: &by, UpdatedAt: &now, UpdatedBy: &by},
	}
	if asJSON(got) != asJSON(want) {
		t.Errorf("created is\n%s, want\n%s", asJSON(got), asJSON(want))
	}
	if read := w.readUser("carol"); asJSON(read) != asJSON(want) {
		t.Errorf("read is\n%s, want\n%s", asJSON(read), asJSON(want))
	}
	w.login("carol", "carol's own passphrase")
}

// Ensures that a name, a password and a role are enough, and that a user can be created that cannot sign in yet.
func TestUserCreate_Minimal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.createUser(`{"user_name":"carol","security":{"password":"wren-427","roles":["ece_deployment_manager"]}}`)
	if !*got.Security.Enabled || got.FullName != nil || got.Email != nil || !w.alive(as("carol", "wren-427")) {
		t.Errorf("created is %s", asJSON(got))
	}
	got = w.createUser(`{"user_name":"dave","security":{"password":"wren-427","roles":["ece_platform_admin"],"enabled":false}}`)
	if *got.Security.Enabled || w.alive(as("dave", "wren-427")) {
		t.Errorf("created is %s, and can sign in", asJSON(got))
	}
}

// Ensures that names with what is special in an address are created, read, changed and deleted as what they are.
func TestUserCreate_SpecialNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, escaped := range map[string]string{
		"100%": "100%25", "a%41": "a%2541", "a?b#c": "a%3Fb%23c", "Jo Doe": "Jo%20Doe", "a+b": "a+b",
		"o'neil;x=y": "o'neil;x=y", "Alice": "Alice",
		"methods!": "methods%21", "jo@example.com": "jo%40example.com", strings.Repeat("x", 507): strings.Repeat("x", 507),
	} {
		encoded, _ := json.Marshal(name)
		w.createUser(`{"user_name":` + string(encoded) +
			`,"security":{"password":"wren-427","roles":["ece_deployment_viewer"]}}`)
		for _, c := range []struct{ method, body string }{{"GET", ""}, {"PATCH", `{"full_name":"x"}`}, {"DELETE", ""}} {
			response, body := w.do(c.method, usersPath+"/"+escaped, c.body, admin)
			if response.StatusCode != http.StatusOK || c.method != "DELETE" && w.userOf(body).UserName != name {
				t.Errorf("%s %s: %d %s", c.method, escaped, response.StatusCode, body)
			}
		}
		response, body := w.do("GET", usersPath+"/"+escaped, "", admin)
		w.refused(response, body, http.StatusNotFound, "user.not_found", "user_name")
	}
}

// Ensures that what cannot be a user is refused by the name of what is wrong, and makes none.
func TestUserCreate_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.listed("?include_disabled=true")
	security := `"security":{"password":"wren-427","roles":["ece_deployment_viewer"]}`
	for _, c := range []struct{ body, code, field string }{
		{`{"user_name":"",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":" x",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"a:b",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"a/b",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"a,b",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"auth",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"_x",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"..",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"ä",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"a\u0000",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{"user_name":"` + strings.Repeat("x", 508) + `",` + security + `}`, "user.user_name.invalid", "user_name"},
		{`{` + security + `}`, "root.invalid_data", "user_name"},
		{`{"user_name":"x"}`, "root.invalid_data", "security"},
		{`{"user_name":"x","security":{}}`, "user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427"}}`, "user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427","roles":[]}}`, "user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427","roles":["root"]}}`, "user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427","roles":["ece_platform_admin","ece_platform_viewer"]}}`,
			"user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427","roles":["ece_deployment_manager","ece_deployment_viewer"]}}`,
			"user.roles.invalid", "security.roles"},
		{`{"user_name":"x","security":{"password":"wren-427","roles":"ece_platform_admin"}}`, "root.invalid_data",
			"security.roles"},
		{`{"user_name":"x","security":{"roles":["ece_deployment_viewer"]}}`, "root.invalid_data", "security.password"},
		{`{"user_name":"x","security":{"password":"","roles":["ece_deployment_viewer"]}}`, "root.invalid_data",
			"security.password"},
		{`{"user_name":"x","security":{"password":"1234567","roles":["ece_deployment_viewer"]}}`, "root.invalid_data",
			"security.password"},
		{`{"user_name":"x","security":{"password":"12345678","roles":["ece_deployment_viewer"]}}`, "root.invalid_data",
			"security.password"},
		{`{"user_name":"carol.doe","security":{"password":"Carol.Doe","roles":["ece_deployment_viewer"]}}`,
			"root.invalid_data", "security.password"},
		{`{"user_name":"x","security":{"password":null,"roles":["ece_deployment_viewer"]}}`, "root.invalid_data",
			"security.password"},
		{`{"user_name":"x","full_name":"` + strings.Repeat("ü", 513) + `",` + security + `}`, "root.invalid_data",
			"full_name"},
		{`{"user_name":"x","email":"` + strings.Repeat("x", 513) + `",` + security + `}`, "root.invalid_data", "email"},
		{`{"user_name":"x","password":"wren-427",` + security + `}`, "root.invalid_data", "password"},
		{`{"user_name":"x",` + security, "root.invalid_json_request", "body"},
	} {
		response, body := w.do(http.MethodPost, usersPath, c.body, admin)
		w.refused(response, body, http.StatusBadRequest, c.code, c.field)
	}
	for _, name := range []string{"alice", user.Admin} {
		response, body := w.do(http.MethodPost, usersPath, `{"user_name":"`+name+`",`+security+`}`, admin)
		w.refused(response, body, http.StatusConflict, "user.user_name.conflict", "user_name")
	}
	if after := w.listed("?include_disabled=true"); after != before || !w.alive(alice) {
		t.Errorf("there were %s, there are %s", before, after)
	}
}

// Ensures that what the server keeps cannot be set at the creation, whatever the value, and that of several the first
// in the contract's order is named.
func TestUserCreate_RestrictedFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ root, security, field string }{
		{`"builtin":false,`, ``, "builtin"},
		{`"builtin":true,`, ``, "builtin"},
		{`"metadata":{},`, ``, "metadata"},
		{`"metadata":{"created_by":"me"},`, ``, "metadata"},
		{``, `"permissions":[],`, "security.permissions"},
		{``, `"permissions":["create-user"],`, "security.permissions"},
		{``, `"elevated_permissions":{"enabled":true},`, "security.elevated_permissions"},
		{``, `"security_realm":{"id":"native","type":"native"},`, "security.security_realm"},
		{`"metadata":{},"builtin":true,`, `"security_realm":{"id":"x","type":"saml"},"permissions":[],`, "builtin"},
	} {
		for range 5 { // the same each time
			response, body := w.do(http.MethodPost, usersPath,
				`{`+c.root+`"user_name":"x","security":{`+c.security+`"password":"wren-427","roles":["ece_deployment_viewer"]}}`,
				admin)
			w.refused(response, body, http.StatusBadRequest, "user.restricted_field", c.field)
		}
	}
	if strings.Contains(w.listed("?include_disabled=true"), "x") {
		t.Error("a refused request made a user")
	}
}

// Ensures that users are listed by name, and disabled ones only on request.
func TestUserList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.createUser(`{"user_name":"Zoe","security":{"password":"wren-427","roles":["ece_platform_viewer"],"enabled":false}}`)
	for query, want := range map[string]string{
		"":                                "admin alice bob readonly",
		"?include_disabled=false":         "admin alice bob readonly",
		"?include_disabled=true":          "Zoe admin alice bob readonly",
		"?include_disabled=true&other=no": "Zoe admin alice bob readonly",
	} {
		if got := w.listed(query); got != want {
			t.Errorf("%q lists %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?include_disabled=maybe", "?include_disabled=", "?include_disabled=1x",
		"?include_disabled=true&include_disabled=true"} {
		response, body := w.do(http.MethodGet, usersPath+query, "", admin)
		w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "include_disabled")
	}
	all := true
	r, err := w.client.GetUsersWithResponse(t.Context(), &client.GetUsersParams{IncludeDisabled: &all},
		as(user.Readonly, readonlyPassword))
	if err != nil || r.JSON200 == nil || len(r.JSON200.Users) != 5 || strings.Contains(string(r.Body), "password") {
		t.Errorf("the list for readonly: %v %v", r, err)
	}
}

// Ensures that each operation answers that a missing user is not found.
func TestUser_NotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"unknown", "ALICE", "a%2Fb", "%00", "%C3%A4", "x%20"} {
		for _, c := range []struct{ method, path, body string }{
			{"GET", "", ""}, {"PATCH", "", "{}"}, {"PATCH", "", `{"user_name":"","security":{"enabled":false}}`},
			{"DELETE", "", ""}, {"POST", "/_unlock", ""},
		} {
			response, body := w.do(c.method, usersPath+"/"+name+c.path, c.body, admin)
			w.refused(response, body, http.StatusNotFound, "user.not_found", "user_name")
		}
	}
}

// Ensures that a sign-in moves the times of sign-ins, and that nothing else does.
func TestUser_LoginTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alive(alice)
	if m := w.readUser("alice").Metadata; m.FirstLoginAt != nil || m.LastLoginAt != nil {
		t.Errorf("Basic is a login: %s", asJSON(m))
	}
	first := w.clock.Now()
	key := w.newKey(bearer(w.login("alice", alicePassword)), "a key", "")
	w.clock.advance(time.Minute)
	second := w.clock.Now()
	token := w.login("alice", alicePassword)
	w.clock.advance(time.Minute)
	w.refresh(token)
	w.alive(alice)
	w.alive(apiKey(*key.Key))
	w.do(http.MethodPost, loginPath, `{"username":"alice","password":"wrong"}`)
	u := w.readUser("alice")
	if m := u.Metadata; m.FirstLoginAt == nil || !m.FirstLoginAt.Equal(first) || m.LastLoginAt == nil ||
		!m.LastLoginAt.Equal(second) {
		t.Errorf("the times are %s, want %s and %s", asJSON(m), first, second)
	}
	if m := u.Metadata; !m.UpdatedAt.Equal(*m.CreatedAt) {
		t.Errorf("signing in is a change: %s", asJSON(m))
	}
}

// Ensures that deleting a user ends sessions and keys at once, and that a new user of the same name has none of them.
func TestUserDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, token := w.newKey(alice, "a key", ""), w.login("alice", alicePassword)
	if _, _, err := w.app.Elevation.Provision(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	for range 12 { // enough to lock
		w.alive(as("alice", "wrong"))
	}
	if w.alive(alice) {
		t.Fatal("alice is not locked, so this test shows nothing")
	}
	if r, err := w.client.DeleteUserWithResponse(t.Context(), "alice", admin); err != nil || r.JSON200 == nil {
		t.Fatalf("DELETE user: %v %v", r, err)
	}
	dead := func(when string) {
		if w.alive(bearer(token)) || w.alive(apiKey(*key.Key)) {
			t.Errorf("a session or a key of the deleted user is alive %s", when)
		}
	}
	dead("at once")
	if w.alive(alice) || w.listed("?include_disabled=true") != "admin bob readonly" {
		t.Error("the deleted user is still there")
	}
	w.createUser(`{"user_name":"alice","security":{"password":"alice's own passphrase","roles":["ece_deployment_viewer"]}}`)
	dead("when the name is taken again")
	again := bearer(w.login("alice", alicePassword))
	info, err := w.client.GetAuthenticationInfoWithResponse(t.Context(), again)
	if err != nil || info.JSON200 == nil || *info.JSON200.HasTOTPDevice || len(w.ids(again)) != 0 {
		t.Errorf("the user created again has what the deleted one had: %v %v", info, err)
	}
	if device, err := w.client.GetTOTPDeviceWithResponse(t.Context(), again); err != nil || device.JSON404 == nil {
		t.Errorf("the user created again has a device: %v %v", device, err)
	}
}

// Ensures that users cannot delete themselves or a built-in user.
func TestUserDelete_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	response, body := w.do(http.MethodDelete, usersPath+"/bob", "", bob)
	w.refused(response, body, http.StatusBadRequest, "user.restricted_deletion", "user_name")
	for _, caller := range []client.RequestEditorFn{bob, admin} {
		for _, name := range []string{user.Admin, user.Readonly} {
			response, body := w.do(http.MethodDelete, usersPath+"/"+name, "", caller)
			w.refused(response, body, http.StatusBadRequest, "user.cannot_modify", "user_name")
		}
	}
	if names := strings.Fields(w.listed("")); !slices.Equal(names, []string{"admin", "alice", "bob", "readonly"}) {
		t.Errorf("there are %s", names)
	}
}
