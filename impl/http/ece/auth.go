package ece

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/http/edge"
)

const refreshPath = "/api/v1/users/auth/_refresh"

// Login implements the generated interface.
func (a *API) Login(ctx context.Context, r server.LoginRequestObject) (server.LoginResponseObject, error) {
	var path *string
	if r.Body.LoginState != nil {
		path = r.Body.LoginState.Path
	}

	if path != nil {
		if err := authn.CheckReturnPath(*path); err != nil {
			return nil, err
		}
	}

	token, err := a.Auth.Login(ctx, r.Body.Username, r.Body.Password, convert.Value(r.Body.Token))
	if err != nil {
		return nil, err
	}
	if path == nil {
		return server.Login200JSONResponse{TokenJSONResponse: tokenResponse(token)}, nil
	}

	location := signInPagePath + "#" + token.Value + "?state=" + percentEncode(*path)
	return server.Login302JSONResponse{
		Body:    server.EmptyResponse{},
		Headers: server.Login302ResponseHeaders{Location: location},
	}, nil
}

// RefreshToken implements the generated interface.
func (a *API) RefreshToken(
	ctx context.Context, _ server.RefreshTokenRequestObject,
) (server.RefreshTokenResponseObject, error) {
	token, err := a.Auth.Refresh(ctx, edge.CallerOf(ctx))
	return server.RefreshToken200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// Logout implements the generated interface.
func (a *API) Logout(ctx context.Context, _ server.LogoutRequestObject) (server.LogoutResponseObject, error) {
	p := edge.CallerOf(ctx)
	logout, err := a.SAML.LogoutURL(ctx, p)
	if err != nil { // the session must end here, even if it cannot be ended at the identity provider
		a.Log.WarnContext(ctx, "identity provider session not ended", "user", p.User, "error", err)
	}

	response := server.Logout200JSONResponse{Body: server.EmptyResponse{}}
	if logout != "" {
		response.Headers.Link = new(fmt.Sprintf(`<%s>; rel="https://github.com/sallyport/sallyport#single-sign-on"`, logout))
	}

	return response, a.Auth.Logout(ctx, p)
}

// GetAuthenticationInfo implements the generated interface.
func (a *API) GetAuthenticationInfo(
	ctx context.Context, _ server.GetAuthenticationInfoRequestObject,
) (server.GetAuthenticationInfoResponseObject, error) {
	p := edge.CallerOf(ctx)
	elevatedUntil := a.elevatedUntil(p)
	return server.GetAuthenticationInfo200JSONResponse{Body: server.AuthenticationInfo{
		HasTOTPDevice:               &p.HasTOTP,
		TOTPDeviceSource:            new("native"),
		RefreshTokenURL:             refreshPath,
		HasElevatedPermissions:      !elevatedUntil.IsZero(),
		ElevatedPermissionsExpireAt: convert.Time(elevatedUntil),
		ExpiresAt:                   convert.Time(p.Expires),
	}}, nil
}

// Methods implements the generated interface.
func (a *API) Methods(context.Context, server.MethodsRequestObject) (server.MethodsResponseObject, error) {
	methods := a.showMethods(a.SAML.Methods())
	return server.Methods200JSONResponse{
		Password:   true,
		SAML:       len(methods) > 0,
		SSOMethods: methods,
	}, nil
}

func tokenResponse(t session.Token) server.TokenJSONResponse {
	return server.TokenJSONResponse{Token: t.Value, SessionExpirationTime: t.ExpiresAt}
}

func empty() server.EmptyJSONResponse { return server.EmptyJSONResponse{Body: server.EmptyResponse{}} }

// percentEncode encodes everything but letters, digits and "-_.~" (RFC 3986, section 2.3). A space becomes %20.
func percentEncode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
