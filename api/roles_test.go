package api_test

import (
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

const rolesExtension = "x-roles"

// roles checks that an operation below /api/v1 that needs credentials lists the roles that may call it, and that no
// other operation does. A role must have the permissions of all roles that it includes.
func (l *linter) roles(op operation) {
	extension, given := op.Extensions[rolesExtension]
	switch wanted := !op.public() && !op.elasticsearch(); {
	case wanted && !given:
		l.problem(op.place(), "%s is missing: list the roles that may call it, or [%s]", rolesExtension, identity.AnyUser)
		return
	case given && !wanted:
		l.problem(op.place(), "%s has no effect: the operation is public or Elasticsearch's", rolesExtension)
	case !given:
		return
	}

	list, ok := extension.([]any)
	if !ok || len(list) == 0 {
		l.problem(op.place(), "%s is not a list of roles", rolesExtension)
	}

	var named []identity.Role
	for _, element := range list {
		name, _ := element.(string)
		named = append(named, identity.Role(name))
	}
	if slices.Equal(named, []identity.Role{identity.AnyUser}) {
		return
	}
	for _, role := range named {
		if !slices.Contains(identity.Roles, role) {
			l.problem(op.place(), "%s has %q, which is not a role of ECE", rolesExtension, role)
		}
	}
	for _, role := range identity.Roles {
		if !slices.Contains(named, role) && slices.ContainsFunc(named, func(other identity.Role) bool {
			return slices.Contains(identity.IncludedRoles([]identity.Role{role}), other)
		}) {
			l.problem(op.place(), "%s lacks %s, which includes another of the roles", rolesExtension, role)
		}
	}
}

// Ensures that each rule of roles notices what it forbids.
func TestLint_Roles(t *testing.T) {
	const list, login, elasticsearch = "GET /api/v1/users", "POST /api/v1/users/auth/_login",
		"GET /_security/_authenticate"
	set := func(place string, roles any) func(*openapi3.T) {
		return func(d *openapi3.T) {
			op := find(d, place)
			if op.Extensions = map[string]any{rolesExtension: roles}; roles == nil {
				op.Extensions = nil
			}
		}
	}
	admin := []any{"ece_platform_admin"}
	notices(t, []mutation{
		{"no roles", set(list, nil), list + ": x-roles is missing: list the roles that may call it, or [any_user]"},
		{"roles of a public operation", set(login, admin), login + ": x-roles has no effect"},
		{"roles of an Elasticsearch operation", set(elasticsearch, admin), elasticsearch + ": x-roles has no effect"},
		{"a text", set(list, "ece_platform_admin"), list + ": x-roles is not a list of roles"},
		{"an empty list", set(list, []any{}), list + ": x-roles is not a list of roles"},
		{"an unknown role", set(list, append([]any{"admin"}, admin...)),
			list + `: x-roles has "admin", which is not a role of ECE`},
		{"any user among roles", set(list, append([]any{"any_user"}, admin...)),
			list + `: x-roles has "any_user", which is not a role of ECE`},
		{"an included role alone", set(list, []any{"ece_platform_viewer"}),
			list + ": x-roles lacks ece_platform_admin, which includes another of the roles"},
	})
}
