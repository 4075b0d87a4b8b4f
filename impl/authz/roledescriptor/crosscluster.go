package roledescriptor

import (
	"slices"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Access is what a cross-cluster API key allows another cluster to do. Its entries have no privileges, because they
// follow from the list.
type Access struct{ Search, Replication []IndexPrivileges }

// crossClusterRole is the name of the only descriptor of a cross-cluster key.
const crossClusterRole = "cross_cluster"

// The privileges that the two kinds of access grant (Elasticsearch's rule).
var (
	searchCluster      = []string{"cross_cluster_search", "monitor_enrich"}
	searchIndices      = []string{"read", "read_cross_cluster", "view_index_metadata"}
	replicationCluster = []string{"cross_cluster_replication"}
	replicationIndices = []string{"cross_cluster_replication", "cross_cluster_replication_internal"}
)

// AccessField returns a reader of the member access of a request for a cross-cluster key.
func AccessField(target **Access) xcontent.Field {
	return func(value any) error {
		var a Access
		err := xcontent.Nested(xcontent.Parser{
			Name: "cross_cluster_api_key_request_access",
			Fields: map[string]xcontent.Field{
				"search":      accessEntries(&a.Search),
				"replication": accessEntries(&a.Replication),
			},
		})(value)
		*target = &a
		return err
	}
}

// accessEntries returns a field for an array of index privileges without names of privileges.
func accessEntries(target *[]IndexPrivileges) xcontent.Field {
	indices := section{indicesPart, crossClusterRole}
	return xcontent.Array(func(value any) error {
		var p IndexPrivileges
		readers := p.readers(indices)
		readers["privileges"] = func(any) error { return indices.fail("field [privileges] must not present") }
		if err := indices.readObject(value, readers); err != nil {
			return err
		}
		*target = append(*target, p)
		return indices.requireElements("names", p.Names)
	})
}

// Set returns the descriptor that grants the access. It returns fault.InvalidData if there is no access, or if
// documents or fields are limited where indices are replicated.
func (a Access) Set() (Set, error) {
	search, replicates := len(a.Search) > 0, len(a.Replication) > 0
	switch {
	case !search && !replicates:
		return nil, illegalArgument("must specify non-empty access for either [search] or [replication]")
	case slices.ContainsFunc(a.Replication, IndexPrivileges.limited):
		return nil, illegalArgument("replication does not support document or field level security")
	case replicates && slices.ContainsFunc(a.Search, IndexPrivileges.limited):
		return nil, illegalArgument("search does not support document or field level security if replication is assigned")
	}

	var d Descriptor
	if search {
		d.Cluster = append(d.Cluster, searchCluster...)
		d.Indices = append(d.Indices, granting(a.Search, searchIndices)...)
	}
	if replicates {
		d.Cluster = append(d.Cluster, replicationCluster...)
		d.Indices = append(d.Indices, granting(a.Replication, replicationIndices)...)
	}
	return Set{crossClusterRole: d}, nil
}

// limited reports whether only some documents or fields are visible.
func (p IndexPrivileges) limited() bool { return p.FieldSecurity != nil || p.Query != "" }

// granting returns copies of entries with privileges.
func granting(entries []IndexPrivileges, privileges []string) []IndexPrivileges {
	granted := slices.Clone(entries)
	for i := range granted {
		granted[i].Privileges = privileges
	}
	return granted
}

// AccessOf is the inverse of Access.Set.
func AccessOf(set Set) Access {
	var a Access
	for _, p := range set[crossClusterRole].Indices {
		if slices.Equal(p.Privileges, searchIndices) {
			a.Search = append(a.Search, p)
		} else {
			a.Replication = append(a.Replication, p)
		}
	}
	return a
}
