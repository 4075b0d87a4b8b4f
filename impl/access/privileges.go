package access

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/roledescriptor"
)

// UserPrivileges is everything that a subject may do, as its roles say it, put together. Nothing is there twice, and
// all but Global is sorted.
type UserPrivileges struct {
	Cluster []string
	// Global has one condition in each object.
	Global        []map[string]any
	Indices       []IndexPrivileges
	Applications  []roledescriptor.ApplicationPrivileges
	RunAs         []string
	RemoteIndices []IndexPrivileges
	RemoteCluster []roledescriptor.RemoteClusterPrivileges
}

// IndexPrivileges are all privileges over the same names of indices.
type IndexPrivileges struct {
	// Clusters are aliases of other clusters; none for indices of this one.
	Clusters          []string
	Names, Privileges []string
	// FieldSecurity has what limits the visible fields, each of which shows more of them; none if nothing does.
	FieldSecurity []roledescriptor.FieldSecurity
	// Queries have what limits the visible documents, each of which shows more of them; none if nothing does.
	Queries                []string
	AllowRestrictedIndices bool
}

// UserPrivileges returns what the subject may do. It returns fault.IllegalArgument for an API key that has descriptors of its
// own: what that may do is no list.
func (s Subject) UserPrivileges() (UserPrivileges, error) {
	if s.Assigned != nil {
		return UserPrivileges{}, fault.New(fault.IllegalArgument, "Cannot retrieve privileges for API keys with assigned role descriptors. "+
			"Please use the Get API key information API https://ela.st/es-api-get-api-key")
	}
	var p UserPrivileges
	for _, name := range slices.Sorted(maps.Keys(s.limit)) {
		p.add(s.limit[name])
	}
	p.Cluster, p.RunAs = distinct(p.Cluster), distinct(p.RunAs)
	p.Indices, p.RemoteIndices = grouped(p.Indices), grouped(p.RemoteIndices)
	p.Applications, p.RemoteCluster = groupedApplications(p.Applications), groupedClusters(p.RemoteCluster)
	return p, nil
}

func (p *UserPrivileges) add(d roledescriptor.Descriptor) {
	p.Cluster, p.RunAs = append(p.Cluster, lower(d.Cluster)...), append(p.RunAs, d.RunAs...)
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
		p.Indices = append(p.Indices, indexPrivileges(nil, i))
	}
	for _, i := range d.RemoteIndices {
		p.RemoteIndices = append(p.RemoteIndices, indexPrivileges(i.Clusters, i.IndexPrivileges))
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

func indexPrivileges(clusters []string, i roledescriptor.IndexPrivileges) IndexPrivileges {
	p := IndexPrivileges{
		Clusters: distinct(clusters), Names: distinct(i.Names), Privileges: lower(i.Privileges), AllowRestrictedIndices: i.AllowRestrictedIndices,
	}
	if i.FieldSecurity != nil {
		p.FieldSecurity = []roledescriptor.FieldSecurity{*i.FieldSecurity}
	}
	if i.Query != "" {
		p.Queries = []string{i.Query}
	}
	return p
}

// lower are names of privileges as they are shown: the same in any case of letters.
func lower(names []string) []string {
	lowered := make([]string, len(names))
	for i, name := range names {
		lowered[i] = strings.ToLower(name)
	}
	return lowered
}

// distinct returns the texts sorted, each once; never nil.
func distinct(texts []string) []string {
	all := append([]string{}, texts...)
	slices.Sort(all)
	return slices.Compact(all)
}
