package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/query"
)

// putRole is a request to create or replace a role.
type putRole struct {
	name       string
	descriptor roledescriptor.Descriptor
}

func (a *API) roleOperations() []operation {
	return []operation{
		row[selection, listing]{
			operations: []string{"security-get-roles", "security-get-role"},
			read:       selectBy("name"),
			do:         a.findRoles,
			show:       showListing,
		},
		row[putRole, bool]{
			operations: []string{"security-put-role", "security-put-role-post"},
			read:       readPutRole,
			check:      func(in putRole) error { return a.Roles.Check(in.name, in.descriptor, a.Names) },
			do: func(ctx context.Context, _ call, in putRole) (bool, error) {
				return a.Roles.Put(ctx, in.name, in.descriptor)
			},
			show: func(created bool) (response, error) {
				return ok(gen.PutRoleResponse{Role: gen.CreatedResponse{Created: created}})
			},
		},
		row[roledescriptor.Set, role.Outcome]{
			operations: []string{"security-bulk-put-roles"},
			read:       readRoles,
			check:      role.CheckAll,
			do: func(ctx context.Context, _ call, set roledescriptor.Set) (role.Outcome, error) {
				return a.Roles.PutAll(ctx, set, a.Names)
			},
			show: showPutRoles,
		},
		row[[]string, role.Outcome]{
			operations: []string{"security-bulk-delete-roles"},
			read:       bodyOf(readRoleNamesToDelete),
			check:      role.CheckNames,
			do: func(ctx context.Context, _ call, names []string) (role.Outcome, error) {
				return a.Roles.DeleteAll(ctx, names)
			},
			show: showDeletedRoles,
		},
		row[*query.Request, gen.QueryRolesResponse]{
			operations: []string{"security-query-roles", "security-query-roles-get"},
			read:       a.readQuery(query.Roles),
			do:         a.queryRoles,
			show:       okay[gen.QueryRolesResponse],
		},
		row[string, bool]{
			operations: []string{"security-delete-role"},
			read:       readParam("name"),
			do: func(ctx context.Context, _ call, name string) (bool, error) {
				return a.Roles.Delete(ctx, name)
			},
			show: showDeleted,
		},
	}
}

func (a *API) findRoles(ctx context.Context, _ call, s selection) (listing, error) {
	set, err := a.Roles.Get(ctx, s.names)
	if err != nil {
		return listing{}, err
	}
	shown, err := showDescriptors(set)
	return listing{shown, s.named && len(set) == 0}, err
}

func readPutRole(r request) (putRole, error) {
	name := r.params["name"]
	options := roledescriptor.Options{AllowDescription: true, AllowDataSources: r.dataSources}
	descriptor, err := roledescriptor.Parse(name, r.body, options)
	return putRole{name, descriptor}, err
}

func readRoles(r request) (roledescriptor.Set, error) {
	const member = "roles"
	var set roledescriptor.Set
	options := roledescriptor.Options{AllowDescription: true, AllowDataSources: r.dataSources}
	err := xcontent.Parser{
		Name:     "bulk_update_roles_request_payload",
		Fields:   map[string]xcontent.Field{member: roledescriptor.NamedField(member, &set, options)},
		Required: []string{member},
	}.Read(r.body)
	return set, err
}

func readRoleNamesToDelete(body any) ([]string, error) {
	const member = "names"
	var names []string
	err := xcontent.Parser{
		Name:     "bulk_delete_roles_request",
		Fields:   map[string]xcontent.Field{member: xcontent.Texts(&names)},
		Required: []string{member},
	}.Read(body)
	return names, err
}

func showPutRoles(outcome role.Outcome) (response, error) {
	return ok(gen.BulkPutRolesResponse{
		Created: anyTexts(outcome.Created),
		Updated: anyTexts(outcome.Updated),
		Noop:    anyTexts(outcome.Unchanged),
		Errors:  showFailed(outcome.Failed),
	})
}

func showDeletedRoles(outcome role.Outcome) (response, error) {
	return ok(gen.BulkDeleteRolesResponse{
		Deleted:  anyTexts(outcome.Deleted),
		NotFound: anyTexts(outcome.Missing),
		Errors:   showFailed(outcome.Failed),
	})
}
