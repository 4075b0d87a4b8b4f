package identity

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
)

// Role is one of ECE's platform roles, or the name of an Elasticsearch role. A user has both in one list; only ECE
// roles permit ECE operations.
type Role string

// ECE's platform roles.
const (
	PlatformAdmin     Role = "ece_platform_admin"
	PlatformViewer    Role = "ece_platform_viewer"
	DeploymentManager Role = "ece_deployment_manager"
	DeploymentViewer  Role = "ece_deployment_viewer"
)

// PlatformPrefix begins the names of all ECE roles.
const PlatformPrefix = "ece_"

// Roles lists all ECE roles.
var Roles = []Role{PlatformAdmin, PlatformViewer, DeploymentManager, DeploymentViewer}

// ParseRoles checks that a user can have these ECE roles: at least one, all known, PlatformAdmin only alone, and not
// both deployment roles (ECE's rules). It returns them sorted and without duplicates, or fault.UserRolesInvalid.
func ParseRoles(names []string) ([]Role, error) {
	var roles []Role
	for _, name := range names {
		role := Role(name)
		if !slices.Contains(Roles, role) {
			return nil, fault.New(fault.UserRolesInvalid, "there is no role \""+name+"\"; roles are "+joinRoles(Roles)+
				", and all others are given by the operations on native users", "security.roles")
		}
		roles = append(roles, role)
	}

	slices.Sort(roles)
	roles = slices.Compact(roles)

	switch {
	case len(roles) == 0:
		return nil, fault.New(fault.UserRolesInvalid, "a user has at least one role; roles are "+joinRoles(Roles),
			"security.roles")
	case slices.Contains(roles, PlatformAdmin) && len(roles) > 1:
		return nil, fault.New(fault.UserRolesInvalid, string(PlatformAdmin)+" includes all others and stands alone",
			"security.roles")
	case slices.Contains(roles, DeploymentManager) && slices.Contains(roles, DeploymentViewer):
		return nil, fault.New(fault.UserRolesInvalid,
			string(DeploymentManager)+" and "+string(DeploymentViewer)+" exclude each other", "security.roles")
	}
	return roles, nil
}

// HoldsPlatformRole reports whether one of the roles is an ECE role.
func HoldsPlatformRole(roles []Role) bool {
	return slices.ContainsFunc(roles, isPlatformRole)
}

// SplitRoles returns the ECE roles and the other roles, each in their original order.
func SplitRoles(roles []Role) (platform, others []Role) {
	for _, role := range roles {
		if isPlatformRole(role) {
			platform = append(platform, role)
		} else {
			others = append(others, role)
		}
	}
	return platform, others
}

func isPlatformRole(role Role) bool { return slices.Contains(Roles, role) }

// maxRoleName is Elasticsearch's limit in characters, which are single bytes here.
const maxRoleName = 507

// RoleNameFits reports whether a role name is valid: 1 to 507 characters of printable ASCII without a space at either
// end (Elasticsearch's rule).
func RoleNameFits(name string) bool {
	return name != "" && len(name) <= maxRoleName && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

// IsPlatformAdmin reports whether the caller has all permissions for ECE operations.
func (p Principal) IsPlatformAdmin() bool { return slices.Contains(p.platformRoles(), PlatformAdmin) }

// platformRoles returns the roles that permit the caller ECE operations. An API key with assigned role descriptors has
// none: descriptors grant Elasticsearch privileges only, and a key must not exceed them.
func (p Principal) platformRoles() []Role {
	if p.Key.Assigned != "" {
		return nil
	}
	return p.Roles
}

// RoleNames returns the names of the caller's roles.
func (p Principal) RoleNames() []string { return Names(p.Roles) }

// Names returns the names of roles.
func Names(roles []Role) []string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return names
}

func joinRoles(roles []Role) string { return strings.Join(Names(roles), ", ") }

// Permission is the right to call one operation, named by its operationId.
type Permission string

// AnyUser stands for all authenticated callers in the roles that a permission needs, also for those without an ECE
// role.
const AnyUser Role = "any_user"

// Grants maps each permission to the roles that have it.
type Grants map[Permission][]Role

// Permissions returns the permissions that roles grant, sorted.
func (g Grants) Permissions(roles []Role) []Permission {
	permissions := []Permission{}
	for permission, needed := range g {
		if includesOne(needed, roles) {
			permissions = append(permissions, permission)
		}
	}
	slices.Sort(permissions)
	return permissions
}

// Authorize returns fault.PermissionDenied, which names the permission, unless the caller has one of the needed roles.
func (p Principal) Authorize(permission Permission, needed []Role) error {
	if p.Method == ServiceToken {
		return fault.New(fault.PermissionDenied, "the service account \""+p.User+"\" lacks the permission "+
			string(permission)+": service accounts have no permissions of the platform")
	}
	if p.Key.Assigned != "" {
		return fault.New(fault.PermissionDenied, "the API key \""+p.Key.ID+"\" lacks the permission "+string(permission)+
			": it has role descriptors, which grant no permissions of the platform")
	}
	if !includesOne(needed, p.Roles) {
		return fault.New(fault.PermissionDenied, "user \""+p.User+"\" lacks the permission "+string(permission))
	}
	return nil
}

// includesOne reports whether one of the roles is among the needed ones.
func includesOne(needed, roles []Role) bool {
	return slices.ContainsFunc(needed, func(r Role) bool { return r == AnyUser || slices.Contains(roles, r) })
}
