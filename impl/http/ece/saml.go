package ece

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// samlCookie is the prefix of the cookies that hold a browser's pending sign-ins; the number of a slot, from 1,
// follows. The browser sends a __Host- cookie to this host only, and only over TLS (RFC 6265bis, section 4.1.3.2). The
// identity provider's page posts the answer, so the cookies must be sent with requests from other sites.
const samlCookie = "__Host-sallyport-saml-"

// samlRedirect is the response of operations that change several cookies, which the generated response cannot.
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
		h.Add("Set-Cookie", fmt.Sprintf("%s%d=%s; Path=/; Max-Age=%d; HttpOnly; Secure; SameSite=None",
			samlCookie, change.Slot+1, change.Value, lifetime))
	}

	h.Set("Content-Type", "application/json")
	h.Set("Location", r.location)
	w.WriteHeader(http.StatusFound)
	_, err := w.Write([]byte("{}\n"))
	return err
}

// readCookies returns the values of the cookies by their slots.
func readCookies(slots ...*string) (cookies saml.Cookies) {
	for i, value := range slots {
		cookies[i] = convert.Value(value)
	}
	return cookies
}

// SAMLInit implements the generated interface.
func (a *API) SAMLInit(ctx context.Context, r server.SAMLInitRequestObject) (server.SAMLInitResponseObject, error) {
	p := r.Params
	cookies := readCookies(p.Cookie1, p.Cookie2, p.Cookie3, p.Cookie4, p.Cookie5)
	redirect, err := a.SAML.Begin(ctx, saml.Wish{
		Realm:  convert.Value(p.Realm),
		State:  convert.Value(p.State),
		Return: saml.Return{URL: convert.Value(p.ReturnURL), Challenge: convert.Value(p.CodeChallenge)},
	}, cookies)
	if err != nil {
		return nil, err
	}

	return samlRedirect{redirect.URL, redirect.Cookies}, nil
}

// SAMLCallback implements the generated interface.
func (a *API) SAMLCallback(
	ctx context.Context, r server.SAMLCallbackRequestObject,
) (server.SAMLCallbackResponseObject, error) {
	p := r.Params
	signedIn, err := a.SAML.Finish(ctx, saml.Answer{
		Response:   r.Body.SAMLResponse,
		RelayState: convert.Value(r.Body.RelayState),
		Cookies:    readCookies(p.Cookie1, p.Cookie2, p.Cookie3, p.Cookie4, p.Cookie5),
	})
	if err != nil {
		return nil, err
	}

	location, state := signInPagePath+"#"+signedIn.Token.Value+"?state=", percentEncode(signedIn.State)
	if signedIn.ReturnURL != "" { // it has no query
		location = signedIn.ReturnURL + "?code=" + signedIn.Code + "&state="
	}
	return samlRedirect{location + state, signedIn.Cookies}, nil
}

// SAMLToken implements the generated interface.
func (a *API) SAMLToken(ctx context.Context, r server.SAMLTokenRequestObject) (server.SAMLTokenResponseObject, error) {
	token, err := a.SAML.Redeem(ctx, saml.Redemption{
		Code:      r.Body.Code,
		Verifier:  r.Body.Verifier,
		ReturnURL: r.Body.ReturnURL,
	})
	return server.SAMLToken200JSONResponse{TokenJSONResponse: tokenResponse(token)}, err
}

// SAMLSingleLogout implements the generated interface. The answer to a logout that began here needs no action.
func (a *API) SAMLSingleLogout(
	ctx context.Context, r server.SAMLSingleLogoutRequestObject,
) (server.SAMLSingleLogoutResponseObject, error) {
	location := signInPagePath
	if r.Params.SAMLResponse == nil {
		var err error
		if location, err = a.SAML.SingleLogout(ctx, rawQueryOf(ctx)); err != nil {
			return nil, err
		}
	}

	return server.SAMLSingleLogout302JSONResponse{
		Body: server.EmptyResponse{}, Headers: server.SAMLSingleLogout302ResponseHeaders{Location: location},
	}, nil
}

// SAMLMetadata implements the generated interface.
func (a *API) SAMLMetadata(
	_ context.Context, r server.SAMLMetadataRequestObject,
) (server.SAMLMetadataResponseObject, error) {
	body, err := a.SAML.Metadata(r.Params.Realm)
	return server.SAMLMetadata200ApplicationSamlmetadataXMLResponse{
		Body:          bytes.NewReader(body),
		ContentLength: int64(len(body)),
	}, err
}

// SAMLRefusals implements the generated interface.
func (a *API) SAMLRefusals(
	ctx context.Context, _ server.SAMLRefusalsRequestObject,
) (server.SAMLRefusalsResponseObject, error) {
	own, unsolicited, err := a.SAML.Refusals(ctx)
	return server.SAMLRefusals200JSONResponse{Body: server.SAMLRefusals{
		Refusals:    convert.Each(own, showRefusal),
		Unsolicited: convert.Each(unsolicited, showRefusal),
	}}, err
}

func showRefusal(r store.SAMLRefusal) server.SAMLRefusal {
	return server.SAMLRefusal{
		At:        r.At,
		Realm:     convert.Text(r.Realm),
		Issuer:    convert.Text(r.Issuer),
		Reason:    r.Reason,
		Address:   convert.Text(r.Address),
		RequestID: convert.Text(r.RequestID),
		IssuedAt:  convert.Time(r.IssuedAt),
	}
}

// showMethods lists the realms that users can sign in at.
func (a *API) showMethods(methods []saml.Method) []server.SSOAuthenticationMethodInfo {
	begin := a.contract.Path("saml-init")
	return convert.Each(methods, func(m saml.Method) server.SSOAuthenticationMethodInfo {
		return server.SSOAuthenticationMethodInfo{
			Name:    m.Name,
			SSOType: server.SSOTypeSAML,
			URL:     begin + "?realm=" + url.QueryEscape(m.Realm),
		}
	})
}
