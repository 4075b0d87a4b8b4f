package ece

import (
	"context"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// GetCurrentUser implements the generated interface.
func (a *API) GetCurrentUser(
	ctx context.Context, _ server.GetCurrentUserRequestObject,
) (server.GetCurrentUserResponseObject, error) {
	u, err := a.Users.Get(ctx, edge.CallerOf(ctx).User)
	return server.GetCurrentUser200JSONResponse{UserJSONResponse: a.userResponse(ctx, u)}, err
}

// UpdateCurrentUser implements the generated interface.
func (a *API) UpdateCurrentUser(
	ctx context.Context, r server.UpdateCurrentUserRequestObject,
) (server.UpdateCurrentUserResponseObject, error) {
	p := edge.CallerOf(ctx)
	u, err := a.patchUser(ctx, p, p.User, *r.Body)
	return server.UpdateCurrentUser200JSONResponse{UserJSONResponse: a.userResponse(ctx, u)}, err
}

// GetUsers implements the generated interface.
func (a *API) GetUsers(ctx context.Context, r server.GetUsersRequestObject) (server.GetUsersResponseObject, error) {
	users, err := a.Users.List(ctx, r.Params.IncludeDisabled != nil && *r.Params.IncludeDisabled)
	list := convert.Each(users, func(u user.User) server.User { return a.userResponse(ctx, u).Body })
	return server.GetUsers200JSONResponse{Body: server.UserList{Users: list}}, err
}

// GetUser implements the generated interface.
func (a *API) GetUser(ctx context.Context, r server.GetUserRequestObject) (server.GetUserResponseObject, error) {
	u, err := a.Users.Get(ctx, r.UserName)
	return server.GetUser200JSONResponse{UserJSONResponse: a.userResponse(ctx, u)}, err
}

// CreateUser implements the generated interface.
func (a *API) CreateUser(
	ctx context.Context, r server.CreateUserRequestObject,
) (server.CreateUserResponseObject, error) {
	n, err := newUser(*r.Body)
	if err != nil {
		return nil, err
	}
	n.By = edge.CallerOf(ctx)
	u, err := a.Users.Add(ctx, n)
	return server.CreateUser200JSONResponse{UserJSONResponse: a.userResponse(ctx, u)}, err
}

// UpdateUser implements the generated interface.
func (a *API) UpdateUser(
	ctx context.Context, r server.UpdateUserRequestObject,
) (server.UpdateUserResponseObject, error) {
	u, err := a.patchUser(ctx, edge.CallerOf(ctx), r.UserName, *r.Body)
	return server.UpdateUser200JSONResponse{UserJSONResponse: a.userResponse(ctx, u)}, err
}

// DeleteUser implements the generated interface.
func (a *API) DeleteUser(
	ctx context.Context, r server.DeleteUserRequestObject,
) (server.DeleteUserResponseObject, error) {
	err := a.Users.Delete(ctx, edge.CallerOf(ctx), r.UserName)
	return server.DeleteUser200JSONResponse{EmptyJSONResponse: empty()}, err
}

// UnlockUser implements the generated interface.
func (a *API) UnlockUser(
	ctx context.Context, r server.UnlockUserRequestObject,
) (server.UnlockUserResponseObject, error) {
	p := edge.CallerOf(ctx)
	if err := a.Elevation.RequireFactor(p); err != nil {
		return nil, err
	}
	err := a.Users.Unlock(ctx, p, r.UserName)
	return server.UnlockUser200JSONResponse{EmptyJSONResponse: empty()}, err
}

func (a *API) proof(p identity.Principal) user.Proof { return edge.ProofOf(a.Elevation, p) }

// newUser reads a user to be created. Its schema has members that only the server sets, because ECE's has them.
func newUser(body server.CreateUserRequest) (user.New, error) {
	for _, kept := range []struct {
		field string
		set   bool
	}{
		{"builtin", body.Builtin != nil},
		{"metadata", body.Metadata != nil},
		{"security.permissions", body.Security.Permissions != nil},
		{"security.elevated_permissions", body.Security.ElevatedPermissions != nil},
		{"security.security_realm", body.Security.SecurityRealm != nil},
	} {
		if kept.set {
			return user.New{}, fault.New(fault.UserRestrictedField, kept.field+": this cannot be set", kept.field)
		}
	}

	return user.New{
		Name:     body.UserName,
		FullName: convert.Value(body.FullName),
		Email:    convert.Value(body.Email),
		Roles:    convert.Value(body.Security.Roles),
		Password: convert.Value(body.Security.Password),
		Disabled: body.Security.Enabled != nil && !*body.Security.Enabled,
	}, nil
}

// userResponse shows a user with ECE's roles only. Only the user sees their own elevation.
func (a *API) userResponse(ctx context.Context, u user.User) server.UserJSONResponse {
	elevated := server.ElevatedPermissions{}
	p := edge.CallerOf(ctx)
	if until := a.elevatedUntil(p); p.User == u.Name && !until.IsZero() {
		elevated = server.ElevatedPermissions{Enabled: true, ExpiresAt: &until}
	}

	realm := server.UserSecurityRealm{ID: "native", Type: server.RealmTypeNative}
	if u.SAMLRealm != "" {
		realm = server.UserSecurityRealm{ID: u.SAMLRealm, Type: server.RealmTypeSAML}
	}

	platform, _ := identity.SplitRoles(u.Roles)
	roles, permissions := convert.Strings(platform), convert.Strings(a.grants.Permissions(platform))
	return server.UserJSONResponse{Body: server.User{
		UserName: u.Name,
		FullName: convert.Text(u.FullName),
		Email:    convert.Text(u.Email),
		Builtin:  &u.Builtin,
		Security: server.UserSecurity{
			Enabled:             &u.Enabled,
			Roles:               &roles,
			Permissions:         &permissions,
			ElevatedPermissions: &elevated,
			SecurityRealm:       &realm,
		},
		Metadata: &server.UserMetadata{
			CreatedAt:    convert.Time(u.CreatedAt),
			CreatedBy:    convert.Text(u.CreatedBy),
			UpdatedAt:    convert.Time(u.UpdatedAt),
			UpdatedBy:    convert.Text(u.UpdatedBy),
			FirstLoginAt: convert.Time(u.FirstLoginAt),
			LastLoginAt:  convert.Time(u.LastLoginAt),
		},
	}}
}
