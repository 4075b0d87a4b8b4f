package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/account"
)

// GetCurrentAccount implements server.StrictServerInterface.
func (h *handlers) GetCurrentAccount(ctx context.Context, _ server.GetCurrentAccountRequestObject) (server.GetCurrentAccountResponseObject, error) {
	found, err := h.Accounts.Get(ctx)
	return server.GetCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(found)}, err
}

// UpdateCurrentAccount implements server.StrictServerInterface.
func (h *handlers) UpdateCurrentAccount(ctx context.Context, r server.UpdateCurrentAccountRequestObject) (server.UpdateCurrentAccountResponseObject, error) {
	var trustAll *bool
	if r.Body.Trust != nil {
		trustAll = &r.Body.Trust.TrustAll
	}
	changed, err := h.Accounts.Replace(ctx, trustAll)
	return server.UpdateCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(changed)}, err
}

// PatchCurrentAccount implements server.StrictServerInterface.
func (h *handlers) PatchCurrentAccount(ctx context.Context, r server.PatchCurrentAccountRequestObject) (server.PatchCurrentAccountResponseObject, error) {
	patch, err := h.patches.read(*r.Body, "AccountPatch")
	if err != nil {
		return nil, err
	}
	changed, err := h.Accounts.Patch(ctx, patch)
	return server.PatchCurrentAccount200JSONResponse{AccountJSONResponse: accountResponse(changed)}, err
}

func accountResponse(found account.Account) server.AccountJSONResponse {
	return server.AccountJSONResponse{Body: server.AccountResponse{
		ID: found.ID, Trust: &server.AccountTrustSettings{TrustAll: found.TrustAll},
	}}
}
