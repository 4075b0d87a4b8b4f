package roledescriptor

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/privilege"
)

// Compile makes what the descriptors allow together. It returns an error only for a set that Validate or CheckRestrictions
// finds fault with.
func (s Set) Compile() (*privilege.Set, error) {
	return privilege.Compile(s.roles())
}

// cost is about how much it takes to check and to compile the set.
func (s Set) cost() int {
	cost := 0
	for _, d := range s {
		role := d.role()
		for _, p := range d.RemoteIndices { // which are checked alike
			role.Indices = append(role.Indices, privilege.Index{Names: p.Names, Privileges: p.Privileges})
		}
		cost += role.Cost()
	}
	return cost
}

// roles are what the descriptors say of privileges on this server's own cluster.
func (s Set) roles() []privilege.Role {
	roles := make([]privilege.Role, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		roles = append(roles, s[name].role())
	}
	return roles
}

func (d Descriptor) role() privilege.Role {
	role := privilege.Role{Cluster: d.Cluster, RunAs: d.RunAs, Workflows: d.Restriction.Workflows}
	for _, p := range d.Indices {
		role.Indices = append(role.Indices, privilege.Index{Names: p.Names, Privileges: p.Privileges, AllowRestricted: p.AllowRestrictedIndices})
	}
	for _, p := range d.Applications {
		role.Applications = append(role.Applications, privilege.Application(p))
	}
	return role
}
