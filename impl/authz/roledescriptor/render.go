package roledescriptor

import (
	"bytes"
	"encoding/json"
)

// Canonical encodes a set in its canonical form: equal sets have the same bytes, and different sets different bytes.
// The form is JSON with sorted members, which ReadSet decodes and which callers hash. It must never change for existing
// descriptors, because documents are stored under its hash.
//
// Canonical panics if the set's free JSON has values of other types than strictjson.Decode returns.
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

// compact encodes a value as JSON with sorted members, without white space, and without escaping HTML.
func compact(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
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
