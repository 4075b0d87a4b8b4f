package authn

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
)

// Proxy holds a user's credentials that another caller presents to act for the user. Missing members are nil.
type Proxy struct {
	Type                            *string
	UserName, Password, AccessToken *string
	// ClientAuthentication reports whether the caller authenticates the client, too, which only tokens of other issuers
	// need.
	ClientAuthentication bool
}

// All types of credentials.
const (
	passwordType    = "password"
	accessTokenType = "access_token"
)

// Problems returns all errors in the form of the credentials, in Elasticsearch's words, as fault.Invalid accepts them.
func (p Proxy) Problems() []string {
	if p.Type == nil {
		return []string{"[grant_type] is required"}
	}
	switch *p.Type {
	case passwordType:
		return p.requireExactly("username", "password")
	case accessTokenType:
		return p.requireExactly("access_token")
	}
	return []string{"grant_type [" + *p.Type + "] is not supported"}
}

// requireExactly returns an error for each member that is missing, and for each other member that is given.
func (p Proxy) requireExactly(required ...string) []string {
	var problems []string
	for _, member := range []struct {
		name  string
		given bool
	}{
		{"username", p.UserName != nil && *p.UserName != ""},
		{"password", p.Password != nil},
		{"access_token", p.AccessToken != nil && *p.AccessToken != ""},
	} {
		isRequired := slices.Contains(required, member.name)
		switch {
		case isRequired && !member.given:
			problems = append(problems, fmt.Sprintf("[%s] is required for grant_type [%s]", member.name, *p.Type))
		case !isRequired && member.given:
			problems = append(problems, fmt.Sprintf("[%s] is not supported for grant_type [%s]", member.name, *p.Type))
		}
	}
	return problems
}

// Represented authenticates the user of the credentials, which must have no Problems. It returns
// fault.RepresentedInvalid for invalid credentials, fault.CredentialsUnsupported, fault.TooManyFailures and
// fault.ServerBusy.
func (s *Service) Represented(ctx context.Context, p Proxy) (identity.Principal, error) {
	if p.ClientAuthentication {
		return identity.Principal{}, fault.New(fault.CredentialsUnsupported,
			"[client_authentication] not supported with the supplied access_token type")
	}

	c := credentials{method: identity.Session}
	if *p.Type == passwordType {
		c = credentials{method: identity.Basic, name: *p.UserName, password: *p.Password}
	} else {
		c.token = *p.AccessToken
	}

	principal, err := s.authenticate(ctx, c)
	if fault.Has(err, fault.CredentialsInvalid) {
		claim := "with the access token"
		if *p.Type == passwordType {
			claim = "user [" + *p.UserName + "]"
		}
		err = fault.Wrap(fault.RepresentedInvalid, err, "unable to authenticate "+claim)
	}
	return principal, err
}
