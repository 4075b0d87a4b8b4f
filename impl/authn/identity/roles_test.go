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

// Ensures that only callers with a needed role have a permission, and that a refusal names the permission.
func TestPrincipal_Authorize(t *testing.T) {
	admins, readers := []Role{PlatformAdmin}, []Role{PlatformAdmin, PlatformViewer}
	withDescriptors := Principal{Roles: admins, Key: Key{ID: "k", Assigned: "x"}}
	for _, c := range []struct {
		name    string
		caller  Principal
		needed  []Role
		granted bool
	}{
		{"the role", Principal{Roles: admins}, admins, true},
		{"another role", Principal{Roles: []Role{PlatformViewer}}, admins, false},
		{"one of several roles", Principal{Roles: []Role{DeploymentViewer, PlatformViewer}}, readers, true},
		{"no role", Principal{}, readers, false},
		{"an empty role", Principal{Roles: []Role{""}}, readers, false},
		{"no role is needed", Principal{}, []Role{AnyUser}, true},
		{"no role is admitted", Principal{Roles: admins}, nil, false},
		{"a key with its owner's privileges", Principal{Roles: admins, Key: Key{ID: "k"}}, admins, true},
		{"a key with role descriptors", withDescriptors, admins, false},
		{"a key with role descriptors, no role is needed", withDescriptors, []Role{AnyUser}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.caller.Authorize("delete-user", c.needed)
			if (err == nil) != c.granted {
				t.Error(err)
			}
			if err != nil &&
				(!fault.Has(err, fault.PermissionDenied) || !strings.Contains(err.Error(), "lacks the permission delete-user")) {
				t.Error(err)
			}
		})
	}
}

func TestGrants_Permissions(t *testing.T) {
	grants := Grants{"c": {PlatformAdmin}, "b": {AnyUser}, "a": {PlatformViewer, PlatformAdmin}, "d": nil}
	for _, c := range []struct {
		name  string
		roles []Role
		want  string
	}{
		{"no role", nil, "[b]"},
		{"a role", []Role{PlatformViewer}, "[a b]"},
		{"another role", []Role{PlatformAdmin, "x"}, "[a b c]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fmt.Sprint(grants.Permissions(c.roles)); got != c.want {
				t.Errorf("the permissions are %s; want %s", got, c.want)
			}
		})
	}
}

// Ensures that ECE and Elasticsearch roles are separated, and that only ECE roles permit ECE operations.
func TestSplitRoles(t *testing.T) {
	roles := []Role{"z", PlatformViewer, "superuser", DeploymentViewer, "ECE_PLATFORM_ADMIN", "ece_platform_admin "}
	platform, others := SplitRoles(roles)
	if got := fmt.Sprintf("%q %q", platform,
		others); got != `["ece_platform_viewer" "ece_deployment_viewer"] ["z" "superuser" "ECE_PLATFORM_ADMIN" "ece_platform_admin "]` {
		t.Errorf("the roles are %s", got)
	}
	if err := (Principal{Roles: others}).Authorize("get-api-keys", Roles); err == nil || HoldsPlatformRole(others) {
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
