package role

import (
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// Superuser is the name of the Elasticsearch role with all privileges.
const Superuser = "superuser"

// reserved holds the built-in roles, which cannot be changed: Elasticsearch's superuser, and the privileges that each
// ECE role grants in Elasticsearch operations.
var reserved = roledescriptor.Set{
	Superuser:                          superuser(),
	string(identity.PlatformAdmin):     superuser(),
	string(identity.PlatformViewer):    withClusterPrivileges("monitor", "read_security", "manage_own_api_key"),
	string(identity.DeploymentManager): withClusterPrivileges("monitor", "manage_own_api_key"),
	string(identity.DeploymentViewer):  withClusterPrivileges("monitor", "manage_own_api_key"),
}

// reservedMetadata returns the metadata by which Elasticsearch marks built-in roles.
func reservedMetadata() map[string]any { return map[string]any{"_reserved": true} }

func withClusterPrivileges(cluster ...string) roledescriptor.Descriptor {
	return roledescriptor.Descriptor{Cluster: cluster, Metadata: reservedMetadata()}
}

// superuser returns the descriptor of Elasticsearch's superuser, which has read access only to restricted indices.
func superuser() roledescriptor.Descriptor {
	all := []string{"*"}

	indices := []roledescriptor.IndexPrivileges{
		{Names: all, Privileges: []string{"all"}},
		{Names: all, Privileges: []string{"monitor", "read", "view_index_metadata", "read_cross_cluster"},
			AllowRestrictedIndices: true},
	}

	d := roledescriptor.Descriptor{
		Cluster:      []string{"all"},
		Indices:      indices,
		RunAs:        all,
		Metadata:     reservedMetadata(),
		Applications: []roledescriptor.ApplicationPrivileges{{Application: "*", Privileges: all, Resources: all}},
		RemoteCluster: []roledescriptor.RemoteClusterPrivileges{{Clusters: all,
			Privileges: []string{"monitor_enrich", "monitor_stats"}}},
	}

	for _, p := range indices {
		d.RemoteIndices = append(d.RemoteIndices, roledescriptor.RemoteIndexPrivileges{Clusters: all, IndexPrivileges: p})
	}
	return d
}
