package ece

import (
	"context"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/account"
)

// GetCurrentAccount implements the generated interface.
func (a *API) GetCurrentAccount(
	ctx context.Context, _ server.GetCurrentAccountRequestObject,
) (server.GetCurrentAccountResponseObject, error) {
	found, err := a.Accounts.Get(ctx)
	return server.GetCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(found)}, err
}

// UpdateCurrentAccount implements the generated interface.
func (a *API) UpdateCurrentAccount(
	ctx context.Context, r server.UpdateCurrentAccountRequestObject,
) (server.UpdateCurrentAccountResponseObject, error) {
	var trustAll *bool
	if r.Body.Trust != nil {
		trustAll = &r.Body.Trust.TrustAll
	}
	changed, err := a.Accounts.Replace(ctx, trustAll)
	return server.UpdateCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(changed)}, err
}

// PatchCurrentAccount implements the generated interface.
func (a *API) PatchCurrentAccount(
	ctx context.Context, r server.PatchCurrentAccountRequestObject,
) (server.PatchCurrentAccountResponseObject, error) {
	patch, err := a.readPatch(*r.Body, "AccountPatch")
	if err != nil {
		return nil, err
	}
	changed, err := a.Accounts.Patch(ctx, patch)
	return server.PatchCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(changed)}, err
}

func accountResponse(found account.Account) server.AccountJSONResponse {
	return server.AccountJSONResponse{Body: server.AccountResponse{
		ID: found.ID, Trust: &server.AccountTrustSettings{TrustAll: found.TrustAll},
	}}
}
