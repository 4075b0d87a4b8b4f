package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// SecurityChangePassword implements server.StrictServerInterface.
func (h *handlers) SecurityChangePassword(ctx context.Context, r server.SecurityChangePasswordRequestObject) (server.SecurityChangePasswordResponseObject, error) {
	return server.SecurityChangePassword200JSONResponse{}, h.changePassword(ctx, r.Username)
}

// SecurityChangePasswordPost implements server.StrictServerInterface.
func (h *handlers) SecurityChangePasswordPost(ctx context.Context, r server.SecurityChangePasswordPostRequestObject) (server.SecurityChangePasswordPostResponseObject, error) {
	return server.SecurityChangePasswordPost200JSONResponse{}, h.changePassword(ctx, r.Username)
}

// SecurityChangeOwnPassword implements server.StrictServerInterface.
func (h *handlers) SecurityChangeOwnPassword(ctx context.Context, _ server.SecurityChangeOwnPasswordRequestObject) (server.SecurityChangeOwnPasswordResponseObject, error) {
	return server.SecurityChangeOwnPassword200JSONResponse{}, h.changePassword(ctx, subjectOf(ctx).User)
}

// SecurityChangeOwnPasswordPost implements server.StrictServerInterface.
func (h *handlers) SecurityChangeOwnPasswordPost(ctx context.Context, _ server.SecurityChangeOwnPasswordPostRequestObject) (server.SecurityChangeOwnPasswordPostResponseObject, error) {
	return server.SecurityChangeOwnPasswordPost200JSONResponse{}, h.changePassword(ctx, subjectOf(ctx).User)
}

// changePassword needs no privilege for one's own password, which the domain guards by proof.
func (h *handlers) changePassword(ctx context.Context, name string) error {
	secret, err := readSecret(documentOf(ctx))
	if err != nil {
		return err
	}
	if err := secret.Check(name); err != nil {
		return err
	}
	by, proof := h.actor(ctx)
	if name != by.User {
		if err := subjectOf(ctx).Require(actionChangePassword); err != nil {
			return err
		}
	}
	return h.Users.ChangePasswordNative(ctx, by, name, secret, proof)
}

func readSecret(body any) (user.Secret, error) {
	var s user.Secret
	err := xcontent.Parser{Name: "change_password_request", Fields: map[string]xcontent.Field{
		"password": xcontent.OptionalText(&s.Password), "password_hash": xcontent.OptionalText(&s.PasswordHash),
	}}.Read(body)
	return s, err
}
