package authn

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
)

// Proxy is somebody's credentials in the hands of another, who wants something made for that somebody. What is not given
// is nil.
type Proxy struct {
	Type                            *string
	UserName, Password, AccessToken *string
	// ClientAuthentication tells whether the caller proves itself, too, which is for tokens of others only.
	ClientAuthentication bool
}

// The types of credentials that there are.
const (
	passwordType    = "password"
	accessTokenType = "access_token"
)

// Problems returns everything that is wrong with the credentials' form, in Elasticsearch's words, fit for fault.Invalid.
func (p Proxy) Problems() []string {
	if p.Type == nil {
		return []string{"[grant_type] is required"}
	}
	switch *p.Type {
	case passwordType:
		return p.exactly(map[string]bool{"username": true, "password": true})
	case accessTokenType:
		return p.exactly(map[string]bool{"access_token": true})
	}
	return []string{"grant_type [" + *p.Type + "] is not supported"}
}

// exactly finds members that are missing, and those that are of no use.
func (p Proxy) exactly(wanted map[string]bool) []string {
	var problems []string
	for _, member := range []struct {
		name  string
		given bool
	}{
		{"username", p.UserName != nil && *p.UserName != ""}, {"password", p.Password != nil}, {"access_token", p.AccessToken != nil && *p.AccessToken != ""},
	} {
		switch {
		case wanted[member.name] && !member.given:
			problems = append(problems, fmt.Sprintf("[%s] is required for grant_type [%s]", member.name, *p.Type))
		case !wanted[member.name] && member.given:
			problems = append(problems, fmt.Sprintf("[%s] is not supported for grant_type [%s]", member.name, *p.Type))
		}
	}
	return problems
}

// Represented returns whose credentials these are. It returns fault.PermissionDenied for whatever is not good,
// fault.CredentialsUnsupported, fault.TooManyFailures and fault.ServerBusy.
func (s *Service) Represented(ctx context.Context, p Proxy) (identity.Principal, error) {
	if p.ClientAuthentication {
		return identity.Principal{}, fault.New(fault.CredentialsUnsupported, "[client_authentication] not supported with the supplied access_token type")
	}
	c := credentials{method: identity.Session}
	if *p.Type == passwordType {
		c = credentials{method: identity.Basic, name: *p.UserName, password: *p.Password}
	} else {
		c.token = *p.AccessToken
	}
	principal, err := s.authenticate(ctx, c)
	if fault.Has(err, fault.CredentialsInvalid) {
		err = fault.Wrap(fault.PermissionDenied, err, "Failed to authenticate api key grant")
	}
	return principal, err
}
