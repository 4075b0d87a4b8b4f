package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
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
			check:      func(in putRole) error { return role.Check(in.name, in.descriptor, a.Names) },
			do: func(ctx context.Context, _ call, in putRole) (bool, error) {
				return a.Roles.Put(ctx, in.name, in.descriptor)
			},
			show: func(created bool) (response, error) {
				return ok(gen.PutRoleResponse{Role: gen.CreatedResponse{Created: created}})
			},
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
