package roledescriptor

import (
	"math/rand/v2"
	"testing"
)

// Ensures that Canonical writes what encoding/json writes of the same members, down to the bytes: documents are stored
// under its hash.
func TestCanonical_EncodingJSON(t *testing.T) {
	t.Parallel()

	g := generator{rand.New(rand.NewPCG(5, 6))}
	for range 3000 {
		checkEncoding(t, g.set())
	}

	for _, text := range awkward {
		list := []string{text, text}
		entry := IndexPrivileges{
			Names:         list,
			Privileges:    list,
			FieldSecurity: &FieldSecurity{Grant: list, Except: list},
			Query:         text,
		}
		checkEncoding(t, Set{text: {
			Cluster:       list,
			Indices:       []IndexPrivileges{entry, {}},
			Applications:  []ApplicationPrivileges{{text, list, list}},
			RunAs:         list,
			Global:        map[string]any{text: []any{text}},
			RemoteIndices: []RemoteIndexPrivileges{{list, entry}},
			RemoteCluster: []RemoteClusterPrivileges{{list, list}},
			Metadata:      map[string]any{text: map[string]any{text: nil}},
			Restriction:   Restriction{list},
			Description:   text,
		}, "": {}, "z" + text: {}, "a": {}})
	}
}

// awkward are texts that encoding/json writes in its own way.
var awkward = []string{
	"", "a", " ", "<b>&", `"`, `\`, "/", "\x00\x1f\b\f\n\r\t", "\x7f", "ä", "\u2028\u2029", "\U0001F600", "\xff\xc0a", "\ufffd",
}

func checkEncoding(t *testing.T, set Set) {
	t.Helper()

	members := make(map[string]any, len(set))
	for name, d := range set {
		members[name] = render(d)
	}
	want, err := compact(members)
	if err != nil {
		t.Fatal(err)
	}
	if got := Canonical(set); string(got) != string(want) {
		t.Fatalf("got %s; want %s", got, want)
	}
}

// render returns all members that Equal compares. The arrays cluster, indices, applications and run_as and the object
// metadata are always present; the other members only if they are not empty.
func render(d Descriptor) map[string]any {
	members := map[string]any{
		"cluster":      renderArray(d.Cluster, renderString),
		"indices":      renderArray(d.Indices, renderIndices),
		"applications": renderArray(d.Applications, renderApplication),
		"run_as":       renderArray(d.RunAs, renderString),
		"metadata":     map[string]any{},
	}

	if len(d.Metadata) > 0 {
		members["metadata"] = d.Metadata
	}
	if len(d.Global) > 0 {
		members["global"] = d.Global
	}
	if len(d.RemoteIndices) > 0 {
		members["remote_indices"] = renderArray(d.RemoteIndices, renderRemoteIndices)
	}
	if len(d.RemoteCluster) > 0 {
		members["remote_cluster"] = renderArray(d.RemoteCluster, renderRemoteCluster)
	}
	if d.Restricted() {
		members["restriction"] = map[string]any{"workflows": renderArray(d.Restriction.Workflows, renderString)}
	}
	if d.Description != "" {
		members["description"] = d.Description
	}
	return members
}

func renderIndices(p IndexPrivileges) any { return indexMembers(p) }

func indexMembers(p IndexPrivileges) map[string]any {
	members := map[string]any{
		"names":                    renderArray(p.Names, renderString),
		"privileges":               renderArray(p.Privileges, renderString),
		"allow_restricted_indices": p.AllowRestrictedIndices,
	}
	if p.FieldSecurity != nil {
		members["field_security"] = renderFieldSecurity(*p.FieldSecurity)
	}
	if p.Query != "" {
		members["query"] = p.Query
	}
	return members
}

func renderFieldSecurity(f FieldSecurity) map[string]any {
	members := map[string]any{"grant": renderArray(f.Grant, renderString)}
	if f.Except != nil {
		members["except"] = renderArray(f.Except, renderString)
	}
	return members
}

func renderRemoteIndices(p RemoteIndexPrivileges) any {
	members := indexMembers(p.IndexPrivileges)
	members["clusters"] = renderArray(p.Clusters, renderString)
	return members
}

func renderRemoteCluster(p RemoteClusterPrivileges) any {
	return map[string]any{"clusters": renderArray(p.Clusters, renderString),
		"privileges": renderArray(p.Privileges, renderString)}
}

func renderApplication(p ApplicationPrivileges) any {
	return map[string]any{
		"application": p.Application,
		"privileges":  renderArray(p.Privileges, renderString),
		"resources":   renderArray(p.Resources, renderString),
	}
}

func renderString(s string) any { return s }

// renderArray returns an array that is never nil, so that JSON has [] and not null.
func renderArray[T any](elements []T, value func(T) any) []any {
	values := make([]any, 0, len(elements))
	for _, element := range elements {
		values = append(values, value(element))
	}
	return values
}
