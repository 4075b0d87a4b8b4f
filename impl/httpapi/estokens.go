package httpapi

import (
	"context"

	"github.com/sallyport/sallyport/gen/server"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// Elasticsearch's actions on access tokens.
const (
	actionCreateToken     = "cluster:admin/xpack/security/token/create"
	actionRefreshToken    = "cluster:admin/xpack/security/token/refresh"
	actionInvalidateToken = "cluster:admin/xpack/security/token/invalidate"
)

// The types of grants (RFC 6749, section 4).
const (
	grantPassword          = "password"
	grantRefresh           = "refresh_token"
	grantClientCredentials = "client_credentials"
)

// tokenRequest is the body that gets an access token. What is not given is nil.
type tokenRequest struct {
	kind                                       string
	userName, password, refresh, scope, ticket *string
}

func readTokenRequest(body any) (tokenRequest, error) {
	var t tokenRequest
	err := xcontent.Parser{Name: "token_request", Fields: map[string]xcontent.Field{
		"grant_type": xcontent.Text(&t.kind), "username": xcontent.OptionalText(&t.userName), "password": xcontent.OptionalText(&t.password),
		"refresh_token": xcontent.OptionalText(&t.refresh), "scope": xcontent.OptionalText(&t.scope), "kerberos_ticket": xcontent.OptionalText(&t.ticket),
	}, Required: []string{"grant_type"}}.Read(body)
	return t, err
}

// problems are what is missing for the type of grant, and what is too much.
func (t tokenRequest) problems() []string {
	wanted, known := map[string][]string{
		grantPassword: {"username", "password"}, grantRefresh: {"refresh_token"}, grantClientCredentials: {},
	}[t.kind]
	if !known {
		return []string{"grant_type only supports the values: [password, refresh_token, client_credentials]"}
	}
	given := map[string]*string{"username": t.userName, "password": t.password, "refresh_token": t.refresh}
	var problems []string
	for _, name := range wanted {
		if given[name] == nil || *given[name] == "" {
			problems = append(problems, name+" is missing")
		}
		delete(given, name)
	}
	for _, name := range []string{"username", "password", "refresh_token"} {
		if given[name] != nil {
			problems = append(problems, name+" is not supported with the "+t.kind+" grant_type")
		}
	}
	if t.ticket != nil {
		problems = append(problems, "kerberos_ticket is not supported with the "+t.kind+" grant_type")
	}
	return problems
}

// SecurityGetToken implements server.StrictServerInterface.
func (h *handlers) SecurityGetToken(ctx context.Context, _ server.SecurityGetTokenRequestObject) (server.SecurityGetTokenResponseObject, error) {
	request, err := readTokenRequest(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := fault.Invalid(request.problems()); err != nil {
		return nil, err
	}
	grant, err := h.grantToken(ctx, request)
	if err != nil {
		return nil, err
	}
	subject, err := h.Access.Subject(ctx, identity.Principal{
		User: grant.User.Name, Roles: grant.User.Roles, Builtin: grant.User.Builtin, SAMLRealm: grant.User.SAMLRealm,
		Method: identity.Session,
	})
	if err != nil {
		return nil, err
	}
	authentication, err := showAuthentication(subject, grant.User)
	return server.SecurityGetToken200JSONResponse{SecurityTokenCreatedJSONResponse: server.SecurityTokenCreatedJSONResponse{
		AccessToken: grant.Access.Value, Type: "Bearer", ExpiresIn: int(grant.ExpiresIn.Seconds()), RefreshToken: optional(grant.Refresh),
		Authentication: authentication,
	}}, err
}

func (h *handlers) grantToken(ctx context.Context, request tokenRequest) (authn.Grant, error) {
	subject := subjectOf(ctx)
	if request.kind == grantRefresh {
		if err := subject.Require(actionRefreshToken); err != nil {
			return authn.Grant{}, err
		}
		return h.Auth.RefreshGrant(ctx, *request.refresh)
	}
	if err := subject.Require(actionCreateToken); err != nil {
		return authn.Grant{}, err
	}
	if request.kind == grantPassword {
		return h.Auth.PasswordGrant(ctx, *request.userName, *request.password)
	}
	return h.Auth.ClientCredentials(ctx, subject.Principal)
}

// SecurityInvalidateToken implements server.StrictServerInterface.
func (h *handlers) SecurityInvalidateToken(ctx context.Context, _ server.SecurityInvalidateTokenRequestObject) (server.SecurityInvalidateTokenResponseObject, error) {
	selection, err := readTokenSelection(documentOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := selection.Check(); err != nil {
		return nil, err
	}
	subject := subjectOf(ctx)
	if err := subject.Require(actionInvalidateToken); err != nil {
		return nil, err
	}
	invalidated, previously, err := h.Auth.InvalidateTokens(ctx, subject.By, selection)
	if err != nil {
		return nil, err
	}
	if invalidated+previously == 0 {
		return server.SecurityInvalidateToken404JSONResponse{}, nil
	}
	return server.SecurityInvalidateToken200JSONResponse{SecurityTokensInvalidatedJSONResponse: server.SecurityTokensInvalidatedJSONResponse{
		InvalidatedTokens: invalidated, PreviouslyInvalidatedTokens: previously,
	}}, nil
}

func readTokenSelection(body any) (authn.TokenSelection, error) {
	var s authn.TokenSelection
	err := xcontent.Parser{Name: "invalidate_token", Fields: map[string]xcontent.Field{
		"token": xcontent.Text(&s.Token), "refresh_token": xcontent.Text(&s.RefreshToken),
		"username": xcontent.Text(&s.UserName), "realm_name": xcontent.Text(&s.RealmName),
	}}.Read(body)
	return s, err
}
