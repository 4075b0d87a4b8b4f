package roledescriptor

import (
	"slices"
)

// ParseCheck reads a question about privileges, which is written like a descriptor with cluster, index and application
// privileges only, and which name describes in messages. Errors are fault.ParseFailed, fault.FieldInvalid and
// fault.InvalidData.
func ParseCheck(name string, value any) (Descriptor, error) {
	var d Descriptor
	role := section{role: name}
	applications := role.sibling(applicationsPart)
	err := section{part: "privileges check [" + name + "]"}.readObject(value, map[string]func(any) error{
		"cluster":      role.readOptionalStrings("cluster", &d.Cluster),
		"index":        readEntries(role.sibling(indicesPart), "index", &d.Indices),
		"application":  readEntries(applications, "application", &d.Applications),
		"applications": readEntries(applications, "applications", &d.Applications),
	})
	if err != nil {
		return d, err
	}

	const unsupported = "Field [%s] is not supported in a has_privileges request"
	if slices.ContainsFunc(d.Indices, func(p IndexPrivileges) bool { return p.FieldSecurity.limits() }) {
		return d, parseError(unsupported, "field_security")
	}
	if slices.ContainsFunc(d.Indices, func(p IndexPrivileges) bool { return p.Query != "" }) {
		return d, parseError(unsupported, "query")
	}
	return d, nil
}

// limits reports whether some fields are hidden.
func (f *FieldSecurity) limits() bool {
	return f != nil && (len(f.Except) > 0 || !slices.Equal(f.Grant, []string{"*"}))
}
