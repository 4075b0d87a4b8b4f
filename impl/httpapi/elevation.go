package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
)

// EnableElevatedPermissions implements server.StrictServerInterface.
func (h *handlers) EnableElevatedPermissions(ctx context.Context, r server.EnableElevatedPermissionsRequestObject) (server.EnableElevatedPermissionsResponseObject, error) {
	code := ""
	if r.Body != nil && r.Body.Token != nil {
		code = *r.Body.Token
	}
	token, err := h.Elevation.Elevate(ctx, principalOf(ctx), code)
	return server.EnableElevatedPermissions200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// DisableElevatedPermissions implements server.StrictServerInterface.
func (h *handlers) DisableElevatedPermissions(ctx context.Context, _ server.DisableElevatedPermissionsRequestObject) (server.DisableElevatedPermissionsResponseObject, error) {
	token, err := h.Elevation.Lower(ctx, principalOf(ctx))
	return server.DisableElevatedPermissions200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// GetTOTPDevice implements server.StrictServerInterface.
func (h *handlers) GetTOTPDevice(ctx context.Context, _ server.GetTOTPDeviceRequestObject) (server.GetTOTPDeviceResponseObject, error) {
	d, err := h.Elevation.Device(ctx, principalOf(ctx))
	return server.GetTOTPDevice200JSONResponse{Body: server.TOTPDevice{
		Confirmed: d.Confirmed, CreatedAt: d.CreatedAt, RecoveryCodesLeft: d.RecoveryCodesLeft,
	}}, err
}

// EnrollTOTPDevice implements server.StrictServerInterface.
func (h *handlers) EnrollTOTPDevice(ctx context.Context, _ server.EnrollTOTPDeviceRequestObject) (server.EnrollTOTPDeviceResponseObject, error) {
	e, err := h.Elevation.Enroll(ctx, principalOf(ctx))
	return server.EnrollTOTPDevice201JSONResponse{Body: server.TOTPEnrollment{Secret: e.Secret, URI: e.URI}}, err
}

// ConfirmTOTPDevice implements server.StrictServerInterface.
func (h *handlers) ConfirmTOTPDevice(ctx context.Context, r server.ConfirmTOTPDeviceRequestObject) (server.ConfirmTOTPDeviceResponseObject, error) {
	codes, err := h.Elevation.Confirm(ctx, principalOf(ctx), r.Body.Token)
	return server.ConfirmTOTPDevice200JSONResponse{Body: server.RecoveryCodes{RecoveryCodes: codes}}, err
}

// RemoveTOTPDevice implements server.StrictServerInterface.
func (h *handlers) RemoveTOTPDevice(ctx context.Context, _ server.RemoveTOTPDeviceRequestObject) (server.RemoveTOTPDeviceResponseObject, error) {
	return server.RemoveTOTPDevice200JSONResponse{EmptyJSONResponse: empty()}, h.Elevation.Remove(ctx, principalOf(ctx))
}
