package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/saml"
)

// samlPrepare is a request to begin a sign-in.
type samlPrepare struct {
	saml.Selection

	relayState string
}

// samlLogout is a request to end the session of a token.
type samlLogout struct{ token, refresh string }

// samlInvalidate is a request to end the sessions that an identity provider names in a query.
type samlInvalidate struct {
	saml.Selection

	query string
}

func (a *API) samlOperations() []operation {
	return []operation{
		row[samlPrepare, saml.Prepared]{
			operations: []string{"security-saml-prepare-authentication"},
			read:       bodyOf(readSAMLPrepare),
			do: func(ctx context.Context, _ call, in samlPrepare) (saml.Prepared, error) {
				return a.SAML.Prepare(ctx, in.Selection, in.relayState)
			},
			show: func(p saml.Prepared) (response, error) {
				return ok(gen.SAMLPrepareResponse{Realm: p.Realm, ID: p.ID, Redirect: p.URL})
			},
		},
		row[saml.Brought, gen.SAMLAuthenticateResponse]{
			operations: []string{"security-saml-authenticate"},
			read:       bodyOf(readSAMLAuthenticate),
			do:         a.authenticateSAML,
			show:       okay[gen.SAMLAuthenticateResponse],
		},
		row[samlLogout, saml.LogoutRequest]{
			operations: []string{"security-saml-logout"},
			read:       bodyOf(readSAMLLogout),
			do: func(ctx context.Context, _ call, in samlLogout) (saml.LogoutRequest, error) {
				return a.SAML.Logout(ctx, in.token, in.refresh)
			},
			show: func(r saml.LogoutRequest) (response, error) {
				return ok(gen.SAMLLogoutResponse{ID: convert.Text(r.ID), Redirect: convert.Text(r.URL)})
			},
		},
		row[samlInvalidate, saml.Ended]{
			operations: []string{"security-saml-invalidate"},
			read:       bodyOf(readSAMLInvalidate),
			do: func(ctx context.Context, _ call, in samlInvalidate) (saml.Ended, error) {
				return a.SAML.Invalidate(ctx, in.Selection, in.query)
			},
			show: func(e saml.Ended) (response, error) {
				return ok(gen.SAMLInvalidateResponse{Realm: e.Realm, Invalidated: e.Sessions, Redirect: e.URL})
			},
		},
		row[string, []byte]{
			operations: []string{"security-saml-service-provider-metadata"},
			read:       readParam("realm_name"),
			do: func(_ context.Context, _ call, realm string) ([]byte, error) {
				return a.SAML.Metadata(realm)
			},
			show: func(metadata []byte) (response, error) {
				return ok(gen.SAMLMetadataResponse{Metadata: string(metadata)})
			},
		},
	}
}

func readSAMLPrepare(body any) (samlPrepare, error) {
	var in samlPrepare
	err := xcontent.Parser{Name: "saml_prepare_authn", Fields: map[string]xcontent.Field{
		"realm":       xcontent.Text(&in.Realm),
		"acs":         xcontent.Text(&in.ACS),
		"relay_state": xcontent.Text(&in.relayState),
	}}.Read(body)
	return in, err
}

func readSAMLAuthenticate(body any) (saml.Brought, error) {
	var in saml.Brought
	err := xcontent.Parser{Name: "saml_authenticate", Fields: map[string]xcontent.Field{
		"content": xcontent.Text(&in.Response),
		"ids":     xcontent.Texts(&in.IDs),
		"realm":   xcontent.OrNull(xcontent.Text(&in.Realm)),
	}, Required: []string{"content", "ids"}}.Read(body)
	return in, err
}

func readSAMLLogout(body any) (samlLogout, error) {
	var in samlLogout
	err := xcontent.Parser{Name: "saml_logout", Fields: map[string]xcontent.Field{
		"token":         xcontent.Text(&in.token),
		"refresh_token": xcontent.Text(&in.refresh),
	}, Required: []string{"token"}}.Read(body)
	return in, err
}

func readSAMLInvalidate(body any) (samlInvalidate, error) {
	var in samlInvalidate
	var other string
	err := xcontent.Parser{Name: "saml_invalidate_session", Fields: map[string]xcontent.Field{
		"query_string": xcontent.Text(&in.query),
		"queryString":  xcontent.Text(&other),
		"realm":        xcontent.Text(&in.Realm),
		"acs":          xcontent.Text(&in.ACS),
	}}.Read(body)
	switch {
	case err != nil:
		return in, err
	case (in.query == "") == (other == ""):
		return in, fault.New(fault.InvalidData, "one of [query_string] and [queryString] must be given", "query_string")
	case in.query == "":
		in.query = other
	}
	return in, nil
}

func (a *API) authenticateSAML(ctx context.Context, _ call, in saml.Brought) (gen.SAMLAuthenticateResponse, error) {
	granted, err := a.SAML.Authenticate(ctx, in)
	if err != nil {
		return gen.SAMLAuthenticateResponse{}, err
	}

	authentication, err := a.showSignedIn(ctx, user.OfRecord(granted.User))
	return gen.SAMLAuthenticateResponse{
		Username:       granted.User.Name,
		Realm:          granted.User.Realm,
		AccessToken:    granted.Tokens.Token.Value,
		RefreshToken:   granted.Tokens.Refresh,
		ExpiresIn:      int(granted.ExpiresIn.Seconds()),
		Authentication: authentication,
	}, err
}
