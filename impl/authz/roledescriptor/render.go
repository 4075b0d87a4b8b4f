package roledescriptor

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Canonical encodes a set in its canonical form: equal sets have the same bytes, and different sets different bytes.
// The form is JSON with sorted members, which ReadSet decodes and which callers hash. It must never change for existing
// descriptors, because documents are stored under its hash.
//
// Canonical panics if the set's free JSON has values of other types than strictjson.Decode returns.
func Canonical(set Set) []byte {
	text := make([]byte, 0, canonicalBytes*len(set)+len("{}"))
	text = append(text, '{')
	for i, name := range xcontent.Names(set) {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendString(text, name)
		text = append(text, ':')
		text = appendDescriptor(text, set[name])
	}
	return append(text, '}')
}

// canonicalBytes is the usual size of a descriptor.
const canonicalBytes = 256

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

// appendDescriptor appends all members that Equal compares. The arrays cluster, indices, applications and run_as and
// the object metadata are always present; the other members only if they are not empty.
func appendDescriptor(text []byte, d Descriptor) []byte {
	text = appendArray(append(text, `{"applications":`...), d.Applications, appendApplication)
	text = appendStrings(append(text, `,"cluster":`...), d.Cluster)
	if d.Description != "" {
		text = appendString(append(text, `,"description":`...), d.Description)
	}
	if len(d.Global) > 0 {
		text = appendObject(append(text, `,"global":`...), d.Global)
	}
	text = appendArray(append(text, `,"indices":`...), d.Indices, appendIndices)
	text = appendObject(append(text, `,"metadata":`...), d.Metadata)
	if len(d.RemoteCluster) > 0 {
		text = appendArray(append(text, `,"remote_cluster":`...), d.RemoteCluster, appendRemoteCluster)
	}
	if len(d.RemoteIndices) > 0 {
		text = appendArray(append(text, `,"remote_indices":`...), d.RemoteIndices, appendRemoteIndices)
	}
	if d.Restricted() {
		text = append(appendStrings(append(text, `,"restriction":{"workflows":`...), d.Restriction.Workflows), '}')
	}
	return append(appendStrings(append(text, `,"run_as":`...), d.RunAs), '}')
}

func appendIndices(text []byte, p IndexPrivileges) []byte {
	text = strconv.AppendBool(append(text, `{"allow_restricted_indices":`...), p.AllowRestrictedIndices)
	return appendIndexMembers(text, p)
}

func appendRemoteIndices(text []byte, p RemoteIndexPrivileges) []byte {
	text = strconv.AppendBool(append(text, `{"allow_restricted_indices":`...), p.AllowRestrictedIndices)
	text = appendStrings(append(text, `,"clusters":`...), p.Clusters)
	return appendIndexMembers(text, p.IndexPrivileges)
}

// appendIndexMembers appends the members that local and remote index privileges end with.
func appendIndexMembers(text []byte, p IndexPrivileges) []byte {
	if f := p.FieldSecurity; f != nil {
		text = append(text, `,"field_security":{`...)
		if f.Except != nil {
			text = append(appendStrings(append(text, `"except":`...), f.Except), ',')
		}
		text = append(appendStrings(append(text, `"grant":`...), f.Grant), '}')
	}
	text = appendStrings(append(text, `,"names":`...), p.Names)
	text = appendStrings(append(text, `,"privileges":`...), p.Privileges)
	if p.Query != "" {
		text = appendString(append(text, `,"query":`...), p.Query)
	}
	return append(text, '}')
}

func appendRemoteCluster(text []byte, p RemoteClusterPrivileges) []byte {
	text = appendStrings(append(text, `{"clusters":`...), p.Clusters)
	return append(appendStrings(append(text, `,"privileges":`...), p.Privileges), '}')
}

func appendApplication(text []byte, p ApplicationPrivileges) []byte {
	text = appendString(append(text, `{"application":`...), p.Application)
	text = appendStrings(append(text, `,"privileges":`...), p.Privileges)
	return append(appendStrings(append(text, `,"resources":`...), p.Resources), '}')
}

func appendArray[T any](text []byte, elements []T, appendElement func([]byte, T) []byte) []byte {
	text = append(text, '[')
	for i, element := range elements {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendElement(text, element)
	}
	return append(text, ']')
}

func appendStrings(text []byte, elements []string) []byte {
	return appendArray(text, elements, appendString)
}

// appendString leaves characters that JSON may escape to encoding/json.
func appendString(text []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendValue(text, s)
		}
	}
	return append(append(append(text, '"'), s...), '"')
}

func appendObject(text []byte, members map[string]any) []byte {
	if len(members) == 0 {
		return append(text, "{}"...)
	}
	return appendValue(text, members)
}

func appendValue(text []byte, value any) []byte {
	encoded, err := compact(value)
	if err != nil {
		panic("roledescriptor: " + err.Error())
	}
	return append(text, encoded...)
}
