package saml

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
)

// roleMappings reads who gets which roles.
func roleMappings(s section, a Attributes) RoleMappings {
	m, _ := s.section("role_mappings", "default_roles", "rules")
	mappings := RoleMappings{Default: readRoles(m, "default_roles")}
	for _, rule := range m.sections("rules", "type", "value", "roles") {
		mappings.Rules = append(mappings.Rules, readRule(rule, a))
	}
	if m.empty("default_roles") && m.empty("rules") {
		s.bad("role_mappings", "there must be default_roles or rules: nobody signs in without a role")
	}
	return mappings
}

func readRule(s section, a Attributes) Rule {
	r := Rule{Type: RuleType(s.required("type")), Value: s.required("value"), Roles: readRoles(s, "roles")}
	if s.empty("roles") {
		s.bad("roles", "a rule gives at least one role")
	}
	switch r.Type {
	case "":
	case ByUsername:
		r.Value = norm.NFC.String(r.Value) // as names are
	case ByGroups:
		if a.Groups == "" {
			s.bad("type", "this needs attributes.groups")
		}
	case ByDN:
		if a.DN == "" {
			s.bad("type", "this needs attributes.dn")
		}
		if _, ok := parseDNRule(r.Value); r.Value != "" && !ok {
			s.bad("value", "this must be a distinguished name, or one's end after \"*,\"")
		}
	default:
		s.bad("type", "this must be one of %s, %s and %s", ByUsername, ByGroups, ByDN)
	}
	return r
}

// readRoles reads roles of ECE's and names of Elasticsearch's side by side, and notes those of ECE's that do not combine.
func readRoles(s section, name string) []identity.Role {
	var roles []identity.Role
	for _, text := range s.texts(name) {
		role := identity.Role(text)
		switch {
		case !identity.RoleNameFits(text):
			s.bad(name, "the names of roles have 1 to 507 characters of printable ASCII")
		// Taken as an Elasticsearch role, the name would grant nothing.
		case strings.HasPrefix(text, identity.PlatformPrefix) && !slices.Contains(identity.Roles, role):
			s.bad(name, "there is no role %s", text)
		default:
			roles = append(roles, role)
		}
	}
	combined, err := combine(roles)
	if err != nil {
		s.bad(name, "%s", message(err))
	}
	return combined
}

// combine returns roles sorted and once each, ECE's first, or why those of ECE's cannot be one user's.
func combine(roles []identity.Role) ([]identity.Role, error) {
	platform, others := identity.SplitRoles(roles)
	if len(platform) > 0 {
		names := make([]string, len(platform))
		for i, role := range platform {
			names[i] = string(role)
		}
		var err error
		if platform, err = identity.ParseRoles(names); err != nil {
			return nil, err
		}
	}
	slices.Sort(others)
	return slices.Concat(platform, slices.Compact(others)), nil
}

// message is what a failure says to people.
func message(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}
