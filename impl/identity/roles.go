package identity

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
)

// Role is one of ECE's platform roles, or the name of a role of Elasticsearch's. A user has both in one list; what ECE's
// operations allow follows from ECE's roles only.
type Role string

// ECE's platform roles.
const (
	PlatformAdmin     Role = "ece_platform_admin"
	PlatformViewer    Role = "ece_platform_viewer"
	DeploymentManager Role = "ece_deployment_manager"
	DeploymentViewer  Role = "ece_deployment_viewer"
)

// Roles lists every role of ECE's.
var Roles = []Role{PlatformAdmin, PlatformViewer, DeploymentManager, DeploymentViewer}

// ParseRoles checks that a user can have these roles: at least one, all known, the admin's alone, and not both deployment
// roles (ECE's rules). It returns them sorted and once each, or fault.UserRolesInvalid.
func ParseRoles(names []string) ([]Role, error) {
	var roles []Role
	for _, name := range names {
		role := Role(name)
		if !slices.Contains(Roles, role) {
			return nil, fault.New(fault.UserRolesInvalid, "there is no role \""+name+"\"; roles are "+list(Roles)+
				", and those of Elasticsearch are given by its own operations, such as PUT /_security/user/NAME", "security.roles")
		}
		roles = append(roles, role)
	}
	slices.Sort(roles)
	roles = slices.Compact(roles)
	switch {
	case len(roles) == 0:
		return nil, fault.New(fault.UserRolesInvalid, "a user has at least one role; roles are "+list(Roles), "security.roles")
	case slices.Contains(roles, PlatformAdmin) && len(roles) > 1:
		return nil, fault.New(fault.UserRolesInvalid, string(PlatformAdmin)+" includes all others and stands alone", "security.roles")
	case slices.Contains(roles, DeploymentManager) && slices.Contains(roles, DeploymentViewer):
		return nil, fault.New(fault.UserRolesInvalid,
			string(DeploymentManager)+" and "+string(DeploymentViewer)+" exclude each other", "security.roles")
	}
	return roles, nil
}

// HoldsPlatformRole tells whether one of ECE's roles is among the roles.
func HoldsPlatformRole(roles []Role) bool {
	return slices.ContainsFunc(roles, isPlatformRole)
}

// SplitRoles returns those of the roles that are ECE's, and the others, each in the order that they have.
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

// maxRoleName is Elasticsearch's limit, in characters, each of which is a byte.
const maxRoleName = 507

// RoleNameFits tells whether a role can be called that: 1 to 507 characters of printable ASCII without a blank at either
// end (Elasticsearch's rule).
func RoleNameFits(name string) bool {
	return name != "" && len(name) <= maxRoleName && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

// IsPlatformAdmin tells whether the caller has all rights in ECE's operations.
func (p Principal) IsPlatformAdmin() bool { return slices.Contains(p.platformRoles(), PlatformAdmin) }

// platformRoles are the roles by which the caller may call ECE's operations. An API key that was given role descriptors has
// none: these speak of Elasticsearch's privileges only, and a key must never do more than they say.
func (p Principal) platformRoles() []Role {
	if p.Key.Assigned != "" {
		return nil
	}
	return p.Roles
}

// RoleNames are the names of the caller's roles.
func (p Principal) RoleNames() []string {
	names := make([]string, len(p.Roles))
	for i, role := range p.Roles {
		names[i] = string(role)
	}
	return names
}

func list(roles []Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// Permission is the right to call one operation; its name is the operation's operationId.
type Permission string

var everyone = Roles

// anybody is no list of roles: it lets in users without a role of ECE's, too. It is for what concerns a user's own sign-in.
var anybody []Role

var admins = []Role{PlatformAdmin}

var platform = []Role{PlatformAdmin, PlatformViewer}

// grants says which roles may call what; anybody is all who are signed in. Operations that need no credentials are not in it.
var grants = map[Permission][]Role{
	"get-current-account":    everyone,
	"update-current-account": admins,
	"patch-current-account":  admins,

	"get-current-user":    anybody,
	"update-current-user": anybody,
	"get-users":           platform,
	"get-user":            platform,
	"create-user":         admins,
	"update-user":         admins,
	"delete-user":         admins,
	"unlock-user":         admins,

	"get-authentication-info": anybody,
	"logout":                  anybody,
	"refresh-token":           anybody,

	"enable-elevated-permissions":  anybody,
	"disable-elevated-permissions": anybody,
	"get-totp-device":              anybody,
	"enroll-totp-device":           anybody,
	"confirm-totp-device":          anybody,
	"remove-totp-device":           anybody,

	"get-api-keys":    everyone,
	"create-api-key":  everyone,
	"delete-api-keys": everyone,
	"get-api-key":     everyone,
	"delete-api-key":  everyone,

	"saml-refusals": admins,

	"get-users-api-keys":    admins,
	"delete-users-api-keys": admins,
	"get-user-api-keys":     admins,
	"delete-user-api-keys":  admins,
	"get-user-api-key":      admins,
	"delete-user-api-key":   admins,
}

// Permissions lists what somebody with these roles may do, sorted.
func Permissions(roles []Role) []Permission {
	permissions := []Permission{}
	for permission := range grants {
		if granted(permission, roles) {
			permissions = append(permissions, permission)
		}
	}
	slices.Sort(permissions)
	return permissions
}

// Authorize returns fault.PermissionMissing, which names the permission, unless the caller has it. A permission that the
// table does not know is nobody's.
func (p Principal) Authorize(permission Permission) error {
	if p.Key.Assigned == "" && granted(permission, p.Roles) {
		return nil
	}
	if p.Key.Assigned != "" {
		return fault.New(fault.PermissionMissing, "the API key \""+p.Key.ID+"\" lacks the permission "+string(permission)+
			": it has role descriptors, and these allow Elasticsearch's operations only")
	}
	return fault.New(fault.PermissionMissing, "user \""+p.User+"\" lacks the permission "+string(permission))
}

func granted(permission Permission, roles []Role) bool {
	wanted, known := grants[permission]
	return known && wanted == nil || slices.ContainsFunc(wanted, func(r Role) bool { return slices.Contains(roles, r) })
}
