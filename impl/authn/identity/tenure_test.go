package identity

import (
	"fmt"
	"testing"
)

func TestIncludedRoles(t *testing.T) {
	if got := fmt.Sprint(IncludedRoles([]Role{"superuser", PlatformViewer, DeploymentManager}),
		CommonRoles([]Role{PlatformAdmin}, []Role{PlatformViewer, DeploymentManager}),
		CommonRoles([]Role{DeploymentManager}, []Role{PlatformViewer}), CommonRoles(nil, []Role{PlatformAdmin})); got !=
		"[ece_deployment_manager ece_deployment_viewer ece_platform_viewer] [ece_deployment_manager ece_platform_viewer] "+
			"[ece_deployment_viewer] []" {
		t.Errorf("the roles are %s", got)
	}
}

// Ensures that a role counts since its last promotion, and an included role since the promotion to the role that
// included it.
func TestTenure_After(t *testing.T) {
	var tenure Tenure
	var roles []Role
	for i, step := range []struct {
		to           []Role
		gained, held string // held lists the roles held since promotion 0 and since promotion 2
	}{
		{[]Role{"x"}, "[]", "[] []"},
		{[]Role{DeploymentViewer}, "[ece_deployment_viewer]", "[] [ece_deployment_viewer]"},
		{[]Role{PlatformAdmin}, "[ece_deployment_manager ece_platform_admin ece_platform_viewer]", "[] [ece_platform_admin]"},
		{[]Role{PlatformViewer}, "[]", "[] [ece_platform_viewer]"},
		{[]Role{DeploymentManager}, "[ece_deployment_manager]", "[] [ece_deployment_viewer]"},
		{[]Role{PlatformAdmin}, "[ece_platform_admin ece_platform_viewer]", "[] [ece_deployment_viewer]"},
		{nil, "[]", "[] []"},
		{[]Role{PlatformAdmin}, "[ece_deployment_manager ece_deployment_viewer ece_platform_admin ece_platform_viewer]",
			"[] []"},
	} {
		next, gained := tenure.After(roles, step.to)
		tenure, roles = next, step.to
		if got := fmt.Sprint(tenure.HeldSince(0, roles), tenure.HeldSince(2, roles)); fmt.Sprint(gained) != step.gained ||
			got != step.held {
			t.Errorf("step %d gains %v and holds %s of %+v", i, gained, got, tenure)
		}
	}
	var first Tenure
	if got := fmt.Sprint(first.HeldSince(0, []Role{PlatformAdmin})); got != "[ece_platform_admin]" {
		t.Errorf("a user without promotions holds %s", got)
	}
	stale := Tenure{Promotions: 1, Since: map[Role]int64{}}
	if got := stale.HeldSince(1, []Role{PlatformAdmin}); len(got) != 0 {
		t.Errorf("roles granted by an older version count: %v", got)
	}
}
