package role

import (
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/roledescriptor"
)

// Superuser is the name of Elasticsearch's role that may do everything.
const Superuser = "superuser"

// reserved are the roles that come with the server and that nobody changes: Elasticsearch's superuser, and what each of
// ECE's roles allows in Elasticsearch's operations.
var reserved = roledescriptor.Set{
	Superuser:                          everything(),
	string(identity.PlatformAdmin):     everything(),
	string(identity.PlatformViewer):    limited("monitor", "read_security", "manage_own_api_key"),
	string(identity.DeploymentManager): limited("monitor", "manage_own_api_key"),
	string(identity.DeploymentViewer):  limited("monitor", "manage_own_api_key"),
}

func metadata() map[string]any { return map[string]any{"_reserved": true} }

func limited(cluster ...string) roledescriptor.Descriptor {
	return roledescriptor.Descriptor{Cluster: cluster, Metadata: metadata()}
}

// everything is Elasticsearch's superuser: of the indices that a server keeps for itself it only reads.
func everything() roledescriptor.Descriptor {
	all := []string{"*"}
	indices := []roledescriptor.IndexPrivileges{
		{Names: all, Privileges: []string{"all"}},
		{Names: all, Privileges: []string{"monitor", "read", "view_index_metadata", "read_cross_cluster"}, AllowRestrictedIndices: true},
	}
	d := roledescriptor.Descriptor{
		Cluster: []string{"all"}, Indices: indices, RunAs: all, Metadata: metadata(),
		Applications:  []roledescriptor.ApplicationPrivileges{{Application: "*", Privileges: all, Resources: all}},
		RemoteCluster: []roledescriptor.RemoteClusterPrivileges{{Clusters: all, Privileges: []string{"monitor_enrich", "monitor_stats"}}},
	}
	for _, p := range indices {
		d.RemoteIndices = append(d.RemoteIndices, roledescriptor.RemoteIndexPrivileges{Clusters: all, IndexPrivileges: p})
	}
	return d
}
