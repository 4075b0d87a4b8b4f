package saml

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// roleMappings reads the rules that give users roles.
func roleMappings(s strictyaml.Section, a Attributes) RoleMappings {
	m, _ := s.Section("role_mappings", "default_roles", "rules")
	mappings := RoleMappings{Default: readRoles(m, "default_roles")}
	for rule := range m.Sections("rules", "type", "value", "roles") {
		mappings.Rules = append(mappings.Rules, readRule(rule, a))
	}
	if m.Empty("default_roles") && m.Empty("rules") {
		s.Bad("role_mappings", "there must be default_roles or rules: a user without a role cannot sign in")
	}
	return mappings
}

func readRule(s strictyaml.Section, a Attributes) Rule {
	r := Rule{Type: RuleType(s.Required("type")), Value: s.Required("value"), Roles: readRoles(s, "roles")}
	if s.Empty("roles") {
		s.Bad("roles", "a rule gives at least one role")
	}
	switch r.Type {
	case "":
	case ByUsername:
		r.Value = norm.NFC.String(r.Value) // as names are
	case ByGroups:
		if a.Groups == "" {
			s.Bad("type", "this needs attributes.groups")
		}
	case ByDN:
		if a.DN == "" {
			s.Bad("type", "this needs attributes.dn")
		}
		if _, ok := parseDNRule(r.Value); r.Value != "" && !ok {
			s.Bad("value", "this must be a distinguished name, or one's end after \"*,\"")
		}
	default:
		s.Bad("type", "this must be one of %s, %s and %s", ByUsername, ByGroups, ByDN)
	}
	return r
}

// readRoles reads roles of ECE's and names of Elasticsearch's side by side, and notes those of ECE's that do not
// combine.
func readRoles(s strictyaml.Section, name string) []identity.Role {
	var roles []identity.Role
	for _, text := range s.Texts(name) {
		role := identity.Role(text)
		switch {
		case !identity.RoleNameFits(text):
			s.Bad(name, "the names of roles have 1 to 507 characters of printable ASCII")
		// Taken as an Elasticsearch role, the name would grant nothing.
		case strings.HasPrefix(text, identity.PlatformPrefix) && !slices.Contains(identity.Roles, role):
			s.Bad(name, "there is no role %s", text)
		default:
			roles = append(roles, role)
		}
	}
	combined, err := combine(roles)
	if err != nil {
		s.Bad(name, "%s", message(err))
	}
	return combined
}

// combine returns roles sorted and once each, ECE's first, or why those of ECE's cannot be one user's.
func combine(roles []identity.Role) ([]identity.Role, error) {
	platform, others := identity.SplitRoles(roles)
	if len(platform) > 0 {
		var err error
		if platform, err = identity.ParseRoles(identity.Names(platform)); err != nil {
			return nil, err
		}
	}
	slices.Sort(others)
	return slices.Concat(platform, slices.Compact(others)), nil
}

// message is what a failure says to people.
func message(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Message
	}
	return err.Error()
}
