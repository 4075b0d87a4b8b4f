package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/fault"
)

// CreateAPIKey implements server.StrictServerInterface.
func (h *handlers) CreateAPIKey(ctx context.Context, r server.CreateAPIKeyRequestObject) (server.CreateAPIKeyResponseObject, error) {
	if assignsRoles(r.Body.RoleAssignments) {
		return nil, fault.New(fault.KeyInvalidInput, "role_assignments: these are not available in a self-hosted installation", "role_assignments")
	}
	key, credential, err := h.Keys.CreatePlain(ctx, principalOf(ctx), r.Body.Description, r.Body.Expiration)
	if err != nil {
		return nil, err
	}
	response := keyResponse(key)
	encoded := credential.Encoded()
	response.Key = &encoded
	return server.CreateAPIKey201JSONResponse{Body: response}, nil
}

// GetAPIKeys implements server.StrictServerInterface.
func (h *handlers) GetAPIKeys(ctx context.Context, _ server.GetAPIKeysRequestObject) (server.GetAPIKeysResponseObject, error) {
	keys, err := h.Keys.List(ctx, principalOf(ctx).User)
	return server.GetAPIKeys200JSONResponse{APIKeysJSONResponse: keysResponse(keys)}, err
}

// GetAPIKey implements server.StrictServerInterface.
func (h *handlers) GetAPIKey(ctx context.Context, r server.GetAPIKeyRequestObject) (server.GetAPIKeyResponseObject, error) {
	key, err := h.Keys.Get(ctx, apikey.Ref{User: principalOf(ctx).User, ID: r.APIKeyID})
	return server.GetAPIKey200JSONResponse{APIKeyJSONResponse: oneKey(key)}, err
}

// DeleteAPIKey implements server.StrictServerInterface.
func (h *handlers) DeleteAPIKey(ctx context.Context, r server.DeleteAPIKeyRequestObject) (server.DeleteAPIKeyResponseObject, error) {
	err := h.Keys.Delete(ctx, apikey.Ref{User: principalOf(ctx).User, ID: r.APIKeyID})
	return server.DeleteAPIKey200JSONResponse{EmptyJSONResponse: empty()}, err
}

// DeleteAPIKeys implements server.StrictServerInterface.
func (h *handlers) DeleteAPIKeys(ctx context.Context, r server.DeleteAPIKeysRequestObject) (server.DeleteAPIKeysResponseObject, error) {
	var refs []apikey.Ref
	for _, id := range r.Body.Keys {
		refs = append(refs, apikey.Ref{User: principalOf(ctx).User, ID: id})
	}
	return server.DeleteAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, h.Keys.DeleteEach(ctx, refs)
}

// GetUsersAPIKeys implements server.StrictServerInterface.
func (h *handlers) GetUsersAPIKeys(ctx context.Context, _ server.GetUsersAPIKeysRequestObject) (server.GetUsersAPIKeysResponseObject, error) {
	keys, err := h.Keys.ListAll(ctx)
	return server.GetUsersAPIKeys200JSONResponse{APIKeysJSONResponse: keysResponse(keys)}, err
}

// DeleteUsersAPIKeys implements server.StrictServerInterface.
func (h *handlers) DeleteUsersAPIKeys(ctx context.Context, r server.DeleteUsersAPIKeysRequestObject) (server.DeleteUsersAPIKeysResponseObject, error) {
	var refs []apikey.Ref
	for _, each := range r.Body.UserAPIKeys {
		refs = append(refs, apikey.Ref{User: each.UserID, ID: each.APIKeyID})
	}
	return server.DeleteUsersAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, h.Keys.DeleteEach(ctx, refs)
}

// GetUserAPIKeys implements server.StrictServerInterface.
func (h *handlers) GetUserAPIKeys(ctx context.Context, r server.GetUserAPIKeysRequestObject) (server.GetUserAPIKeysResponseObject, error) {
	keys, err := h.Keys.List(ctx, r.UserID)
	return server.GetUserAPIKeys200JSONResponse{APIKeysJSONResponse: keysResponse(keys)}, err
}

// DeleteUserAPIKeys implements server.StrictServerInterface.
func (h *handlers) DeleteUserAPIKeys(ctx context.Context, r server.DeleteUserAPIKeysRequestObject) (server.DeleteUserAPIKeysResponseObject, error) {
	return server.DeleteUserAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, h.Keys.DeleteAll(ctx, r.UserID)
}

// GetUserAPIKey implements server.StrictServerInterface.
func (h *handlers) GetUserAPIKey(ctx context.Context, r server.GetUserAPIKeyRequestObject) (server.GetUserAPIKeyResponseObject, error) {
	key, err := h.Keys.Get(ctx, apikey.Ref{User: r.UserID, ID: r.APIKeyID})
	return server.GetUserAPIKey200JSONResponse{APIKeyJSONResponse: oneKey(key)}, err
}

// DeleteUserAPIKey implements server.StrictServerInterface.
func (h *handlers) DeleteUserAPIKey(ctx context.Context, r server.DeleteUserAPIKeyRequestObject) (server.DeleteUserAPIKeyResponseObject, error) {
	err := h.Keys.Delete(ctx, apikey.Ref{User: r.UserID, ID: r.APIKeyID})
	return server.DeleteUserAPIKey200JSONResponse{EmptyJSONResponse: empty()}, err
}

// assignsRoles tells whether there is any role in the assignments: empty lists are as good as none.
func assignsRoles(r *server.RoleAssignments) bool {
	if r == nil {
		return false
	}
	project := r.Project
	if project == nil {
		project = &server.ProjectRoleAssignments{}
	}
	return some(r.Platform) || some(r.Organization) || some(r.Deployment) ||
		some(project.Elasticsearch) || some(project.Observability) || some(project.Security)
}

func some[T any](list *[]T) bool { return list != nil && len(*list) > 0 }

func oneKey(key apikey.Key) server.APIKeyJSONResponse {
	return server.APIKeyJSONResponse{Body: keyResponse(key)}
}

func keysResponse(keys []apikey.Key) server.APIKeysJSONResponse {
	list := []server.APIKeyResponse{}
	for _, key := range keys {
		list = append(list, keyResponse(key))
	}
	return server.APIKeysJSONResponse{Body: server.APIKeysResponse{Keys: list}}
}

func keyResponse(key apikey.Key) server.APIKeyResponse {
	response := server.APIKeyResponse{ID: key.ID, UserID: &key.UserName, Description: key.Description, CreationDate: key.CreatedAt}
	if !key.ExpiresAt.IsZero() {
		response.ExpirationDate = &key.ExpiresAt
	}
	return response
}
