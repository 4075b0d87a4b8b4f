package http_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures that null for an optional member is read as if the member were absent: the answer is the same, and what it
// makes is the same.
func TestNull_Absent(t *testing.T) {
	t.Parallel()

	const (
		keysPath    = "/api/v1/users/auth/keys"
		accountPath = "/api/v1/account"
		loginPath   = "/api/v1/users/auth/_login"
	)
	for _, c := range []struct {
		name, method, path, null, absent string
		caller                           client.RequestEditorFn
		status                           int
	}{
		{"user", http.MethodPost, usersPath,
			`{"user_name":"carol","full_name":null,"email":null,"builtin":null,"metadata":null,"security":{
				"password":"wren-427","roles":["ece_deployment_viewer"],"enabled":null,"permissions":null,
				"elevated_permissions":null,"security_realm":null}}`,
			`{"user_name":"carol","security":{"password":"wren-427","roles":["ece_deployment_viewer"]}}`,
			admin, http.StatusOK},
		{"roles of a user", http.MethodPost, usersPath,
			`{"user_name":"carol","security":{"password":"wren-427","roles":null}}`,
			`{"user_name":"carol","security":{"password":"wren-427"}}`, admin, http.StatusBadRequest},
		{"password of a user", http.MethodPost, usersPath,
			`{"user_name":"carol","security":{"password":null,"roles":["ece_platform_admin"]}}`,
			`{"user_name":"carol","security":{"roles":["ece_platform_admin"]}}`, admin, http.StatusBadRequest},
		{"user of a viewer", http.MethodPost, usersPath,
			`{"user_name":"carol","email":null,"security":{"password":"wren-427","roles":["ece_platform_admin"]}}`,
			`{"user_name":"carol","security":{"password":"wren-427","roles":["ece_platform_admin"]}}`,
			alice, http.StatusForbidden},
		{"key", http.MethodPost, keysPath,
			`{"description":"x","expiration":null,"role_assignments":null}`, `{"description":"x"}`,
			alice, http.StatusCreated},
		{"role assignments of a key", http.MethodPost, keysPath,
			`{"description":"x","role_assignments":{"platform":null,"organization":null,"deployment":null,"project":null}}`,
			`{"description":"x"}`, alice, http.StatusCreated},
		{"project role assignments of a key", http.MethodPost, keysPath,
			`{"description":"x","role_assignments":{"project":{"elasticsearch":null,"observability":null,"security":null}}}`,
			`{"description":"x"}`, alice, http.StatusCreated},
		{"members of a role assignment of a key", http.MethodPost, keysPath,
			`{"description":"x","role_assignments":{"deployment":[
				{"role_id":"r","organization_id":"o","all":null,"deployment_ids":null,"application_roles":null}]}}`,
			`{"description":"x","role_assignments":{"deployment":[{"role_id":"r","organization_id":"o"}]}}`,
			alice, http.StatusBadRequest},
		{"state of a login", http.MethodPost, loginPath,
			`{"username":"alice","password":"` + alicePassword + `","login_state":null}`,
			`{"username":"alice","password":"` + alicePassword + `"}`, nil, http.StatusOK},
		{"path of a login", http.MethodPost, loginPath,
			`{"username":"alice","password":"` + alicePassword + `","login_state":{"path":null}}`,
			`{"username":"alice","password":"` + alicePassword + `","login_state":{}}`, nil, http.StatusOK},
		{"trust of the account", http.MethodPut, accountPath, `{"trust":null}`, `{}`, admin, http.StatusOK},
		{"role assignments of a user", http.MethodPost, usersPath + "/alice/role_assignments",
			`{"platform":null,"project":null}`, `{}`, admin, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			null, absent := answerOf(t, c.method, c.path, c.null, c.caller), answerOf(t, c.method, c.path, c.absent, c.caller)
			if null != absent || !strings.HasPrefix(null, http.StatusText(c.status)) {
				t.Errorf("with null:\n%s\nwithout:\n%s\nwant %d", null, absent, c.status)
			}
		})
	}
}

// answerOf returns what a server of its own answers, without what is random.
func answerOf(t *testing.T, method, path, body string, caller client.RequestEditorFn) string {
	t.Helper()
	w := newWorld(t)
	w.must(http.MethodPut, "/api/v1/account", `{"trust":{"trust_all":false}}`, admin)

	var editors []client.RequestEditorFn
	if caller != nil {
		editors = append(editors, caller)
	}
	response, answer := w.do(method, path, body, editors...)
	var members map[string]any
	if err := json.Unmarshal([]byte(answer), &members); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	for _, random := range []string{"id", "key", "token"} {
		if _, has := members[random]; has {
			members[random] = "random"
		}
	}
	return http.StatusText(response.StatusCode) + " " + asJSON(members) + " " + w.listed("?include_disabled=true")
}

// Ensures that null for a required member and in a list is refused, and that what null removes in a merge patch is
// unchanged: the state of a user cannot be removed, and a user without a role cannot be had.
func TestNull_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, c := range []struct{ name, method, path, body, code, field string }{
		{"name of a user", http.MethodPost, usersPath,
			`{"user_name":null,"security":{"password":"wren-427","roles":["ece_deployment_viewer"]}}`,
			"root.invalid_data", "user_name"},
		{"security of a user", http.MethodPost, usersPath, `{"user_name":"carol","security":null}`,
			"root.invalid_data", "security"},
		{"role", http.MethodPost, usersPath,
			`{"user_name":"carol","security":{"password":"wren-427","roles":[null]}}`,
			"root.invalid_data", "security.roles.0"},
		{"builtin and false", http.MethodPost, usersPath,
			`{"user_name":"carol","builtin":false,"security":{"password":"wren-427","roles":["ece_deployment_viewer"]}}`,
			"user.restricted_field", "builtin"},
		{"description of a key", http.MethodPost, "/api/v1/users/auth/keys", `{"description":null}`,
			"root.invalid_data", "description"},
		{"role assignment", http.MethodPost, "/api/v1/users/auth/keys",
			`{"description":"x","role_assignments":{"platform":[null]}}`,
			"root.invalid_data", "role_assignments.platform.0"},
		{"role of a role assignment", http.MethodPost, "/api/v1/users/auth/keys",
			`{"description":"x","role_assignments":{"platform":[{"role_id":null}]}}`,
			"root.invalid_data", "role_assignments.platform.0.role_id"},
		{"keys", http.MethodDelete, "/api/v1/users/auth/keys", `{"keys":null}`, "root.invalid_data", "keys"},
		{"key", http.MethodDelete, "/api/v1/users/auth/keys", `{"keys":[null]}`, "root.invalid_data", "keys.0"},
		{"password of a login", http.MethodPost, "/api/v1/users/auth/_login", `{"username":"alice","password":null}`,
			"root.invalid_data", "password"},
		{"setting of the account", http.MethodPut, "/api/v1/account", `{"trust":{"trust_all":null}}`,
			"root.invalid_data", "trust.trust_all"},
		{"roles in a patch", http.MethodPatch, alicePath, `{"security":{"roles":null}}`,
			"user.roles.invalid", "security.roles"},
		{"state in a patch", http.MethodPatch, alicePath, `{"security":{"enabled":null}}`,
			"root.invalid_data", "security.enabled"},
		{"metadata in a patch", http.MethodPatch, alicePath, `{"metadata":null}`, "user.restricted_field", "metadata"},
	} {
		t.Run(c.name, func(*testing.T) {
			response, body := w.do(c.method, c.path, c.body, admin)
			w.refused(response, body, http.StatusBadRequest, c.code, c.field)
		})
	}
	if got := w.listed("?include_disabled=true"); got != "admin alice bob readonly" {
		t.Errorf("a refused request made a user: %s", got)
	}
}
