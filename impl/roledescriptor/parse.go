package roledescriptor

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/strictjson"
	"github.com/sallyport/sallyport/impl/xcontent"
)

// Options tell which of the members that not everybody may send are allowed. Without its permission, such a member is
// refused like an unknown one.
type Options struct {
	// AllowRestriction is for API keys.
	AllowRestriction bool
	// AllowDescription is for roles.
	AllowDescription bool
}

const fieldName = "role_descriptors"

// Field reads the member role_descriptors of an object. Errors are of fault.XContentParseFailed, which nest the one of the
// descriptor that could not be read. The set is not nil.
func Field(target *Set, options Options) xcontent.Field {
	var members map[string]any
	object := xcontent.Object(&members)
	return func(value any) error {
		if _, ok := value.([]any); ok {
			return illegalArgument("[%s] does not support arrays; use a single object with several fields", fieldName)
		}
		if err := object(value); err != nil {
			return err
		}
		set, err := parseSet(members, options)
		*target = set
		return err
	}
}

func parseSet(members map[string]any, options Options) (Set, error) {
	set := make(Set, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		d, err := Parse(name, members[name], options)
		if err != nil {
			return nil, xcontent.Within(fieldName, name, err)
		}
		set[name] = d
	}
	return set, nil
}

// ReadSet reads a set as Canonical wrote it.
func ReadSet(data []byte) (Set, error) {
	value, err := strictjson.DecodeStored(data)
	if err != nil {
		return nil, err
	}
	var set Set
	return set, Field(&set, Options{AllowRestriction: true, AllowDescription: true})(value)
}

// Parse reads one descriptor, strictly: members that are unknown, of the wrong kind or half there are refused. Whether
// privileges and the like exist is for Validate. Errors are fault.ParseFailed and fault.IllegalArgument.
func Parse(name string, value any, options Options) (Descriptor, error) {
	if err := checkName(name); err != nil {
		return Descriptor{}, err
	}
	var d Descriptor
	role := section("role [" + name + "]")
	if err := role.object(value, d.readers(role, name, options)); err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

const maxName = 1024

func checkName(name string) error {
	blank := name != "" && (name[0] == ' ' || name[len(name)-1] == ' ')
	if name == "" || len(name) > maxName || blank || !printable(name) {
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

func (d *Descriptor) readers(role section, name string, options Options) map[string]func(any) error {
	var dropped map[string]any
	readers := map[string]func(any) error{
		"cluster":            anyTexts("cluster", &d.Cluster),
		"indices":            readIndices(name, &d.Indices),
		"index":              readIndices(name, &d.Indices),
		"applications":       readApplications(name, &d.Applications),
		"application":        readApplications(name, &d.Applications),
		"run_as":             anyTexts("run_as", &d.RunAs),
		"global":             readGlobal(&d.Global),
		"remote_indices":     readRemoteIndices(name, &d.RemoteIndices),
		"remote_cluster":     readRemoteClusters(name, &d.RemoteCluster),
		"metadata":           role.free("metadata", &d.Metadata),
		"transient_metadata": role.free("transient_metadata", &dropped),
		"metadata_flattened": role.free("metadata_flattened", &dropped),
		"type":               role.scalar("type"),
	}
	if options.AllowRestriction {
		readers["restriction"] = readRestriction(name, &d.Restriction)
	}
	if options.AllowDescription {
		readers["description"] = role.text("description", &d.Description)
	}
	return readers
}

// scalar takes whatever is not an object or array, and ignores it.
func (s section) scalar(field string) func(any) error {
	return func(value any) error {
		switch value.(type) {
		case []any, map[string]any:
			return s.fail("unexpected value [%s] of field [%s]", xcontent.Token(value), field)
		}
		return nil
	}
}

func readRestriction(name string, target *Restriction) func(any) error {
	restriction := section("restriction for role [" + name + "]")
	return func(value any) error {
		err := restriction.object(value, map[string]func(any) error{"workflows": texts("workflows", &target.Workflows)})
		if err != nil || target.Workflows == nil {
			return err
		}
		return restriction.filled("workflows", target.Workflows)
	}
}
