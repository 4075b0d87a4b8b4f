package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/query"
)

// keyQuery is a search for keys.
type keyQuery struct {
	query *query.Request
	// limits adds the role descriptors that limit each key, typed the types of aggregations to their names, and
	// profiles the ids of the owners' profiles.
	limits, typed, profiles bool
}

// userQuery is a search for users.
type userQuery struct {
	query *query.Request
	// profiles adds the ids of their profiles.
	profiles bool
}

func (a *API) readKeyQuery(r request) (keyQuery, error) {
	parsed, err := query.Keys.Parse(r.body, a.Now())
	return keyQuery{parsed, r.flag("with_limited_by"), r.flag("typed_keys"), r.flag(withProfileUID)}, err
}

// readQuery returns the read function of a row that reads a query alone.
func (a *API) readQuery(subject query.Subject) func(request) (*query.Request, error) {
	return bodyOf(func(body any) (*query.Request, error) { return subject.Parse(body, a.Now()) })
}

func (a *API) queryRoles(ctx context.Context, _ call, q *query.Request) (gen.QueryRolesResponse, error) {
	response := gen.QueryRolesResponse{Roles: []gen.RoleFound{}}
	found, err := a.Roles.Query(ctx, q)
	if err != nil {
		return response, err
	}

	response.Total, response.Count = found.Total, len(found.Page)
	for _, hit := range found.Page {
		shown, err := showDescriptor(hit.Descriptor)
		if err != nil {
			return response, err
		}
		response.Roles = append(response.Roles, gen.RoleFound{
			Name:              hit.Name,
			Cluster:           shown.Cluster,
			Global:            shown.Global,
			Indices:           shown.Indices,
			Applications:      shown.Applications,
			RunAs:             shown.RunAs,
			Metadata:          shown.Metadata,
			TransientMetadata: shown.TransientMetadata,
			RemoteIndices:     shown.RemoteIndices,
			RemoteCluster:     shown.RemoteCluster,
			Description:       shown.Description,
			SortValues:        hit.Sort,
		})
	}
	return response, nil
}

func (a *API) queryUsers(ctx context.Context, _ call, q userQuery) (gen.QueryUsersResponse, error) {
	response := gen.QueryUsersResponse{Users: []gen.UserFound{}}
	found, err := a.Users.Query(ctx, q.query)
	if err != nil {
		return response, err
	}
	names := convert.Each(found.Page, func(hit user.Hit) string { return hit.Name })
	uids, err := a.profileUIDs(ctx, q.profiles, names)
	if err != nil {
		return response, err
	}

	response.Total, response.Count = found.Total, len(found.Page)
	for _, hit := range found.Page {
		shown, err := showUser(hit.User)
		if err != nil {
			return response, err
		}
		response.Users = append(response.Users, gen.UserFound{
			Username:   shown.Username,
			Roles:      shown.Roles,
			FullName:   shown.FullName,
			Email:      shown.Email,
			Metadata:   shown.Metadata,
			Enabled:    shown.Enabled,
			ProfileUID: profileUID(uids, shown.Username),
			SortValues: hit.Sort,
		})
	}
	return response, nil
}

func (a *API) queryKeys(ctx context.Context, caller call, q keyQuery) (gen.QueryAPIKeysResponse, error) {
	response := gen.QueryAPIKeysResponse{APIKeys: []gen.APIKeyInformation{}}
	all := caller.Privileges.AllowsCluster(caller.action)
	found, err := a.Keys.Query(ctx, caller.Subject, q.query, all, q.limits)
	if err != nil {
		return response, err
	}

	owners := convert.Each(found.Page, func(hit apikey.Hit) string { return hit.UserName })
	uids, err := a.profileUIDs(ctx, q.profiles, owners)
	if err != nil {
		return response, err
	}

	shower := keyShower{}
	response.Total, response.Count = found.Total, len(found.Page)
	for _, hit := range found.Page {
		if err := ctx.Err(); err != nil {
			return response, err
		}
		key, err := shower.show(hit.View)
		if err != nil {
			return response, err
		}
		key.ProfileUID, key.SortValues = profileUID(uids, hit.UserName), hit.Sort
		response.APIKeys = append(response.APIKeys, key)
	}

	aggregations, err := found.Aggregations(q.typed)
	if aggregations != nil {
		response.Aggregations = new(gen.FreeObject(aggregations))
	}
	return response, err
}
