package role

import (
	"maps"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// Superuser is the name of the Elasticsearch role with all privileges.
const Superuser = "superuser"

// fixed holds the built-in roles that no stored role can replace: Elasticsearch's superuser, and the privileges that
// each ECE role grants in Elasticsearch operations.
var fixed = roledescriptor.Set{
	Superuser:                          superuser(),
	string(identity.PlatformAdmin):     superuser(),
	string(identity.PlatformViewer):    withClusterPrivileges("monitor", "read_security", "manage_own_api_key"),
	string(identity.DeploymentManager): withClusterPrivileges("monitor", "manage_own_api_key"),
	string(identity.DeploymentViewer):  withClusterPrivileges("monitor", "manage_own_api_key"),
}

func isFixed(name string) bool {
	_, found := fixed[name]
	return found
}

// reservedMetadata returns metadata with the mark that Elasticsearch gives to built-in roles.
func reservedMetadata(other map[string]any) map[string]any {
	metadata := map[string]any{"_reserved": true}
	maps.Copy(metadata, other)
	return metadata
}

func withClusterPrivileges(cluster ...string) roledescriptor.Descriptor {
	return roledescriptor.Descriptor{Cluster: cluster, Metadata: reservedMetadata(nil)}
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
		Metadata:     reservedMetadata(nil),
		Applications: []roledescriptor.ApplicationPrivileges{{Application: "*", Privileges: all, Resources: all}},
		RemoteCluster: []roledescriptor.RemoteClusterPrivileges{{Clusters: all,
			Privileges: []string{"monitor_enrich", "monitor_stats"}}},
	}

	for _, p := range indices {
		d.RemoteIndices = append(d.RemoteIndices, roledescriptor.RemoteIndexPrivileges{Clusters: all, IndexPrivileges: p})
	}
	return d
}
