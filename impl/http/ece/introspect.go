package ece

import (
	"context"
	"time"

	server "github.com/sallyport/sallyport/gen/ece"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/http/convert"
)

// IntrospectToken implements the generated interface.
func (a *API) IntrospectToken(
	ctx context.Context, r server.IntrospectTokenRequestObject,
) (server.IntrospectTokenResponseObject, error) {
	described, err := a.introspect(ctx, r.Body.Token)
	return server.IntrospectToken200JSONResponse{Body: described}, err
}

// IntrospectTokens implements the generated interface.
func (a *API) IntrospectTokens(
	ctx context.Context, r server.IntrospectTokensRequestObject,
) (server.IntrospectTokensResponseObject, error) {
	results := make([]server.Introspection, len(r.Body.Tokens))
	for i, token := range r.Body.Tokens {
		var err error
		if results[i], err = a.introspect(ctx, token); err != nil {
			return nil, err
		}
	}
	return server.IntrospectTokens200JSONResponse{Body: server.IntrospectionBatch{Results: results}}, nil
}

func (a *API) introspect(ctx context.Context, credential string) (server.Introspection, error) {
	i, active, err := a.Auth.Introspect(ctx, credential)
	if !active {
		return server.Introspection{}, err
	}
	return showIntrospection(i), nil
}

// showIntrospection describes a valid credential.
func showIntrospection(i authn.Introspection) server.Introspection {
	p := i.Principal
	shown := server.Introspection{
		Active:    true,
		TokenType: new(server.IntrospectionTokenTypeBearer),
		Username:  &p.User,
		Sub:       &p.User,
		Iss:       convert.Text(i.Claims.Issuer),
		Jti:       convert.Text(p.TokenID),
		Iat:       seconds(i.IssuedAt),
		Exp:       seconds(p.Expires),
		Roles:     new(p.RoleNames()),
	}
	if i.Claims.Audience != "" {
		shown.Aud = &[]string{i.Claims.Audience}
	}

	switch p.Method {
	case identity.APIKey:
		shown.TokenType = new(server.IntrospectionTokenTypeAPIKey)
		shown.Credential = new(server.IntrospectionCredentialAPIKey)
		shown.APIKey = &server.IntrospectedAPIKey{ID: p.Key.ID, Name: p.Key.Name}
		shown.Roles = new(keyRoles(p))
	case identity.ServiceToken:
		shown.Credential = new(server.IntrospectionCredentialServiceToken)
	default:
		shown.Credential = new(server.IntrospectionCredentialSession)
	}
	return shown
}

// keyRoles returns the roles of the platform that an API key has. One with role descriptors has none. Roles of
// Elasticsearch are left out: a key has the privileges that they had when it was created or updated, whatever roles its
// owner got since.
func keyRoles(p identity.Principal) []string {
	if p.Key.Assigned != "" {
		return []string{}
	}
	platform, _ := identity.SplitRoles(p.Roles)
	return identity.Names(platform)
}

// seconds returns a time as a NumericDate of RFC 7519, or nil for the zero time.
func seconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.Unix())
}
