// Package roledescriptor has Elasticsearch's role descriptors: reading, writing, comparing and checking them.
package roledescriptor

import (
	"maps"
	"reflect"
	"slices"
)

// Descriptor says what the bearer of a role may do. The zero value allows nothing. Its name is not part of it: a Set has
// it as the key.
//
// Free JSON in it (Global, Metadata) is made of strictjson.Decode's values, so that numbers keep their last digit.
// Descriptors that were read share it with what they were read from; neither may be changed afterwards.
type Descriptor struct {
	// Cluster has names of cluster privileges, or patterns of cluster actions.
	Cluster []string
	Indices []IndexPrivileges
	// Applications are privileges that other programs define and ask for.
	Applications []ApplicationPrivileges
	// RunAs has the names, or patterns of names, of the users who may be impersonated.
	RunAs []string
	// Global has cluster privileges with conditions. Categories without content are left out.
	Global        map[string]any
	RemoteIndices []RemoteIndexPrivileges
	RemoteCluster []RemoteClusterPrivileges
	Metadata      map[string]any
	Restriction   Restriction
	// Description is for people. API keys' descriptors have none.
	Description string
}

// IndexPrivileges say what may be done with some indices.
type IndexPrivileges struct {
	// Names are index names, patterns with * and ?, or regular expressions between slashes.
	Names      []string
	Privileges []string
	// FieldSecurity limits the visible fields; nil is no limit.
	FieldSecurity *FieldSecurity
	// Query limits the visible documents: a query in JSON, or "" for no limit. It is not read any further here.
	Query string
	// AllowRestrictedIndices lets Names reach the indices that the system keeps for itself.
	AllowRestrictedIndices bool
}

// FieldSecurity has names of fields, or patterns with * and ?.
type FieldSecurity struct {
	// Grant has the visible fields. An empty list shows none.
	Grant []string
	// Except has fields of Grant that are hidden after all. Nil and the empty list mean the same, but are told apart when
	// descriptors are shown and compared.
	Except []string
}

// RemoteIndexPrivileges say what may be done with some indices of other clusters.
type RemoteIndexPrivileges struct {
	// Clusters are aliases of clusters, or patterns of aliases.
	Clusters []string
	IndexPrivileges
}

// RemoteClusterPrivileges say what may be done with other clusters.
type RemoteClusterPrivileges struct{ Clusters, Privileges []string }

// ApplicationPrivileges say what may be done in another program.
type ApplicationPrivileges struct {
	Application           string
	Privileges, Resources []string
}

// Restriction narrows an API key to some workflows. The zero value is no restriction.
type Restriction struct{ Workflows []string }

// Set has descriptors by their names.
type Set map[string]Descriptor

// Powerless tells whether a descriptor gives no privilege at all.
func (d Descriptor) Powerless() bool {
	return len(d.Cluster)+len(d.Indices)+len(d.Applications)+len(d.RunAs)+len(d.Global)+len(d.RemoteIndices)+len(d.RemoteCluster) == 0
}

// Equal tells whether two descriptors are the same to Elasticsearch: member by member, and in arrays the order matters.
// Numbers in free JSON are the same if they are written the same.
func Equal(a, b Descriptor) bool {
	return slices.Equal(a.Cluster, b.Cluster) &&
		slices.EqualFunc(a.Indices, b.Indices, equalIndices) &&
		slices.EqualFunc(a.Applications, b.Applications, equalApplications) &&
		slices.Equal(a.RunAs, b.RunAs) &&
		equalObjects(a.Global, b.Global) &&
		slices.EqualFunc(a.RemoteIndices, b.RemoteIndices, equalRemoteIndices) &&
		slices.EqualFunc(a.RemoteCluster, b.RemoteCluster, equalRemoteCluster) &&
		equalObjects(a.Metadata, b.Metadata) &&
		slices.Equal(a.Restriction.Workflows, b.Restriction.Workflows) &&
		a.Description == b.Description
}

// Equal tells whether two sets have equal descriptors of the same names.
func (s Set) Equal(other Set) bool { return maps.EqualFunc(s, other, Equal) }

func equalIndices(a, b IndexPrivileges) bool {
	return slices.Equal(a.Names, b.Names) && slices.Equal(a.Privileges, b.Privileges) &&
		equalFieldSecurity(a.FieldSecurity, b.FieldSecurity) &&
		a.Query == b.Query && a.AllowRestrictedIndices == b.AllowRestrictedIndices
}

func equalFieldSecurity(a, b *FieldSecurity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Grant, b.Grant) && slices.Equal(a.Except, b.Except) && (a.Except == nil) == (b.Except == nil)
}

func equalRemoteIndices(a, b RemoteIndexPrivileges) bool {
	return slices.Equal(a.Clusters, b.Clusters) && equalIndices(a.IndexPrivileges, b.IndexPrivileges)
}

func equalRemoteCluster(a, b RemoteClusterPrivileges) bool {
	return slices.Equal(a.Clusters, b.Clusters) && slices.Equal(a.Privileges, b.Privileges)
}

func equalApplications(a, b ApplicationPrivileges) bool {
	return a.Application == b.Application && slices.Equal(a.Privileges, b.Privileges) && slices.Equal(a.Resources, b.Resources)
}

func equalObjects(a, b map[string]any) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
