package roledescriptor

import (
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Options holds which optional members are accepted. A member that is not accepted is refused like an unknown one.
type Options struct {
	// AllowRestriction accepts restriction, which only API keys may have.
	AllowRestriction bool
	// AllowDescription accepts description, which only roles may have.
	AllowDescription bool
	// AllowDataSources accepts privileges on data sources in global.
	AllowDataSources bool
}

// roleDescriptors is the name of the member with descriptors in requests for API keys.
const roleDescriptors = "role_descriptors"

// Field returns a reader of the member role_descriptors of an object, which sets target to a set that is not nil.
// Errors are fault.FieldInvalid, with the error of the invalid descriptor as cause. The field takes xcontent.Raw.
func Field(target *Set, options Options) xcontent.Field {
	decoded := NamedField(roleDescriptors, target, options)
	return func(value any) error {
		if raw, ok := value.(xcontent.Raw); ok {
			return readRaw(raw, target, options)
		}
		return decoded(value)
	}
}

// NamedField is Field for a member of another name. It does not take xcontent.Raw.
func NamedField(name string, target *Set, options Options) xcontent.Field {
	var members map[string]any
	object := xcontent.Object(&members)
	return func(value any) error {
		if _, ok := value.([]any); ok {
			return illegalArgument("[%s] does not support arrays; use a single object with several fields", name)
		}
		if err := object(value); err != nil {
			return err
		}
		set, err := parseSet(name, members, options)
		*target = set
		return err
	}
}

func parseSet(field string, members map[string]any, options Options) (Set, error) {
	set := make(Set, len(members))
	for _, name := range xcontent.Names(members) {
		d, err := Parse(name, members[name], options)
		if err != nil {
			return nil, xcontent.Within(field, name, err)
		}
		set[name] = d
	}
	return set, nil
}

// ReadSet decodes the form that Canonical encodes.
func ReadSet(data []byte) (Set, error) {
	value, err := strictjson.DecodeStored(data)
	if err != nil {
		return nil, err
	}
	var set Set
	return set, Field(&set, Options{AllowRestriction: true, AllowDescription: true, AllowDataSources: true})(value)
}

// Parse reads one descriptor from a decoded JSON value. It refuses members that are unknown, of the wrong type or
// incomplete. Validate checks whether the named privileges exist. Errors are fault.ParseFailed and fault.InvalidData.
func Parse(name string, value any, options Options) (Descriptor, error) {
	if err := checkName(name); err != nil {
		return Descriptor{}, err
	}
	var d Descriptor
	role := section{role: name}
	if err := role.readObject(value, d.readers(role, options)); err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

// maxName is the longest role name in bytes (Elasticsearch's limit for names in role descriptors).
const maxName = 1024

// ValidName reports whether a role can have the name.
func ValidName(name string) bool {
	return name != "" && len(name) <= maxName && printable(name) && name[0] != ' ' && name[len(name)-1] != ' '
}

func checkName(name string) error {
	if !ValidName(name) {
		return illegalArgument("Role names must be at least 1 and no more than %d characters."+
			" They are printable ASCII, and no blank begins or ends them.", maxName)
	}
	return nil
}

func printable(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

// readers returns the reader of each member that the options accept, under all names of the member.
func (d *Descriptor) readers(role section, options Options) map[string]func(any) error {
	var dropped map[string]any
	indices, applications := role.sibling(indicesPart), role.sibling(applicationsPart)
	dropObject := func(field string) func(any) error {
		return readFreeObject(&dropped, func(any) error { return role.fail("unexpected field [%s]", field) })
	}
	readers := map[string]func(any) error{
		"cluster":            role.readOptionalStrings("cluster", &d.Cluster),
		"indices":            readEntries(indices, "indices", &d.Indices),
		"index":              readEntries(indices, "index", &d.Indices),
		"applications":       readEntries(applications, "applications", &d.Applications),
		"application":        readEntries(applications, "application", &d.Applications),
		"run_as":             role.readOptionalStrings("run_as", &d.RunAs),
		"global":             readGlobal(&d.Global, options),
		"remote_indices":     readEntries(role.sibling("remote indices privileges"), "remote_indices", &d.RemoteIndices),
		"remote_cluster":     readEntries(role.sibling("remote_cluster"), "remote_cluster", &d.RemoteCluster),
		"metadata":           readFreeObject(&d.Metadata, notMetadata),
		"transient_metadata": dropObject("transient_metadata"),
		"metadata_flattened": dropObject("metadata_flattened"),
		"type":               role.ignoreScalar("type"),
	}

	if options.AllowRestriction {
		readers["restriction"] = role.readRestriction(&d.Restriction)
	}
	if options.AllowDescription {
		readers["description"] = read(role, "description", "a string", &d.Description)
	}
	return readers
}

// ignoreScalar returns a reader that ignores a value, and refuses objects and arrays.
func (s section) ignoreScalar(field string) func(any) error {
	return func(value any) error {
		switch value.(type) {
		case []any, map[string]any:
			return s.fail("unexpected value [%s] of field [%s]", xcontent.Token(value), field)
		}
		return nil
	}
}

func notMetadata(value any) error {
	return parseError("expected field [metadata] to be of type object, but found [%s] instead", xcontent.Token(value))
}

func (s section) readRestriction(target *Restriction) func(any) error {
	restriction := s.sibling("restriction")
	return func(value any) error {
		err := restriction.readObject(value,
			map[string]func(any) error{"workflows": restriction.readStrings("workflows", &target.Workflows)})
		if err != nil || target.Workflows == nil {
			return err
		}
		return restriction.requireElements("workflows", target.Workflows)
	}
}
