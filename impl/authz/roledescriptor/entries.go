package roledescriptor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// The parts of a descriptor that messages name.
const (
	indicesPart      = "indices privileges"
	applicationsPart = "application privileges"
)

// entry is an element of an array of privileges.
type entry[T any] interface {
	*T
	// read reads the members of an element.
	read(s section, members map[string]any) error
	// check refuses an element that is incomplete.
	check(s section) error
}

// readEntries returns a reader of an array of privileges, which the section names in messages.
func readEntries[T any, E entry[T]](s section, field string, target *[]T) func(any) error {
	return func(value any) error {
		return s.readArray(field, value, func(element any) error {
			members, ok := element.(map[string]any)
			if !ok {
				return s.fail("expected field [%s] value to be an array of objects, but found an array element of type [%s]",
					field, xcontent.Token(element))
			}
			read := E(new(T))
			if err := read.read(s, members); err != nil {
				return within(field, len(*target), err)
			}
			*target = append(*target, *read)
			return read.check(s)
		})
	}
}

// within adds the path of an element to an error that names the member at fault.
func within(field string, index int, err error) error {
	if failed, ok := err.(*fault.Error); ok && failed.Code == fault.FieldInvalid { //nolint:errorlint // it is bare
		failed.Fields = append([]string{field, strconv.Itoa(index)}, failed.Fields...)
	}
	return err
}

func (p *IndexPrivileges) read(indices section, members map[string]any) error {
	return indices.readObject(members, p.readers(indices))
}

func (p *IndexPrivileges) readers(indices section) map[string]func(any) error {
	var dropped map[string]any
	return map[string]func(any) error{
		"names":                    readNames(indices, &p.Names),
		"privileges":               indices.readNullableStrings("privileges", &p.Privileges),
		"field_security":           readFieldSecurity(indices, &p.FieldSecurity),
		"query":                    readQuery(indices, &p.Query),
		"allow_restricted_indices": read(indices, "allow_restricted_indices", "a boolean", &p.AllowRestrictedIndices),
		"transient_metadata": readFreeObject(&dropped, func(value any) error {
			return indices.sibling("transient metadata").fail(`expected START_OBJECT but got %s in "transient_metadata".`,
				xcontent.Token(value))
		}),
	}
}

// readNames returns a reader of the names of indices, an array of strings or one string.
func readNames(indices section, target *[]string) func(any) error {
	names := indices.readStringOrStrings("names", target)
	return func(value any) error {
		switch value.(type) {
		case string, []any:
			return names(value)
		}
		return read(indices, "names", "a string or an array of strings", target)(value)
	}
}

func (p *IndexPrivileges) check(indices section) error {
	if err := indices.requireElements("names", p.Names); err != nil {
		return err
	}
	if p.Privileges != nil && len(p.Privileges) == 0 {
		return illegalArgument("indices privileges must define at least one privilege")
	}
	return indices.requireElements("privileges", p.Privileges)
}

func (p *RemoteIndexPrivileges) read(remote section, members map[string]any) error {
	indices := remote.sibling(indicesPart) // the messages do not mention that they are remote
	readers := p.readers(indices)
	readers["clusters"] = indices.readStringOrStrings("clusters", &p.Clusters)
	return indices.readObject(members, readers)
}

func (p *RemoteIndexPrivileges) check(remote section) error {
	if err := p.IndexPrivileges.check(remote.sibling(indicesPart)); err != nil {
		return err
	}
	if err := remote.requireElements("clusters", p.Clusters); err != nil {
		return err
	}
	if slices.Contains(p.Clusters, "") {
		return illegalArgument("remote index cluster alias cannot be an empty string")
	}
	return nil
}

// readQuery reads a query. A string is kept as it is; an object is encoded as JSON with sorted members.
func readQuery(indices section, target *string) func(any) error {
	return func(value any) error {
		switch query := value.(type) {
		case nil:
			return nil
		case string:
			*target = query
			return nil
		case map[string]any:
			// This cannot fail: a decoded value can be encoded.
			text, err := compact(query)
			*target = string(text)
			return err
		}
		return indices.fail("expected field [query] value to be null, a string, an array, or an object, but found [%s] "+
			"instead", xcontent.Token(value))
	}
}

func readFieldSecurity(indices section, target **FieldSecurity) func(any) error {
	return func(value any) error {
		members, ok := value.(map[string]any)
		if !ok {
			return indices.fail(`expected START_OBJECT but got %s in "field_security".`, xcontent.Token(value))
		}
		var fields FieldSecurity
		if err := fields.read(indices, members); err != nil {
			return err
		}
		*target = &fields
		return fields.check(indices)
	}
}

func (f *FieldSecurity) read(indices section, members map[string]any) error {
	if len(members) == 0 {
		return indices.fail(`"field_security" must not be empty.`)
	}
	lists := map[string]*[]string{"grant": &f.Grant, "except": &f.Except}
	for _, name := range xcontent.Names(members) {
		list, known := lists[name]
		if !known {
			return indices.fail(`"field_security" only accepts options grant and except, but got: %s`, name)
		}
		if members[name] == nil {
			return indices.fail("%s must not be null.", name)
		}
		if err := indices.readStrings(name, list)(members[name]); err != nil {
			return err
		}
	}
	if f.Grant == nil {
		return indices.fail("field_security requires grant if except is given")
	}
	return nil
}

// remoteClusterPrivileges lists the privileges that exist on remote clusters.
var remoteClusterPrivileges = []string{"monitor_enrich", "monitor_stats"}

func (p *RemoteClusterPrivileges) read(clusters section, members map[string]any) error {
	return clusters.readObject(members, map[string]func(any) error{
		"clusters":   clusters.readStringOrStrings("clusters", &p.Clusters),
		"privileges": clusters.readStrings("privileges", &p.Privileges),
	})
}

func (p *RemoteClusterPrivileges) check(clusters section) error {
	switch {
	case p.Clusters == nil && p.Privileges == nil:
		return illegalArgument("remote cluster groups must not be null or empty")
	case p.Clusters == nil:
		return clusters.fail("[clusters] must be defined when [privileges] are defined")
	case p.Privileges == nil:
		return clusters.fail("[privileges] must be defined when [clusters] are defined")
	}
	if err := clusters.requireElements("clusters", p.Clusters); err != nil {
		return err
	}
	if slices.Contains(p.Clusters, "") {
		return illegalArgument("remote cluster alias cannot be an empty string")
	}
	if err := clusters.requireElements("privileges", p.Privileges); err != nil {
		return err
	}
	for _, privilege := range p.Privileges {
		if !slices.Contains(remoteClusterPrivileges, strings.ToLower(privilege)) {
			return clusters.fail("[%s] are the only values allowed for [privileges] within [remote_cluster]. Found [%s]",
				strings.Join(remoteClusterPrivileges, ", "), strings.Join(p.Privileges, ", "))
		}
	}
	return nil
}

func (p *ApplicationPrivileges) read(_ section, members map[string]any) error {
	return xcontent.Parser{Name: "application", Fields: map[string]xcontent.Field{
		"application": xcontent.Text(&p.Application),
		"privileges":  xcontent.Texts(&p.Privileges),
		"resources":   xcontent.Texts(&p.Resources),
	}}.Read(members)
}

func (p *ApplicationPrivileges) check(applications section) error {
	switch {
	case p.Resources == nil:
		return applications.fail("missing required [resources] field")
	case p.Privileges == nil:
		return applications.fail("missing required [privileges] field")
	case p.Application == "":
		return illegalArgument("application privileges must have an application name")
	case len(p.Privileges) == 0:
		return illegalArgument("application privileges must define at least one privilege")
	case len(p.Resources) == 0:
		return illegalArgument("application privileges must refer to at least one resource")
	}
	return nil
}
