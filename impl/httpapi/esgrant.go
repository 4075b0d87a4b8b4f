package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/fault"
)

const (
	actionGrant        = "cluster:admin/xpack/security/api_key/grant"
	actionAuthenticate = "cluster:admin/xpack/security/user/authenticate"
)

// SecurityGrantAPIKey implements server.StrictServerInterface.
func (h *handlers) SecurityGrantAPIKey(ctx context.Context, _ server.SecurityGrantAPIKeyRequestObject) (server.SecurityGrantAPIKeyResponseObject, error) {
	created, err := h.grantKey(ctx)
	return server.SecurityGrantAPIKey200JSONResponse{SecurityAPIKeyCreatedJSONResponse: created}, err
}

// SecurityGrantAPIKeyPut implements server.StrictServerInterface.
func (h *handlers) SecurityGrantAPIKeyPut(ctx context.Context, _ server.SecurityGrantAPIKeyPutRequestObject) (server.SecurityGrantAPIKeyPutResponseObject, error) {
	created, err := h.grantKey(ctx)
	return server.SecurityGrantAPIKeyPut200JSONResponse{SecurityAPIKeyCreatedJSONResponse: created}, err
}

func (h *handlers) grantKey(ctx context.Context) (server.SecurityAPIKeyCreatedJSONResponse, error) {
	var none server.SecurityAPIKeyCreatedJSONResponse
	g, err := readGrant(documentOf(ctx))
	if err != nil {
		return none, err
	}
	if err := fault.Invalid(append(g.proxy.Problems(), g.key.Problems()...)); err != nil {
		return none, err
	}
	if err := subjectOf(ctx).Require(actionGrant); err != nil {
		return none, err
	}
	p, err := h.Auth.Represented(ctx, g.proxy)
	if err != nil {
		return none, err
	}
	// A key needs no second factor ever after, so whoever has one must have shown it: a password alone does not do.
	if err := h.Elevation.Require(p); err != nil {
		return none, err
	}
	owner, err := h.Access.Subject(ctx, p)
	if err != nil {
		return none, err
	}
	if g.runAs != "" {
		if owner, err = h.Access.RunAs(ctx, owner, g.runAs, actionAuthenticate); err != nil {
			return none, err
		}
	}
	return showCreated(h.Keys.Grant(ctx, owner, g.key))
}
