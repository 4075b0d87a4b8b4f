package elastic

import (
	"context"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

func (a *API) tokenOperations() []operation {
	return []operation{
		row[tokenRequest, gen.GetTokenResponse]{
			operations: []string{"security-get-token"},
			read:       bodyOf(readTokenRequest),
			check:      func(t tokenRequest) error { return fault.Invalid(t.problems()) },
			authorize:  mayGetToken,
			do:         a.getToken,
			show:       okay[gen.GetTokenResponse],
		},
		row[authn.TokenSelection, invalidatedTokens]{
			operations: []string{"security-invalidate-token"},
			read:       bodyOf(readTokenSelection),
			check:      authn.TokenSelection.Check,
			do: func(ctx context.Context, caller call, s authn.TokenSelection) (i invalidatedTokens, err error) {
				i.now, i.before, err = a.Auth.InvalidateTokens(ctx, caller.By, s)
				return i, err
			},
			show: showInvalidatedTokens,
		},
	}
}

// The types of grants (RFC 6749, section 4).
const (
	grantPassword          = "password"
	grantRefresh           = "refresh_token"
	grantClientCredentials = "client_credentials"
)

// tokenRequest is the body of a request for an access token. Absent members are nil.
type tokenRequest struct {
	kind                                       string
	userName, password, refresh, scope, ticket *string
}

func readTokenRequest(body any) (tokenRequest, error) {
	var t tokenRequest
	err := xcontent.Parser{Name: "token_request", Fields: map[string]xcontent.Field{
		"grant_type":      xcontent.Text(&t.kind),
		"username":        xcontent.OptionalText(&t.userName),
		"password":        xcontent.OptionalText(&t.password),
		"refresh_token":   xcontent.OptionalText(&t.refresh),
		"scope":           xcontent.OptionalText(&t.scope),
		"kerberos_ticket": xcontent.OptionalText(&t.ticket),
	}, Required: []string{"grant_type"}}.Read(body)

	return t, err
}

// problems returns the members that the type of grant requires and lacks, and those that it does not support.
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

// actionRefreshToken is Elasticsearch's action of the refresh_token grant. The other grants have the operation's
// action.
const actionRefreshToken = "cluster:admin/xpack/security/token/refresh"

func mayGetToken(caller call, t tokenRequest) error {
	if t.kind == grantRefresh {
		return caller.Require(actionRefreshToken)
	}
	return caller.Require(caller.action)
}

func (a *API) getToken(ctx context.Context, caller call, t tokenRequest) (gen.GetTokenResponse, error) {
	grant, err := a.grantToken(ctx, caller, t)
	if err != nil {
		return gen.GetTokenResponse{}, err
	}

	authentication, err := a.showSignedIn(ctx, grant.User)
	return gen.GetTokenResponse{
		AccessToken:    grant.Access.Value,
		Type:           "Bearer",
		ExpiresIn:      int(grant.ExpiresIn.Seconds()),
		RefreshToken:   convert.Text(grant.Refresh),
		Authentication: authentication,
	}, err
}

// showSignedIn describes a user as a caller in a session.
func (a *API) showSignedIn(ctx context.Context, u user.User) (gen.Authentication, error) {
	owner, err := a.Access.Subject(ctx, identity.Principal{
		User:      u.Name,
		Roles:     u.Roles,
		Builtin:   u.Builtin,
		SAMLRealm: u.SAMLRealm,
		Method:    identity.Session,
	})
	if err != nil {
		return gen.Authentication{}, err
	}
	return showAuthentication(owner, u)
}

func (a *API) grantToken(ctx context.Context, caller call, t tokenRequest) (authn.Grant, error) {
	switch t.kind {
	case grantRefresh:
		return a.Auth.RefreshGrant(ctx, *t.refresh)
	case grantPassword:
		return a.Auth.PasswordGrant(ctx, *t.userName, *t.password)
	}
	return a.Auth.ClientCredentials(ctx, caller.Principal)
}

// invalidatedTokens counts the tokens that a request has invalidated, and those that were invalid before.
type invalidatedTokens struct{ now, before int }

func showInvalidatedTokens(i invalidatedTokens) (response, error) {
	shown := gen.InvalidateTokenResponse{InvalidatedTokens: i.now, PreviouslyInvalidatedTokens: i.before}
	return showListing(listing{shown, i.now+i.before == 0})
}

func readTokenSelection(body any) (authn.TokenSelection, error) {
	var s authn.TokenSelection
	err := xcontent.Parser{Name: "invalidate_token", Fields: map[string]xcontent.Field{
		"token":         xcontent.Text(&s.Token),
		"refresh_token": xcontent.Text(&s.RefreshToken),
		"username":      xcontent.Text(&s.UserName),
		"realm_name":    xcontent.Text(&s.RealmName),
	}}.Read(body)
	return s, err
}
