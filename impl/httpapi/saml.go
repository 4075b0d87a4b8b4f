package httpapi

import (
	"bytes"
	"context"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// browserCookie binds a sign-in to a browser. Its prefix keeps it to this very host, by TLS (RFC 6265bis, section 4.1.3.2).
// The identity provider's page posts the answer, so it has to be sent from other sites.
const browserCookie = "__Host-sallyport-saml"

func setBrowser(value string, seconds int) *string {
	cookie := fmt.Sprintf("%s=%s; Path=/; Max-Age=%d; HttpOnly; Secure; SameSite=None", browserCookie, value, seconds)
	return &cookie
}

// SAMLInit implements server.StrictServerInterface.
func (h *handlers) SAMLInit(ctx context.Context, r server.SAMLInitRequestObject) (server.SAMLInitResponseObject, error) {
	redirect, err := h.SAML.Begin(ctx, value(r.Params.Realm), value(r.Params.State))
	if err != nil {
		return nil, err
	}
	headers := server.SAMLInit302ResponseHeaders{Location: redirect.URL}
	if redirect.Browser != "" {
		headers.SetCookie = setBrowser(redirect.Browser, int(saml.PendingTime.Seconds()))
	}
	return server.SAMLInit302JSONResponse{Body: server.EmptyResponse{}, Headers: headers}, nil
}

// SAMLCallback implements server.StrictServerInterface.
func (h *handlers) SAMLCallback(ctx context.Context, r server.SAMLCallbackRequestObject) (server.SAMLCallbackResponseObject, error) {
	signedIn, err := h.SAML.Finish(ctx, saml.Answer{
		Response: r.Body.SAMLResponse, RelayState: value(r.Body.RelayState), Browser: value(r.Params.Browser),
	})
	if err != nil {
		return nil, err
	}
	headers := server.SAMLCallback302ResponseHeaders{Location: signInPagePath + "#" + signedIn.Token.Value + "?state=" + percentEncode(signedIn.State)}
	if signedIn.Bound {
		headers.SetCookie = setBrowser("", 0)
	}
	return server.SAMLCallback302JSONResponse{Body: server.EmptyResponse{}, Headers: headers}, nil
}

// SAMLSingleLogout implements server.StrictServerInterface. An answer to a logout that began here has nothing more to end.
func (h *handlers) SAMLSingleLogout(ctx context.Context, r server.SAMLSingleLogoutRequestObject) (server.SAMLSingleLogoutResponseObject, error) {
	location := signInPagePath
	if r.Params.SAMLResponse == nil {
		var err error
		if location, err = h.SAML.SingleLogout(ctx, rawQueryOf(ctx)); err != nil {
			return nil, err
		}
	}
	return server.SAMLSingleLogout302JSONResponse{
		Body: server.EmptyResponse{}, Headers: server.SAMLSingleLogout302ResponseHeaders{Location: location},
	}, nil
}

type rawQueryKey struct{}

// keepQuery gives the one operation that needs it the query string as it came: that is what is signed.
func keepQuery(op operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if op.id != "saml-single-logout" {
			return next
		}
		return func(c echo.Context) error {
			r := c.Request()
			c.SetRequest(r.WithContext(context.WithValue(r.Context(), rawQueryKey{}, r.URL.RawQuery)))
			return next(c)
		}
	}
}

func rawQueryOf(ctx context.Context) string {
	query, _ := ctx.Value(rawQueryKey{}).(string)
	return query
}

// SAMLMetadata implements server.StrictServerInterface.
func (h *handlers) SAMLMetadata(_ context.Context, r server.SAMLMetadataRequestObject) (server.SAMLMetadataResponseObject, error) {
	body, err := h.SAML.Metadata(r.Params.Realm)
	return server.SAMLMetadata200ApplicationSamlmetadataXMLResponse{Body: bytes.NewReader(body), ContentLength: int64(len(body))}, err
}

// SAMLRefusals implements server.StrictServerInterface.
func (h *handlers) SAMLRefusals(ctx context.Context, _ server.SAMLRefusalsRequestObject) (server.SAMLRefusalsResponseObject, error) {
	list, err := h.SAML.Refusals(ctx)
	return server.SAMLRefusals200JSONResponse{Refusals: each(list, showRefusal)}, err
}

func showRefusal(r store.SAMLRefusal) server.SAMLRefusal {
	return server.SAMLRefusal{
		At: r.At, Realm: optional(r.Realm), Issuer: optional(r.Issuer), Reason: r.Reason, Address: optional(r.Address),
		RequestID: optional(r.RequestID), IssuedAt: moment(r.IssuedAt),
	}
}

// showMethods lists the realms that one can sign in at.
func showMethods(methods []saml.Method) []server.SSOAuthenticationMethodInfo {
	return each(methods, func(m saml.Method) server.SSOAuthenticationMethodInfo {
		return server.SSOAuthenticationMethodInfo{Name: m.Name, SSOType: server.SSOTypeSAML, URL: m.URL}
	})
}
