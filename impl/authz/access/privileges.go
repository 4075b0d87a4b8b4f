package access

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
)

// UserPrivileges holds all privileges of a subject, merged from its roles. There are no duplicates, and all lists but
// Global are sorted.
type UserPrivileges struct {
	Cluster []string
	// Global holds conditional cluster privileges, one category per object.
	Global        []map[string]any
	Indices       []IndexPrivileges
	Applications  []roledescriptor.ApplicationPrivileges
	RunAs         []string
	RemoteIndices []IndexPrivileges
	RemoteCluster []roledescriptor.RemoteClusterPrivileges
}

// IndexPrivileges holds all privileges on the same names of indices.
type IndexPrivileges struct {
	// Clusters holds aliases of remote clusters; none for local indices.
	Clusters          []string
	Names, Privileges []string
	// FieldSecurity holds limits of the visible fields. A field is visible if one of them shows it; without limits all
	// are.
	FieldSecurity []roledescriptor.FieldSecurity
	// Queries holds limits of the visible documents. A document is visible if one of them matches; without limits all
	// are.
	Queries                []string
	AllowRestrictedIndices bool
}

// UserPrivileges returns the subject's privileges. It returns fault.InvalidData for an API key with assigned
// descriptors, because intersected privileges have no such list.
func (s Subject) UserPrivileges() (UserPrivileges, error) {
	if s.Assigned != nil {
		return UserPrivileges{}, fault.New(fault.InvalidData,
			"Cannot retrieve privileges for API keys with assigned role descriptors. "+
				"Please use the Get API key information API https://ela.st/es-api-get-api-key")
	}

	var p UserPrivileges
	for _, name := range slices.Sorted(maps.Keys(s.limitedBy)) {
		p.add(s.limitedBy[name])
	}

	p.Cluster, p.RunAs = sortedUnique(p.Cluster), sortedUnique(p.RunAs)
	p.Indices, p.RemoteIndices = mergeIndexPrivileges(p.Indices), mergeIndexPrivileges(p.RemoteIndices)
	p.Applications = mergeApplicationPrivileges(p.Applications)
	p.RemoteCluster = mergeRemoteClusterPrivileges(p.RemoteCluster)
	return p, nil
}

// add appends the privileges of a descriptor. It copies the slices that merging changes.
func (p *UserPrivileges) add(d roledescriptor.Descriptor) {
	p.Cluster, p.RunAs = append(p.Cluster, toLower(d.Cluster)...), append(p.RunAs, d.RunAs...)

	for _, category := range slices.Sorted(maps.Keys(d.Global)) {
		one := map[string]any{category: d.Global[category]}
		same := func(other map[string]any) bool {
			return roledescriptor.Equal(roledescriptor.Descriptor{Global: one}, roledescriptor.Descriptor{Global: other})
		}
		if !slices.ContainsFunc(p.Global, same) {
			p.Global = append(p.Global, one)
		}
	}

	for _, i := range d.Indices {
		p.Indices = append(p.Indices, newIndexPrivileges(nil, i))
	}
	for _, i := range d.RemoteIndices {
		p.RemoteIndices = append(p.RemoteIndices, newIndexPrivileges(i.Clusters, i.IndexPrivileges))
	}
	for _, a := range d.Applications {
		a.Privileges = slices.Clone(a.Privileges)
		p.Applications = append(p.Applications, a)
	}
	for _, c := range d.RemoteCluster {
		c.Privileges = slices.Clone(c.Privileges)
		p.RemoteCluster = append(p.RemoteCluster, c)
	}
}

func newIndexPrivileges(clusters []string, i roledescriptor.IndexPrivileges) IndexPrivileges {
	p := IndexPrivileges{
		Clusters:               sortedUnique(clusters),
		Names:                  sortedUnique(i.Names),
		Privileges:             toLower(i.Privileges),
		AllowRestrictedIndices: i.AllowRestrictedIndices,
	}
	if i.FieldSecurity != nil {
		p.FieldSecurity = []roledescriptor.FieldSecurity{*i.FieldSecurity}
	}
	if i.Query != "" {
		p.Queries = []string{i.Query}
	}
	return p
}

// toLower returns names of privileges in lower case. Privilege names are case-insensitive.
func toLower(names []string) []string {
	lowered := make([]string, len(names))
	for i, name := range names {
		lowered[i] = strings.ToLower(name)
	}
	return lowered
}

// sortedUnique returns the texts sorted and without duplicates; never nil.
func sortedUnique(texts []string) []string {
	all := append([]string{}, texts...)
	slices.Sort(all)
	return slices.Compact(all)
}
