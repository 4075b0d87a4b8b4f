package ece

import (
	"context"
	"time"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/http/edge"
)

// EnableElevatedPermissions implements the generated interface.
func (a *API) EnableElevatedPermissions(
	ctx context.Context, r server.EnableElevatedPermissionsRequestObject,
) (server.EnableElevatedPermissionsResponseObject, error) {
	code := ""
	if r.Body != nil && r.Body.Token != nil {
		code = *r.Body.Token
	}
	token, err := a.Elevation.Elevate(ctx, edge.CallerOf(ctx), code)
	return server.EnableElevatedPermissions200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// DisableElevatedPermissions implements the generated interface.
func (a *API) DisableElevatedPermissions(
	ctx context.Context, _ server.DisableElevatedPermissionsRequestObject,
) (server.DisableElevatedPermissionsResponseObject, error) {
	token, err := a.Elevation.Lower(ctx, edge.CallerOf(ctx))
	return server.DisableElevatedPermissions200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// elevatedUntil returns the time until which a caller has elevated permissions, as far as the version that is served
// has them; zero for none.
func (a *API) elevatedUntil(p identity.Principal) time.Time {
	if a.Speaks.CodeAtSignIn {
		return time.Time{}
	}
	return p.ElevatedUntil
}

// GetTOTPDevice implements the generated interface.
func (a *API) GetTOTPDevice(
	ctx context.Context, _ server.GetTOTPDeviceRequestObject,
) (server.GetTOTPDeviceResponseObject, error) {
	d, err := a.Elevation.Device(ctx, edge.CallerOf(ctx))
	return server.GetTOTPDevice200JSONResponse{Body: server.TOTPDevice{
		Confirmed: d.Confirmed, CreatedAt: d.CreatedAt, RecoveryCodesLeft: d.RecoveryCodesLeft,
	}}, err
}

// EnrollTOTPDevice implements the generated interface.
func (a *API) EnrollTOTPDevice(
	ctx context.Context, _ server.EnrollTOTPDeviceRequestObject,
) (server.EnrollTOTPDeviceResponseObject, error) {
	e, err := a.Elevation.Enroll(ctx, edge.CallerOf(ctx))
	return server.EnrollTOTPDevice201JSONResponse{Body: server.TOTPEnrollment{Secret: e.Secret, URI: e.URI}}, err
}

// ConfirmTOTPDevice implements the generated interface.
func (a *API) ConfirmTOTPDevice(
	ctx context.Context, r server.ConfirmTOTPDeviceRequestObject,
) (server.ConfirmTOTPDeviceResponseObject, error) {
	codes, err := a.Elevation.Confirm(ctx, edge.CallerOf(ctx), r.Body.Token)
	return server.ConfirmTOTPDevice200JSONResponse{Body: server.RecoveryCodes{RecoveryCodes: codes}}, err
}

// RemoveTOTPDevice implements the generated interface.
func (a *API) RemoveTOTPDevice(
	ctx context.Context, _ server.RemoveTOTPDeviceRequestObject,
) (server.RemoveTOTPDeviceResponseObject, error) {
	err := a.Elevation.Remove(ctx, edge.CallerOf(ctx))
	return server.RemoveTOTPDevice200JSONResponse{EmptyJSONResponse: empty()}, err
}
