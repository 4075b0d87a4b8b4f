package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/rolemapping"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// putRoleMapping is a request to create or replace a role mapping.
type putRoleMapping struct {
	name    string
	mapping rolemapping.Mapping
}

func (a *API) roleMappingOperations() []operation {
	return []operation{
		row[selection, listing]{
			operations: []string{"security-get-role-mappings", "security-get-role-mapping"},
			read:       selectBy("name"),
			do:         a.findRoleMappings,
			show:       showListing,
		},
		row[putRoleMapping, bool]{
			operations: []string{"security-put-role-mapping", "security-put-role-mapping-post"},
			read:       readPutRoleMapping,
			check:      func(in putRoleMapping) error { return rolemapping.Check(in.name, in.mapping) },
			do: func(ctx context.Context, _ call, in putRoleMapping) (bool, error) {
				return a.RoleMappings.Put(ctx, in.name, in.mapping)
			},
			show: func(created bool) (response, error) {
				return ok(gen.PutRoleMappingResponse{RoleMapping: gen.CreatedResponse{Created: created}})
			},
		},
		row[string, bool]{
			operations: []string{"security-delete-role-mapping"},
			read:       readParam("name"),
			do: func(ctx context.Context, _ call, name string) (bool, error) {
				return a.RoleMappings.Delete(ctx, name)
			},
			show: showDeleted,
		},
	}
}

func (a *API) findRoleMappings(ctx context.Context, _ call, s selection) (listing, error) {
	found, err := a.RoleMappings.Get(ctx, s.names)
	shown := make(gen.RoleMappingsInformation, len(found))
	for name, m := range found {
		shown[name] = gen.RoleMappingInformation{
			Enabled:  m.Enabled,
			Roles:    texts(m.Roles),
			Rules:    freeObject(m.Rules.JSON()),
			Metadata: freeObject(m.Metadata),
		}
	}
	return listing{shown, s.named && len(found) == 0}, err
}

func readPutRoleMapping(r request) (putRoleMapping, error) {
	in := putRoleMapping{name: r.params["name"]}
	err := xcontent.Parser{Name: "role-mapping", Fields: map[string]xcontent.Field{
		"enabled":        xcontent.Boolean(&in.mapping.Enabled),
		"roles":          xcontent.Texts(&in.mapping.Roles),
		"role_templates": noTemplates,
		"rules":          rules(&in.mapping.Rules),
		"metadata":       xcontent.Object(&in.mapping.Metadata),
	}}.Read(r.body)
	if err != nil {
		return in, err
	}

	given, _ := r.body.(map[string]any)
	for _, member := range []string{"roles", "rules", "enabled"} {
		if _, found := given[member]; !found {
			text := "failed to parse role-mapping [" + in.name + "]. missing field [" + member + "]"
			return in, fault.New(fault.MemberMissing, text, member)
		}
	}
	return in, nil
}

// rules returns a field for the rules of a role mapping.
func rules(target *rolemapping.Rule) xcontent.Field {
	return func(value any) error {
		if _, object := value.(map[string]any); !object {
			return xcontent.ErrUnsupported
		}
		parsed, err := rolemapping.ParseRule(value)
		*target = parsed
		return err
	}
}

// noTemplates is a field for templates of roles, of which only an empty list is accepted.
func noTemplates(value any) error {
	list, array := value.([]any)
	switch {
	case !array:
		return xcontent.ErrUnsupported
	case len(list) > 0:
		return fault.New(fault.InvalidData, "role_templates are not supported: name the roles in [roles]", "role_templates")
	}
	return nil
}
