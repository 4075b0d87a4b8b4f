package http_test

import (
	"net/http"
	"testing"
)

// Ensures that role assignments, which a self-hosted installation does not have, are refused by the codes that ECE
// declares, and that none are no error.
func TestRoleAssignments(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	before := asJSON(w.readUser("alice"))
	for _, c := range []struct {
		name, user, body string
		status           int
		code, field      string
	}{
		{"none", "alice", `{}`, http.StatusOK, "", ""},
		{"empty lists", "alice", `{"platform":[],"organization":[],"deployment":[]}`, http.StatusOK, "", ""},
		{"of the platform", "alice", `{"platform":[{"role_id":"ece_platform_admin"}]}`, http.StatusForbidden,
			"role_assignments.unauthorized_role_assignments", ""},
		{"of a project", "alice", `{"project":{"security":[{"role_id":"r","organization_id":"o"}]}}`, http.StatusForbidden,
			"role_assignments.unauthorized_role_assignments", ""},
		{"of an unknown user", "zoe", `{"platform":[{"role_id":"r"}]}`, http.StatusBadRequest,
			"role_assignments.invalid_target_user_id", "user_id"},
		{"without a role", "alice", `{"platform":[{}]}`, http.StatusBadRequest, "root.invalid_data", "platform.0.role_id"},
		{"of another kind", "alice", `{"cluster":[]}`, http.StatusBadRequest, "root.invalid_data", "cluster"},
	} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			t.Run(method+" "+c.name, func(t *testing.T) {
				response, body := w.do(method, usersPath+"/"+c.user+"/role_assignments", c.body, admin)
				switch {
				case c.status == http.StatusOK:
					if response.StatusCode != c.status || body != "{}\n" {
						t.Errorf("%d %s", response.StatusCode, body)
					}
				case c.field == "":
					w.refused(response, body, c.status, c.code)
				default:
					w.refused(response, body, c.status, c.code, c.field)
				}
			})
		}
	}

	response, body := w.do(http.MethodDelete, alicePath+"/role_assignments?force=perhaps", `{}`, admin)
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "force")
	response, body = w.do(http.MethodPost, alicePath+"/role_assignments", `{"platform":[{"role_id":"r"}]}`, alice)
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac")
	if after := asJSON(w.readUser("alice")); after != before {
		t.Errorf("refused role assignments made\n%s of\n%s", after, before)
	}
}
