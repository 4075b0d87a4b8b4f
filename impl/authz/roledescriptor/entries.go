package roledescriptor

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

func readIndices(role string, target *[]IndexPrivileges) func(any) error {
	indices := section("indices privileges for role [" + role + "]")
	return func(value any) error {
		return indices.readArray(value, func(element any) error {
			var entry IndexPrivileges
			if err := indices.readObject(element, entry.readers(indices)); err != nil {
				return err
			}
			*target = append(*target, entry)
			return entry.check(indices)
		})
	}
}

func readRemoteIndices(role string, target *[]RemoteIndexPrivileges) func(any) error {
	indices := section("remote indices privileges for role [" + role + "]")
	return func(value any) error {
		return indices.readArray(value, func(element any) error {
			var entry RemoteIndexPrivileges
			readers := entry.readers(indices)
			readers["clusters"] = readStringOrStrings("clusters", &entry.Clusters)
			if err := indices.readObject(element, readers); err != nil {
				return err
			}
			*target = append(*target, entry)
			return entry.check(indices)
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
		"allow_restricted_indices": indices.readBool("allow_restricted_indices", &p.AllowRestrictedIndices),
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

func readRemoteClusters(role string, target *[]RemoteClusterPrivileges) func(any) error {
	clusters := section("remote_cluster for role [" + role + "]")
	return func(value any) error {
		return clusters.readArray(value, func(element any) error {
			var entry RemoteClusterPrivileges
			err := clusters.readObject(element, map[string]func(any) error{
				"clusters":   readStringOrStrings("clusters", &entry.Clusters),
				"privileges": readStrings("privileges", &entry.Privileges),
			})
			if err != nil {
				return err
			}
			*target = append(*target, entry)
			return entry.check(clusters)
		})
	}
}

func (p RemoteClusterPrivileges) check(clusters section) error {
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

func readApplications(role string, target *[]ApplicationPrivileges) func(any) error {
	applications := section("application privileges for role [" + role + "]")
	return func(value any) error {
		return applications.readArray(value, func(element any) error {
			var entry ApplicationPrivileges
			err := applications.readObject(element, map[string]func(any) error{
				"application": applications.readString("application", &entry.Application),
				"privileges":  readStrings("privileges", &entry.Privileges),
				"resources":   readStrings("resources", &entry.Resources),
			})
			if err != nil {
				return err
			}
			*target = append(*target, entry)
			return entry.check(applications)
		})
	}
}

func (p ApplicationPrivileges) check(applications section) error {
	if p.Application == "" {
		return applications.fail("missing required [application] field")
	}
	if err := applications.requireElements("privileges", p.Privileges); err != nil {
		return err
	}
	return applications.requireElements("resources", p.Resources)
}
