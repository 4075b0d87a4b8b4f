package roledescriptor

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// entry is an element of an array of privileges.
type entry[T any] interface {
	*T
	readers(section) map[string]func(any) error
	check(section) error
}

// readEntries returns a reader of an array of privileges, which the section names in messages.
func readEntries[T any, E entry[T]](s section, target *[]T) func(any) error {
	return func(value any) error {
		return s.readArray(value, func(element any) error {
			read := E(new(T))
			if err := s.readObject(element, read.readers(s)); err != nil {
				return err
			}
			*target = append(*target, *read)
			return read.check(s)
		})
	}
}

func (p *IndexPrivileges) readers(indices section) map[string]func(any) error {
	var dropped map[string]any
	return map[string]func(any) error{
		"names":                    readStringOrStrings("names", &p.Names),
		"privileges":               readStrings("privileges", &p.Privileges),
		"field_security":           readFieldSecurity(indices, &p.FieldSecurity),
		"query":                    readQuery(indices, &p.Query),
		"allow_restricted_indices": read(indices, "allow_restricted_indices", "a boolean", &p.AllowRestrictedIndices),
		"transient_metadata":       indices.readFreeObject("transient_metadata", &dropped),
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

func (p *RemoteIndexPrivileges) readers(indices section) map[string]func(any) error {
	readers := p.IndexPrivileges.readers(indices)
	readers["clusters"] = readStringOrStrings("clusters", &p.Clusters)
	return readers
}

func (p *RemoteIndexPrivileges) check(indices section) error {
	if err := indices.requireElements("clusters", p.Clusters); err != nil {
		return err
	}
	if slices.Contains(p.Clusters, "") {
		return illegalArgument("remote index cluster alias cannot be an empty string")
	}
	return p.IndexPrivileges.check(indices)
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
		return indices.fail("expected [query] to be a string or an object but found [%s] instead", xcontent.Token(value))
	}
}

func readFieldSecurity(indices section, target **FieldSecurity) func(any) error {
	return func(value any) error {
		var fields FieldSecurity
		err := indices.readObject(value, map[string]func(any) error{
			"grant":  readStrings("grant", &fields.Grant),
			"except": readStrings("except", &fields.Except),
		})
		if err != nil {
			return err
		}
		if fields.Grant == nil {
			return indices.fail("[field_security] must have [grant]")
		}
		*target = &fields
		return fields.check()
	}
}

// remoteClusterPrivileges lists the privileges that exist on remote clusters.
var remoteClusterPrivileges = []string{"monitor_enrich", "monitor_stats"}

func (p *RemoteClusterPrivileges) readers(section) map[string]func(any) error {
	return map[string]func(any) error{
		"clusters":   readStringOrStrings("clusters", &p.Clusters),
		"privileges": readStrings("privileges", &p.Privileges),
	}
}

func (p *RemoteClusterPrivileges) check(clusters section) error {
	if p.Clusters == nil && p.Privileges == nil {
		return illegalArgument("remote cluster groups must not be null or empty")
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

func (p *ApplicationPrivileges) readers(applications section) map[string]func(any) error {
	return map[string]func(any) error{
		"application": read(applications, "application", "a string", &p.Application),
		"privileges":  readStrings("privileges", &p.Privileges),
		"resources":   readStrings("resources", &p.Resources),
	}
}

func (p *ApplicationPrivileges) check(applications section) error {
	if p.Application == "" {
		return applications.fail("missing required [application] field")
	}
	if err := applications.requireElements("privileges", p.Privileges); err != nil {
		return err
	}
	return applications.requireElements("resources", p.Resources)
}
