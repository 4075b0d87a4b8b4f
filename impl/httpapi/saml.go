package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/saml"
)

// samlCookie is what the cookies are called that hold a browser's pending sign-ins; the number of a slot, from 1, follows.
// The prefix keeps them to this very host, by TLS (RFC 6265bis, section 4.1.3.2). The identity provider's page posts the
// answer, so they have to be sent from other sites.
const samlCookie = "__Host-sallyport-saml-"

// samlInitPath is the path of the operation that begins a sign-in.
const samlInitPath = "/api/v1/users/auth/saml/_init"

// samlRedirect is the generated response of operations that change several cookies, which the generated one cannot.
type samlRedirect struct {
	location string
	cookies  []saml.CookieChange
}

// VisitSAMLInitResponse implements server.SAMLInitResponseObject.
func (r samlRedirect) VisitSAMLInitResponse(w http.ResponseWriter) error { return r.write(w) }

// VisitSAMLCallbackResponse implements server.SAMLCallbackResponseObject.
func (r samlRedirect) VisitSAMLCallbackResponse(w http.ResponseWriter) error { return r.write(w) }

func (r samlRedirect) write(w http.ResponseWriter) error {
	h := w.Header()
	for _, change := range r.cookies {
		lifetime := int(saml.PendingTime.Seconds())
		if change.Value == "" {
			lifetime = 0
		}
		h.Add("Set-Cookie", fmt.Sprintf("%s%d=%s; Path=/; Max-Age=%d; HttpOnly; Secure; SameSite=None", samlCookie, change.Slot+1, change.Value, lifetime))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Location", r.location)
	w.WriteHeader(http.StatusFound)
	_, err := w.Write([]byte("{}\n"))
	return err
}

// SAMLInit implements server.StrictServerInterface.
func (h *handlers) SAMLInit(ctx context.Context, r server.SAMLInitRequestObject) (server.SAMLInitResponseObject, error) {
	p := r.Params
	cookies := saml.Cookies{value(p.Cookie1), value(p.Cookie2), value(p.Cookie3), value(p.Cookie4), value(p.Cookie5)}
	redirect, err := h.SAML.Begin(ctx, value(p.Realm), value(p.State), cookies)
	if err != nil {
		return nil, err
	}
	return samlRedirect{redirect.URL, redirect.Cookies}, nil
}

// SAMLCallback implements server.StrictServerInterface.
func (h *handlers) SAMLCallback(ctx context.Context, r server.SAMLCallbackRequestObject) (server.SAMLCallbackResponseObject, error) {
	p := r.Params
	signedIn, err := h.SAML.Finish(ctx, saml.Answer{
		Response: r.Body.SAMLResponse, RelayState: value(r.Body.RelayState),
		Cookies: saml.Cookies{value(p.Cookie1), value(p.Cookie2), value(p.Cookie3), value(p.Cookie4), value(p.Cookie5)},
	})
	if err != nil {
		return nil, err
	}
	return samlRedirect{signInPagePath + "#" + signedIn.Token.Value + "?state=" + percentEncode(signedIn.State), signedIn.Cookies}, nil
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
	own, unsolicited, err := h.SAML.Refusals(ctx)
	return server.SAMLRefusals200JSONResponse{Refusals: each(own, showRefusal), Unsolicited: each(unsolicited, showRefusal)}, err
}

func showRefusal(r saml.Refusal) server.SAMLRefusal {
	return server.SAMLRefusal{
		At: r.At, Realm: optional(r.Realm), Issuer: optional(r.Issuer), Reason: r.Reason, Address: optional(r.Address),
		RequestID: optional(r.RequestID), IssuedAt: moment(r.IssuedAt),
	}
}

// showMethods lists the realms that one can sign in at.
func showMethods(methods []saml.Method) []server.SSOAuthenticationMethodInfo {
	return each(methods, func(m saml.Method) server.SSOAuthenticationMethodInfo {
		return server.SSOAuthenticationMethodInfo{Name: m.Name, SSOType: server.SSOTypeSAML, URL: samlInitPath + "?realm=" + url.QueryEscape(m.Realm)}
	})
}
