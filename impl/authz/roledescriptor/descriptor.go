// Package roledescriptor reads, writes, compares and validates Elasticsearch role descriptors.
package roledescriptor

import (
	"maps"
	"reflect"
	"slices"
)

// Descriptor holds the privileges of a role. The zero value grants nothing. The role's name is not part of the
// descriptor; it is the key in a Set.
//
// The free JSON of Global and Metadata consists of the values that strictjson.Decode returns, so that numbers keep all
// their digits. Parse does not copy it: neither the descriptor nor the parsed value may be changed afterwards.
type Descriptor struct {
	// Cluster holds names of cluster privileges and patterns of cluster actions.
	Cluster []string
	Indices []IndexPrivileges
	// Applications holds privileges that other programs define and check.
	Applications []ApplicationPrivileges
	// RunAs holds the names, or patterns of names, of the users that may be impersonated.
	RunAs []string
	// Global holds conditional cluster privileges by category; empty if all categories are.
	Global        map[string]any
	RemoteIndices []RemoteIndexPrivileges
	RemoteCluster []RemoteClusterPrivileges
	Metadata      map[string]any
	Restriction   Restriction
	// Description is free text. The descriptors of API keys have none.
	Description string
}

// IndexPrivileges grants privileges on indices.
type IndexPrivileges struct {
	// Names are index names, patterns with * and ?, or regular expressions between slashes.
	Names      []string
	Privileges []string
	// FieldSecurity limits the visible fields; nil is no limit.
	FieldSecurity *FieldSecurity
	// Query limits the visible documents: a query in JSON, or "" for no limit. Parse does not interpret it.
	Query string
	// AllowRestrictedIndices extends Names to restricted indices, which are reserved for the system.
	AllowRestrictedIndices bool
}

// FieldSecurity limits the visible fields by names of fields and patterns with * and ?.
type FieldSecurity struct {
	// Grant holds the visible fields. An empty list makes none visible.
	Grant []string
	// Except holds the fields of Grant that are hidden nevertheless. Nil and the empty list have the same effect, but
	// they are rendered differently and do not compare as equal.
	Except []string
}

// RemoteIndexPrivileges grants privileges on indices of remote clusters.
type RemoteIndexPrivileges struct {
	// Clusters holds aliases of clusters and patterns of aliases.
	Clusters []string
	IndexPrivileges
}

// RemoteClusterPrivileges grants cluster privileges on remote clusters.
type RemoteClusterPrivileges struct{ Clusters, Privileges []string }

// ApplicationPrivileges grants privileges of an application on some of its resources.
type ApplicationPrivileges struct {
	Application           string
	Privileges, Resources []string
}

// Restriction limits an API key to workflows. The zero value restricts nothing.
type Restriction struct{ Workflows []string }

// Set maps role names to descriptors.
type Set map[string]Descriptor

// Powerless reports whether the descriptor grants no privilege at all.
func (d Descriptor) Powerless() bool {
	return len(d.Cluster)+len(d.Indices)+len(d.Applications)+len(d.RunAs)+len(d.Global)+len(d.RemoteIndices)+len(
		d.RemoteCluster) == 0
}

// Equal reports whether two descriptors are equal by Elasticsearch's rules: all members are equal, and the order of
// array elements matters. Numbers in free JSON are equal if they are spelled the same.
func Equal(a, b Descriptor) bool {
	return slices.Equal(a.Cluster, b.Cluster) &&
		slices.EqualFunc(a.Indices, b.Indices, equalIndices) &&
		slices.EqualFunc(a.Applications, b.Applications, equalApplications) &&
		slices.Equal(a.RunAs, b.RunAs) &&
		equalObjects(filledMembers(a.Global), filledMembers(b.Global)) &&
		slices.EqualFunc(a.RemoteIndices, b.RemoteIndices, equalRemoteIndices) &&
		slices.EqualFunc(a.RemoteCluster, b.RemoteCluster, equalRemoteCluster) &&
		equalObjects(a.Metadata, b.Metadata) &&
		slices.Equal(a.Restriction.Workflows, b.Restriction.Workflows) &&
		a.Description == b.Description
}

// Equal reports whether two sets have the same names with equal descriptors.
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
	return a.Application == b.Application && slices.Equal(a.Privileges, b.Privileges) &&
		slices.Equal(a.Resources, b.Resources)
}

func equalObjects(a, b map[string]any) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}
