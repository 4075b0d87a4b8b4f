package httpapi

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
)

// GetCurrentUser implements server.StrictServerInterface.
func (h *handlers) GetCurrentUser(ctx context.Context, _ server.GetCurrentUserRequestObject) (server.GetCurrentUserResponseObject, error) {
	u, err := h.Users.Get(ctx, principalOf(ctx).User)
	return server.GetCurrentUser200JSONResponse{UserJSONResponse: userResponse(ctx, u)}, err
}

// UpdateCurrentUser implements server.StrictServerInterface.
func (h *handlers) UpdateCurrentUser(ctx context.Context, r server.UpdateCurrentUserRequestObject) (server.UpdateCurrentUserResponseObject, error) {
	patch, err := h.patches.read(*r.Body, "UserPatch")
	if err != nil {
		return nil, err
	}
	p := principalOf(ctx)
	u, err := h.Users.Patch(ctx, p, p.User, patch, h.proof(p))
	return server.UpdateCurrentUser200JSONResponse{UserJSONResponse: userResponse(ctx, u)}, err
}

// GetUsers implements server.StrictServerInterface.
func (h *handlers) GetUsers(ctx context.Context, r server.GetUsersRequestObject) (server.GetUsersResponseObject, error) {
	users, err := h.Users.List(ctx, r.Params.IncludeDisabled != nil && *r.Params.IncludeDisabled)
	list := []server.User{}
	for _, u := range users {
		list = append(list, userResponse(ctx, u).Body)
	}
	return server.GetUsers200JSONResponse{Body: server.UserList{Users: list}}, err
}

// GetUser implements server.StrictServerInterface.
func (h *handlers) GetUser(ctx context.Context, r server.GetUserRequestObject) (server.GetUserResponseObject, error) {
	u, err := h.Users.Get(ctx, r.UserName)
	return server.GetUser200JSONResponse{UserJSONResponse: userResponse(ctx, u)}, err
}

// CreateUser implements server.StrictServerInterface.
func (h *handlers) CreateUser(ctx context.Context, r server.CreateUserRequestObject) (server.CreateUserResponseObject, error) {
	n, err := newUser(*r.Body)
	if err != nil {
		return nil, err
	}
	n.By = principalOf(ctx)
	u, err := h.Users.Add(ctx, n)
	return server.CreateUser200JSONResponse{UserJSONResponse: userResponse(ctx, u)}, err
}

// UpdateUser implements server.StrictServerInterface.
func (h *handlers) UpdateUser(ctx context.Context, r server.UpdateUserRequestObject) (server.UpdateUserResponseObject, error) {
	patch, err := h.patches.read(*r.Body, "UserPatch")
	if err != nil {
		return nil, err
	}
	p := principalOf(ctx)
	u, err := h.Users.Patch(ctx, p, r.UserName, patch, h.proof(p))
	return server.UpdateUser200JSONResponse{UserJSONResponse: userResponse(ctx, u)}, err
}

// DeleteUser implements server.StrictServerInterface.
func (h *handlers) DeleteUser(ctx context.Context, r server.DeleteUserRequestObject) (server.DeleteUserResponseObject, error) {
	return server.DeleteUser200JSONResponse{EmptyJSONResponse: empty()}, h.Users.Delete(ctx, principalOf(ctx), r.UserName)
}

// UnlockUser implements server.StrictServerInterface.
func (h *handlers) UnlockUser(ctx context.Context, r server.UnlockUserRequestObject) (server.UnlockUserResponseObject, error) {
	p := principalOf(ctx)
	if err := h.Elevation.RequireFactor(p); err != nil {
		return nil, err
	}
	return server.UnlockUser200JSONResponse{EmptyJSONResponse: empty()}, h.Users.Unlock(ctx, p, r.UserName)
}

func (h *handlers) proof(p identity.Principal) user.Proof {
	return user.Proof{
		RecentPassword: h.Elevation.Recent(p), SecondFactor: h.Elevation.RequireFactor(p), Elevation: h.Elevation.Require(p),
	}
}

// newUser reads a user to be created. The schema is that of a user who is shown, so it has members that only the server
// sets.
func newUser(body server.User) (user.New, error) {
	for _, kept := range []struct {
		field string
		set   bool
	}{
		{"builtin", body.Builtin != nil}, {"metadata", body.Metadata != nil}, {"security.permissions", body.Security.Permissions != nil},
		{"security.elevated_permissions", body.Security.ElevatedPermissions != nil}, {"security.security_realm", body.Security.SecurityRealm != nil},
	} {
		if kept.set {
			return user.New{}, fault.New(fault.UserRestrictedField, kept.field+": this cannot be set", kept.field)
		}
	}
	return user.New{
		Name: body.UserName, FullName: value(body.FullName), Email: value(body.Email),
		Roles: value(body.Security.Roles), Password: value(body.Security.Password),
		Disabled: body.Security.Enabled != nil && !*body.Security.Enabled,
	}, nil
}

// value returns what a pointer points to, or nothing.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// userResponse shows a user, with ECE's roles only; whether elevated, only to the user.
func userResponse(ctx context.Context, u user.User) server.UserJSONResponse {
	elevated := server.ElevatedPermissions{}
	if p := principalOf(ctx); p.User == u.Name && !p.ElevatedUntil.IsZero() {
		elevated = server.ElevatedPermissions{Enabled: true, ExpiresAt: &p.ElevatedUntil}
	}
	realm := server.UserSecurityRealm{ID: "native", Type: server.RealmTypeNative}
	if u.SAMLRealm != "" {
		realm = server.UserSecurityRealm{ID: u.SAMLRealm, Type: server.RealmTypeSAML}
	}
	platform, _ := identity.SplitRoles(u.Roles)
	roles, permissions := names(platform), names(identity.Permissions(platform))
	return server.UserJSONResponse{Body: server.User{
		UserName: u.Name, FullName: optional(u.FullName), Email: optional(u.Email), Builtin: &u.Builtin,
		Security: server.UserSecurity{
			Enabled: &u.Enabled, Roles: &roles, Permissions: &permissions, ElevatedPermissions: &elevated,
			SecurityRealm: &realm,
		},
		Metadata: &server.UserMetadata{
			CreatedAt: moment(u.CreatedAt), CreatedBy: optional(u.CreatedBy), UpdatedAt: moment(u.UpdatedAt), UpdatedBy: optional(u.UpdatedBy),
			FirstLoginAt: moment(u.FirstLoginAt), LastLoginAt: moment(u.LastLoginAt),
		},
	}}
}

func names[T ~string](list []T) []string {
	texts := []string{}
	for _, each := range list {
		texts = append(texts, string(each))
	}
	return texts
}

// optional returns a pointer to a text, or nil for an empty one.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// moment returns a pointer to a time, or nil for one that never was.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
