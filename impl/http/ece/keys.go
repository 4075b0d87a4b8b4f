package ece

import (
	"bufio"
	"context"
	"encoding/json"
	"iter"
	"net/http"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// CreateAPIKey implements the generated interface.
func (a *API) CreateAPIKey(
	ctx context.Context, r server.CreateAPIKeyRequestObject,
) (server.CreateAPIKeyResponseObject, error) {
	if assignsRoles(r.Body.RoleAssignments) {
		return nil, fault.New(
			fault.KeyInvalidInput,
			"role_assignments: these are not available in a self-hosted installation",
			"role_assignments",
		)
	}

	key, credential, err := a.Keys.CreatePlain(ctx, edge.CallerOf(ctx), r.Body.Description, r.Body.Expiration)
	if err != nil {
		return nil, err
	}

	response := keyResponse(key)
	response.Key = new(credential.Encoded())
	return server.CreateAPIKey201JSONResponse{Body: response}, nil
}

// GetAPIKeys implements the generated interface.
func (a *API) GetAPIKeys(
	ctx context.Context, _ server.GetAPIKeysRequestObject,
) (server.GetAPIKeysResponseObject, error) {
	return keyList(a.Keys.List(ctx, edge.CallerOf(ctx).User)), nil
}

// GetAPIKey implements the generated interface.
func (a *API) GetAPIKey(ctx context.Context, r server.GetAPIKeyRequestObject) (server.GetAPIKeyResponseObject, error) {
	key, err := a.Keys.Get(ctx, apikey.Ref{User: edge.CallerOf(ctx).User, ID: r.APIKeyID})
	return server.GetAPIKey200JSONResponse{APIKeyJSONResponse: oneKey(key)}, err
}

// DeleteAPIKey implements the generated interface.
func (a *API) DeleteAPIKey(
	ctx context.Context, r server.DeleteAPIKeyRequestObject,
) (server.DeleteAPIKeyResponseObject, error) {
	err := a.Keys.Delete(ctx, apikey.Ref{User: edge.CallerOf(ctx).User, ID: r.APIKeyID})
	return server.DeleteAPIKey200JSONResponse{EmptyJSONResponse: empty()}, err
}

// DeleteAPIKeys implements the generated interface.
func (a *API) DeleteAPIKeys(
	ctx context.Context, r server.DeleteAPIKeysRequestObject,
) (server.DeleteAPIKeysResponseObject, error) {
	owner := edge.CallerOf(ctx).User
	refs := convert.Each(r.Body.Keys, func(id string) apikey.Ref { return apikey.Ref{User: owner, ID: id} })
	err := a.Keys.DeleteEach(ctx, refs)
	return server.DeleteAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, err
}

// GetUsersAPIKeys implements the generated interface.
func (a *API) GetUsersAPIKeys(
	ctx context.Context, _ server.GetUsersAPIKeysRequestObject,
) (server.GetUsersAPIKeysResponseObject, error) {
	return keyList(a.Keys.ListAll(ctx)), nil
}

// DeleteUsersAPIKeys implements the generated interface.
func (a *API) DeleteUsersAPIKeys(
	ctx context.Context, r server.DeleteUsersAPIKeysRequestObject,
) (server.DeleteUsersAPIKeysResponseObject, error) {
	var refs []apikey.Ref
	for _, each := range r.Body.UserAPIKeys {
		refs = append(refs, apikey.Ref{User: each.UserID, ID: each.APIKeyID})
	}
	err := a.Keys.DeleteEach(ctx, refs)
	return server.DeleteUsersAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, err
}

// GetUserAPIKeys implements the generated interface.
func (a *API) GetUserAPIKeys(
	ctx context.Context, r server.GetUserAPIKeysRequestObject,
) (server.GetUserAPIKeysResponseObject, error) {
	return keyList(a.Keys.List(ctx, r.UserID)), nil
}

// DeleteUserAPIKeys implements the generated interface.
func (a *API) DeleteUserAPIKeys(
	ctx context.Context, r server.DeleteUserAPIKeysRequestObject,
) (server.DeleteUserAPIKeysResponseObject, error) {
	err := a.Keys.DeleteAll(ctx, r.UserID)
	return server.DeleteUserAPIKeys200JSONResponse{EmptyJSONResponse: empty()}, err
}

// GetUserAPIKey implements the generated interface.
func (a *API) GetUserAPIKey(
	ctx context.Context, r server.GetUserAPIKeyRequestObject,
) (server.GetUserAPIKeyResponseObject, error) {
	key, err := a.Keys.Get(ctx, apikey.Ref{User: r.UserID, ID: r.APIKeyID})
	return server.GetUserAPIKey200JSONResponse{APIKeyJSONResponse: oneKey(key)}, err
}

// DeleteUserAPIKey implements the generated interface.
func (a *API) DeleteUserAPIKey(
	ctx context.Context, r server.DeleteUserAPIKeyRequestObject,
) (server.DeleteUserAPIKeyResponseObject, error) {
	err := a.Keys.Delete(ctx, apikey.Ref{User: r.UserID, ID: r.APIKeyID})
	return server.DeleteUserAPIKey200JSONResponse{EmptyJSONResponse: empty()}, err
}

func oneKey(key apikey.Key) server.APIKeyJSONResponse {
	return server.APIKeyJSONResponse{Body: keyResponse(key)}
}

// keyList is a response with keys. Each is encoded when it is read, so that of a long list only the answer is held in
// memory. After an error, the edge replaces the answer.
type keyList iter.Seq2[apikey.Key, error]

// VisitGetAPIKeysResponse implements server.GetAPIKeysResponseObject.
func (k keyList) VisitGetAPIKeysResponse(w http.ResponseWriter) error { return k.write(w) }

// VisitGetUsersAPIKeysResponse implements server.GetUsersAPIKeysResponseObject.
func (k keyList) VisitGetUsersAPIKeysResponse(w http.ResponseWriter) error { return k.write(w) }

// VisitGetUserAPIKeysResponse implements server.GetUserAPIKeysResponseObject.
func (k keyList) VisitGetUserAPIKeysResponse(w http.ResponseWriter) error { return k.write(w) }

func (k keyList) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)

	const partBytes = 64 << 10
	out := bufio.NewWriterSize(w, partBytes)
	before, end := `{"keys":[`, `{"keys":[]}`
	for key, err := range k {
		if err != nil {
			return err
		}
		text, err := json.Marshal(keyResponse(key))
		if err != nil {
			return err
		}
		if _, err := out.WriteString(before); err != nil {
			return err
		}
		if _, err := out.Write(text); err != nil {
			return err
		}
		before, end = ",", "]}"
	}
	if _, err := out.WriteString(end + "\n"); err != nil {
		return err
	}
	return out.Flush()
}

func keyResponse(key apikey.Key) server.APIKeyResponse {
	return server.APIKeyResponse{
		ID:             key.ID,
		UserID:         &key.UserName,
		Description:    key.Description,
		CreationDate:   key.CreatedAt,
		ExpirationDate: convert.Time(key.ExpiresAt),
	}
}
