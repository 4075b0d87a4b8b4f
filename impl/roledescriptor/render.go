package roledescriptor

import (
	"bytes"
	"encoding/json"
)

// Canonical returns a set's only spelling: equal sets have the same bytes, and different sets different bytes. It is JSON
// with its members in order, fit for ReadSet, and fit to be hashed. It must never change for descriptors that exist:
// what was stored under a hash would no longer be found.
//
// A set whose free JSON has values of other types than strictjson.Decode's is a defect of the program, and Canonical
// panics.
func Canonical(set Set) []byte {
	members := make(map[string]any, len(set))
	for name, d := range set {
		members[name] = render(d)
	}
	text, err := compact(members)
	if err != nil {
		panic("roledescriptor: " + err.Error())
	}
	return text
}

// compact returns JSON without blanks, members in order, and without the escapes that are for HTML only.
func compact(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// render returns everything that equality looks at. The arrays cluster, indices, applications and run_as are always there, and
// so are metadata; the rest only if it has content.
func render(d Descriptor) map[string]any {
	members := map[string]any{
		"cluster":      list(d.Cluster, plain),
		"indices":      list(d.Indices, renderIndices),
		"applications": list(d.Applications, renderApplication),
		"run_as":       list(d.RunAs, plain),
		"metadata":     map[string]any{},
	}
	if len(d.Metadata) > 0 {
		members["metadata"] = d.Metadata
	}
	if len(d.Global) > 0 {
		members["global"] = d.Global
	}
	if len(d.RemoteIndices) > 0 {
		members["remote_indices"] = list(d.RemoteIndices, renderRemoteIndices)
	}
	if len(d.RemoteCluster) > 0 {
		members["remote_cluster"] = list(d.RemoteCluster, renderRemoteCluster)
	}
	if d.Restricted() {
		members["restriction"] = map[string]any{"workflows": list(d.Restriction.Workflows, plain)}
	}
	if d.Description != "" {
		members["description"] = d.Description
	}
	return members
}

func renderIndices(p IndexPrivileges) any { return indexMembers(p) }

func indexMembers(p IndexPrivileges) map[string]any {
	members := map[string]any{
		"names":                    list(p.Names, plain),
		"privileges":               list(p.Privileges, plain),
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
	members := map[string]any{"grant": list(f.Grant, plain)}
	if f.Except != nil {
		members["except"] = list(f.Except, plain)
	}
	return members
}

func renderRemoteIndices(p RemoteIndexPrivileges) any {
	members := indexMembers(p.IndexPrivileges)
	members["clusters"] = list(p.Clusters, plain)
	return members
}

func renderRemoteCluster(p RemoteClusterPrivileges) any {
	return map[string]any{"clusters": list(p.Clusters, plain), "privileges": list(p.Privileges, plain)}
}

func renderApplication(p ApplicationPrivileges) any {
	return map[string]any{
		"application": p.Application,
		"privileges":  list(p.Privileges, plain),
		"resources":   list(p.Resources, plain),
	}
}

func plain(s string) any { return s }

// list is never nil, so that it is [] in JSON and not null.
func list[T any](elements []T, value func(T) any) []any {
	values := make([]any, 0, len(elements))
	for _, element := range elements {
		values = append(values, value(element))
	}
	return values
}
