package http_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// Ensures that ECE's operations show users with roles of Elasticsearch's with ECE's roles only, list those without
// roles of ECE's, and refuse them everything.
func TestUser_OtherRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	password := "wren-427 wren"
	for name, roles := range map[string][]string{
		"both": {"superuser", "ece_platform_viewer"}, "neither": {"superuser", strings.Repeat("x", 500)},
	} {
		founder := identity.Principal{Roles: []identity.Role{identity.PlatformAdmin}}
		n := user.Native{Password: &password, Roles: roles, Enabled: true}
		if _, err := w.app.Users.PutNative(t.Context(), founder, name, n, user.Proof{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.listed(""); got != "admin alice bob both neither readonly" {
		t.Errorf("listed are %s", got)
	}
	for name, want := range map[string]string{"both": `["ece_platform_viewer"]`, "neither": "[]"} {
		if got := asJSON(w.readUser(name).Security.Roles); got != want {
			t.Errorf("the roles of %s are %s", name, got)
		}
	}
	w.patchUser(usersPath+"/neither", `{"full_name":"Nel"}`, admin)
	response, body := w.do(http.MethodGet, usersPath, "", as("neither", password))
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac")
	if response, body := w.do(http.MethodGet, usersPath, "", as("both", password)); response.StatusCode != http.StatusOK {
		t.Errorf("both gets %d: %s", response.StatusCode, body)
	}
}
