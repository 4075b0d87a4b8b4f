package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Elasticsearch's actions on users.
const (
	actionGetUsers       = "cluster:admin/xpack/security/user/get"
	actionPutUser        = "cluster:admin/xpack/security/user/put"
	actionDeleteUser     = "cluster:admin/xpack/security/user/delete"
	actionSetEnabled     = "cluster:admin/xpack/security/user/set_enabled"
	actionChangePassword = "cluster:admin/xpack/security/user/change_password"
)

// actor is who really changes a user, and what was proved of it.
func (h *handlers) actor(ctx context.Context) (identity.Principal, user.Proof) {
	by := subjectOf(ctx).By
	return by, h.proof(by)
}

// SecurityGetUsers implements server.StrictServerInterface.
func (h *handlers) SecurityGetUsers(ctx context.Context, _ server.SecurityGetUsersRequestObject) (server.SecurityGetUsersResponseObject, error) {
	users, err := h.findUsers(ctx, nil)
	return server.SecurityGetUsers200JSONResponse(users), err
}

// SecurityGetUser implements server.StrictServerInterface.
func (h *handlers) SecurityGetUser(ctx context.Context, r server.SecurityGetUserRequestObject) (server.SecurityGetUserResponseObject, error) {
	users, err := h.findUsers(ctx, list(r.Username))
	if err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return server.SecurityGetUser404JSONResponse(users), nil
	}
	return server.SecurityGetUser200JSONResponse(users), nil
}

func (h *handlers) findUsers(ctx context.Context, names []string) (server.SecurityUsers, error) {
	if err := subjectOf(ctx).Require(actionGetUsers); err != nil {
		return nil, err
	}
	users, err := h.Users.Natives(ctx, names)
	if err != nil {
		return nil, err
	}
	shown := make(server.SecurityUsers, len(users))
	for _, u := range users {
		if shown[u.Name], err = showUser(u); err != nil {
			return nil, err
		}
	}
	return shown, nil
}

func showUser(u user.User) (server.SecurityUser, error) {
	metadata, err := userMetadata(u)
	return server.SecurityUser{
		Username: u.Name, Roles: names(u.Roles), FullName: optional(u.FullName), Email: optional(u.Email), Metadata: metadata, Enabled: u.Enabled,
	}, err
}

// SecurityPutUser implements server.StrictServerInterface.
func (h *handlers) SecurityPutUser(ctx context.Context, r server.SecurityPutUserRequestObject) (server.SecurityPutUserResponseObject, error) {
	put, err := h.putUser(ctx, r.Username)
	return server.SecurityPutUser200JSONResponse{SecurityUserPutJSONResponse: put}, err
}

// SecurityPutUserPost implements server.StrictServerInterface.
func (h *handlers) SecurityPutUserPost(ctx context.Context, r server.SecurityPutUserPostRequestObject) (server.SecurityPutUserPostResponseObject, error) {
	put, err := h.putUser(ctx, r.Username)
	return server.SecurityPutUserPost200JSONResponse{SecurityUserPutJSONResponse: put}, err
}

func (h *handlers) putUser(ctx context.Context, name string) (server.SecurityUserPutJSONResponse, error) {
	var response server.SecurityUserPutJSONResponse
	n, err := readNative(documentOf(ctx))
	if err != nil {
		return response, err
	}
	if err := n.Check(name); err != nil {
		return response, err
	}
	if err := subjectOf(ctx).Require(actionPutUser); err != nil {
		return response, err
	}
	by, proof := h.actor(ctx)
	response.Created, err = h.Users.PutNative(ctx, by, name, n, proof)
	return response, err
}

// readNative reads a user. The name in the body is read and says nothing: that in the path counts.
func readNative(body any) (user.Native, error) {
	n := user.Native{Enabled: true}
	var name string
	err := xcontent.Parser{Name: "put_user_request", Fields: map[string]xcontent.Field{
		"password": xcontent.OptionalText(&n.Password), "password_hash": xcontent.OptionalText(&n.PasswordHash),
		"roles": xcontent.Texts(&n.Roles), "full_name": xcontent.OrNull(xcontent.OptionalText(&n.FullName)),
		"email": xcontent.OrNull(xcontent.OptionalText(&n.Email)), "metadata": xcontent.OrNull(xcontent.Object(&n.Metadata)),
		"enabled": xcontent.Boolean(&n.Enabled), "username": xcontent.Text(&name),
	}}.Read(body)
	return n, err
}

// SecurityDeleteUser implements server.StrictServerInterface.
func (h *handlers) SecurityDeleteUser(ctx context.Context, r server.SecurityDeleteUserRequestObject) (server.SecurityDeleteUserResponseObject, error) {
	if err := subjectOf(ctx).Require(actionDeleteUser); err != nil {
		return nil, err
	}
	by, proof := h.actor(ctx)
	found, err := h.Users.DeleteNative(ctx, by, r.Username, proof)
	if err != nil {
		return nil, err
	}
	if !found {
		return server.SecurityDeleteUser404JSONResponse{SecurityNothingDeletedJSONResponse: server.SecurityNothingDeletedJSONResponse{Found: false}}, nil
	}
	return server.SecurityDeleteUser200JSONResponse{SecurityDeletedJSONResponse: server.SecurityDeletedJSONResponse{Found: true}}, nil
}

// SecurityEnableUser implements server.StrictServerInterface.
func (h *handlers) SecurityEnableUser(ctx context.Context, r server.SecurityEnableUserRequestObject) (server.SecurityEnableUserResponseObject, error) {
	return server.SecurityEnableUser200JSONResponse{}, h.setEnabled(ctx, r.Username, true)
}

// SecurityEnableUserPost implements server.StrictServerInterface.
func (h *handlers) SecurityEnableUserPost(ctx context.Context, r server.SecurityEnableUserPostRequestObject) (server.SecurityEnableUserPostResponseObject, error) {
	return server.SecurityEnableUserPost200JSONResponse{}, h.setEnabled(ctx, r.Username, true)
}

// SecurityDisableUser implements server.StrictServerInterface.
func (h *handlers) SecurityDisableUser(ctx context.Context, r server.SecurityDisableUserRequestObject) (server.SecurityDisableUserResponseObject, error) {
	return server.SecurityDisableUser200JSONResponse{}, h.setEnabled(ctx, r.Username, false)
}

// SecurityDisableUserPost implements server.StrictServerInterface.
func (h *handlers) SecurityDisableUserPost(ctx context.Context, r server.SecurityDisableUserPostRequestObject) (server.SecurityDisableUserPostResponseObject, error) {
	return server.SecurityDisableUserPost200JSONResponse{}, h.setEnabled(ctx, r.Username, false)
}

func (h *handlers) setEnabled(ctx context.Context, name string, enabled bool) error {
	if err := subjectOf(ctx).Require(actionSetEnabled); err != nil {
		return err
	}
	by, proof := h.actor(ctx)
	return h.Users.SetEnabledNative(ctx, by, name, enabled, proof)
}
