// Package compatibility lists the versions of Elasticsearch's and of Elastic Cloud Enterprise's APIs that a server can
// speak. The tables in it hold all that differs between versions; docs/reference/compatibility.md shows them.
package compatibility

import (
	"fmt"
	"slices"
	"strings"
)

// Settings are the versions that a server speaks.
type Settings struct {
	Elasticsearch Elasticsearch
	ECE           ECE
	// StrictContentType makes ECE's operations refuse JSON with curl's default content type.
	StrictContentType bool
}

// Elasticsearch is a version of Elasticsearch's API.
type Elasticsearch struct {
	// Version is the value of the setting.
	Version string
	// Number is the version that GET / announces. Lucene, MinimumWire and MinimumIndex are the other versions there.
	Number, Lucene, MinimumWire, MinimumIndex string
	// MediaTypes are the versions with which a media type can ask for compatibility (compatible-with).
	MediaTypes []string
	// ClusterPrivileges and IndexPrivileges are names of privileges, and GlobalPrivileges categories of global, that a
	// later version has and this one has not.
	ClusterPrivileges, IndexPrivileges, GlobalPrivileges []string
	// Members are names of members of request bodies that a later version has and this one has not.
	Members []string
	// Operations are the ids of operations, and Parameters names of parameters of the query string, that a later version
	// has and this one has not.
	Operations, Parameters []string
	// EarlierRoles are names of built-in roles that this version has and a later one has not, and NarrowerRoles of those
	// that have more privileges in a later version.
	EarlierRoles, NarrowerRoles []string
}

// elasticsearch is the table of Elasticsearch's versions.
var elasticsearch = []Elasticsearch{
	{
		Version:      "8.19",
		Number:       "8.19.0",
		Lucene:       "9.12.2",
		MinimumWire:  "7.17.0",
		MinimumIndex: "7.0.0",
		MediaTypes:   []string{"7", "8"},
		ClusterPrivileges: []string{"clone_api_key", "manage_esql", "manage_project_routing", "manage_reindex",
			"monitor_esql", "monitor_reindex", "read_project_routing"},
		IndexPrivileges:  []string{"create_view", "delete_view", "manage_view", "read_view_metadata"},
		GlobalPrivileges: []string{DataSources},
		Members:          []string{CertificateIdentity},
		Operations:       []string{"security-clone-api-key", "security-clone-api-key-put", "security-get-stats"},
		Parameters:       []string{"include_implicit"},
		EarlierRoles:     []string{"apm_user", "data_frame_transforms_admin", "data_frame_transforms_user"},
		NarrowerRoles:    []string{"editor", "kibana_system", "viewer"},
	},
	{
		Version:      "9.5",
		Number:       "9.5.0",
		Lucene:       "10.5.0",
		MinimumWire:  "8.19.0",
		MinimumIndex: "8.0.0",
		MediaTypes:   []string{"8", "9"},
	},
}

// DataSources is the category of global privileges on data sources.
const DataSources = "data_source"

// CertificateIdentity is the member with the certificate that a cross-cluster API key is bound to.
const CertificateIdentity = "certificate_identity"

// Default holds the versions that are spoken unless others are configured.
var Default = Settings{Elasticsearch: elasticsearch[1], ECE: ece[2]}

// ElasticsearchVersions returns the values of the setting.
func ElasticsearchVersions() []string { return versions(elasticsearch) }

// FindElasticsearch returns the version with a value of the setting. It returns an error that lists the values if there
// is none.
func FindElasticsearch(version string) (Elasticsearch, error) { return find(elasticsearch, version) }

func (e Elasticsearch) version() string { return e.Version }

// Has reports whether the version has a category of global privileges.
func (e Elasticsearch) Has(category string) bool {
	return !slices.Contains(e.GlobalPrivileges, category)
}

// HasMember reports whether the version has a member of request bodies.
func (e Elasticsearch) HasMember(name string) bool { return !slices.Contains(e.Members, name) }

// ECE is a version of Elastic Cloud Enterprise's API.
type ECE struct {
	// Version is the value of the setting.
	Version string
	// Operations are the ids of operations that another version has and this one has not.
	Operations []string
	// CodeAtSignIn asks users with a second factor for a one-time code when they sign in with a password, and shows no
	// elevated permissions. Otherwise they elevate a session.
	CodeAtSignIn bool
}

// elevation are the operations that Elastic Cloud Enterprise 3.6 removed.
var elevation = []string{"enable-elevated-permissions", "disable-elevated-permissions"}

// ece is the table of Elastic Cloud Enterprise's versions. The last one is 4.2 with this project's extensions.
var ece = []ECE{
	{Version: "3.8", Operations: elevation, CodeAtSignIn: true},
	{Version: "4.2", Operations: elevation, CodeAtSignIn: true},
	{Version: "sallyport"},
}

// ECEVersions returns the values of the setting.
func ECEVersions() []string { return versions(ece) }

// FindECE returns the version with a value of the setting. It returns an error that lists the values if there is none.
func FindECE(version string) (ECE, error) { return find(ece, version) }

func (e ECE) version() string { return e.Version }

func versions[V interface{ version() string }](table []V) []string {
	found := make([]string, len(table))
	for i, v := range table {
		found[i] = v.version()
	}
	return found
}

func find[V interface{ version() string }](table []V, version string) (found V, err error) {
	known := versions(table)
	if i := slices.Index(known, version); i >= 0 {
		return table[i], nil
	}
	return found, fmt.Errorf("%q is not one of %s", version, strings.Join(known, ", "))
}
