package authn

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
)

// Introspection describes a valid credential.
type Introspection struct {
	Principal identity.Principal
	// Claims are set for a session token only.
	Claims session.Claims
	// IssuedAt is zero for a service account's token.
	IssuedAt time.Time
}

// maxIntrospected is the maximum length of a credential in bytes. No valid one is longer: session tokens have the same
// limit, and API keys and the tokens of service accounts are shorter.
const maxIntrospected = 8192

// Introspect describes a credential that was sent to another service, and reports whether it is valid. It does not say
// why one is not. It is verified like that of a caller: nothing is prolonged, an API key is used, and a wrong secret
// counts as a failed attempt nowhere, because secrets are too long to guess. Introspect returns an error only if the
// credential cannot be checked.
func (s *Service) Introspect(ctx context.Context, credential string) (i Introspection, active bool, err error) {
	i, err = s.introspect(ctx, credential)
	s.outcomes.introspection.Count(err)
	for _, code := range []fault.Code{fault.CredentialsInvalid, fault.ServiceTokenInvalid, fault.KeyTypeWrong} {
		if fault.Has(err, code) {
			return Introspection{}, false, nil
		}
	}
	return i, err == nil, err
}

func (s *Service) introspect(ctx context.Context, credential string) (Introspection, error) {
	switch {
	case len(credential) > maxIntrospected || strings.ContainsFunc(credential, notInHeader):
		return Introspection{}, malformed("the credential is malformed")
	case strings.Contains(credential, "."): // not in base64
		p, claims, err := s.session(ctx, credential)
		return Introspection{p, claims, claims.IssuedAt}, err
	case servicetoken.Is(credential):
		p, err := s.serviceAccount(ctx, credential)
		return Introspection{Principal: p}, err
	}
	p, createdAt, err := s.apiKey(ctx, credential)
	return Introspection{Principal: p, IssuedAt: createdAt}, err
}

// notInHeader reports whether no header has a character in a credential. Decoders of base64 skip line ends, so a
// credential would be valid in many forms.
func notInHeader(r rune) bool { return r <= ' ' || r > '~' }
