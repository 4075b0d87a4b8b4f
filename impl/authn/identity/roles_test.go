package identity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that ECE's rules for combining roles hold.
func TestParseRoles_Combinations(t *testing.T) {
	for names, want := range map[string]string{
		"ece_platform_admin":                          "[ece_platform_admin]",
		"ece_platform_viewer ece_deployment_viewer":   "[ece_deployment_viewer ece_platform_viewer]",
		"ece_platform_viewer ece_deployment_manager":  "[ece_deployment_manager ece_platform_viewer]",
		"ece_deployment_viewer ece_deployment_viewer": "[ece_deployment_viewer]",
		"":                                       "at least one role",
		"superuser":                              "no role \"superuser\"",
		"ECE_PLATFORM_ADMIN":                     "no role",
		"ece_platform_admin ece_platform_viewer": "stands alone",
		"ece_platform_admin ece_deployment_viewer":                             "stands alone",
		"ece_deployment_manager ece_deployment_viewer":                         "exclude each other",
		"ece_platform_viewer ece_deployment_manager ece_deployment_viewer":     "exclude each other",
		"ece_platform_viewer ece_deployment_viewer ece_deployment_viewer nope": "no role \"nope\"",
	} {
		roles, err := ParseRoles(strings.Fields(names))
		got := fmt.Sprint(roles)
		if err != nil {
			got = err.Error()
			if !fault.Has(err, fault.UserRolesInvalid) || roles != nil {
				t.Errorf("%q: %v, %v", names, roles, err)
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", names, got, want)
		}
	}
}

// Ensures that callers without a matching role are refused, and all callers for an unknown permission.
func TestPrincipal_Authorize(t *testing.T) {
	for _, c := range []struct {
		roles      []Role
		permission Permission
		granted    bool
	}{
		{[]Role{PlatformAdmin}, "get-users-api-keys", true},
		{[]Role{PlatformViewer}, "get-users-api-keys", false},
		{[]Role{DeploymentViewer, PlatformViewer}, "get-api-keys", true},
		{nil, "get-api-keys", false},
		{[]Role{""}, "get-api-keys", false},
		{[]Role{PlatformAdmin}, "no-such-operation", false},
		{[]Role{PlatformAdmin}, "", false},
	} {
		err := Principal{User: "alice", Roles: c.roles}.Authorize(c.permission)
		if (err == nil) != c.granted {
			t.Errorf("%v %s: %v", c.roles, c.permission, err)
		}
		if err != nil && (!fault.Has(err, fault.PermissionDenied) || !strings.Contains(err.Error(), string(c.permission))) {
			t.Errorf("%v %s: %v", c.roles, c.permission, err)
		}
	}
}

// Ensures that ECE and Elasticsearch roles are separated, and that only ECE roles permit ECE operations.
func TestSplitRoles(t *testing.T) {
	roles := []Role{"z", PlatformViewer, "superuser", DeploymentViewer, "ECE_PLATFORM_ADMIN", "ece_platform_admin "}
	platform, others := SplitRoles(roles)
	if got := fmt.Sprintf("%q %q", platform, others); got != `["ece_platform_viewer" "ece_deployment_viewer"] ["z" "superuser" "ECE_PLATFORM_ADMIN" "ece_platform_admin "]` {
		t.Errorf("the roles are %s", got)
	}
	if err := (Principal{Roles: others}).Authorize("get-api-keys"); err == nil || HoldsPlatformRole(others) {
		t.Error("Elasticsearch roles permit ECE operations")
	}
}

// Ensures that role names are valid exactly if Elasticsearch accepts them.
func TestRoleNameFits(t *testing.T) {
	for name, fits := range map[string]bool{
		"a": true, "a,b (c) /x*": true, "_x": true, strings.Repeat("x", 507): true,
		"": false, " a": false, "a ": false, "a\nb": false, "ä": false, "\xff": false, strings.Repeat("x", 508): false,
	} {
		if RoleNameFits(name) != fits {
			t.Errorf("%q: %t", name, !fits)
		}
	}
}
