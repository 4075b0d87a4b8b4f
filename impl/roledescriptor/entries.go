package roledescriptor

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

func readIndices(role string, target *[]IndexPrivileges) func(any) error {
	indices := section("indices privileges for role [" + role + "]")
	return func(value any) error {
		return indices.array(value, func(element any) error {
			var entry IndexPrivileges
			if err := indices.object(element, entry.readers(indices)); err != nil {
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
		return indices.array(value, func(element any) error {
			var entry RemoteIndexPrivileges
			readers := entry.readers(indices)
			readers["clusters"] = textOrTexts("clusters", &entry.Clusters)
			if err := indices.object(element, readers); err != nil {
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
		"names":                    textOrTexts("names", &p.Names),
		"privileges":               texts("privileges", &p.Privileges),
		"field_security":           readFieldSecurity(indices, &p.FieldSecurity),
		"query":                    readQuery(indices, &p.Query),
		"allow_restricted_indices": indices.boolean("allow_restricted_indices", &p.AllowRestrictedIndices),
		"transient_metadata":       indices.free("transient_metadata", &dropped),
	}
}

func (p *IndexPrivileges) check(indices section) error {
	if err := indices.filled("names", p.Names); err != nil {
		return err
	}
	if p.Privileges != nil && len(p.Privileges) == 0 {
		return illegalArgument("indices privileges must define at least one privilege")
	}
	return indices.filled("privileges", p.Privileges)
}

func (p *RemoteIndexPrivileges) check(indices section) error {
	if err := indices.filled("clusters", p.Clusters); err != nil {
		return err
	}
	if slices.Contains(p.Clusters, "") {
		return illegalArgument("remote index cluster alias cannot be an empty string")
	}
	return p.IndexPrivileges.check(indices)
}

// readQuery keeps a string as it is, and writes an object as a string, members in order.
func readQuery(indices section, target *string) func(any) error {
	return func(value any) error {
		switch query := value.(type) {
		case nil:
			return nil
		case string:
			*target = query
			return nil
		case map[string]any:
			text, err := compact(query)
			*target = string(text)
			return err // never: a value that was read can be written
		}
		return indices.fail("expected [query] to be a string or an object but found [%s] instead", xcontent.Token(value))
	}
}

func readFieldSecurity(indices section, target **FieldSecurity) func(any) error {
	return func(value any) error {
		var fields FieldSecurity
		err := indices.object(value, map[string]func(any) error{
			"grant":  texts("grant", &fields.Grant),
			"except": texts("except", &fields.Except),
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

// remoteClusterPrivileges are all that one may have with other clusters.
var remoteClusterPrivileges = []string{"monitor_enrich", "monitor_stats"}

func readRemoteClusters(role string, target *[]RemoteClusterPrivileges) func(any) error {
	clusters := section("remote_cluster for role [" + role + "]")
	return func(value any) error {
		return clusters.array(value, func(element any) error {
			var entry RemoteClusterPrivileges
			err := clusters.object(element, map[string]func(any) error{
				"clusters":   textOrTexts("clusters", &entry.Clusters),
				"privileges": texts("privileges", &entry.Privileges),
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
	if err := clusters.filled("clusters", p.Clusters); err != nil {
		return err
	}
	if slices.Contains(p.Clusters, "") {
		return illegalArgument("remote cluster alias cannot be an empty string")
	}
	if err := clusters.filled("privileges", p.Privileges); err != nil {
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
		return applications.array(value, func(element any) error {
			var entry ApplicationPrivileges
			err := applications.object(element, map[string]func(any) error{
				"application": applications.text("application", &entry.Application),
				"privileges":  texts("privileges", &entry.Privileges),
				"resources":   texts("resources", &entry.Resources),
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
	if err := applications.filled("privileges", p.Privileges); err != nil {
		return err
	}
	return applications.filled("resources", p.Resources)
}
