package roledescriptor

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
)

// Compile returns the privileges that the descriptors grant together. It returns an error only for a set that Validate
// or CheckRestrictions refuses.
func (s Set) Compile() (*privilege.Set, error) {
	return privilege.Compile(s.privilegeRoles())
}

// cost estimates the work of checking and compiling the set, in the units of privilege.MaxCost.
func (s Set) cost() int {
	cost := 0
	for _, d := range s {
		role := d.privilegeRole()

		// Remote index privileges take the same checks.
		for _, p := range d.RemoteIndices {
			role.Indices = append(role.Indices, privilege.Index{Names: p.Names, Privileges: p.Privileges})
		}

		cost += role.Cost()
		for _, pattern := range d.ProfileApplications() {
			cost += privilege.CostOfPattern(pattern)
		}
	}
	return cost
}

// privilegeRoles returns the descriptors' privileges on the local cluster, in the order of the names.
func (s Set) privilegeRoles() []privilege.Role {
	roles := make([]privilege.Role, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		roles = append(roles, s[name].privilegeRole())
	}
	return roles
}

// privilegeRole returns the descriptor's privileges on the local cluster.
func (d Descriptor) privilegeRole() privilege.Role {
	role := privilege.Role{Cluster: d.Cluster, RunAs: d.RunAs, Workflows: d.Restriction.Workflows}
	for _, p := range d.Indices {
		role.Indices = append(role.Indices,
			privilege.Index{Names: p.Names, Privileges: p.Privileges, AllowRestricted: p.AllowRestrictedIndices})
	}

	for _, p := range d.Applications {
		role.Applications = append(role.Applications, privilege.Application(p))
	}
	return role
}
