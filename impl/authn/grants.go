package authn

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Grant holds the tokens issued for a request for access tokens. An access token is a session token like that of a
// sign-in: it is not elevated, and is accepted wherever a session token is.
type Grant struct {
	Access session.Token
	// Refresh is a single-use refresh token; empty if there is none.
	Refresh   string
	ExpiresIn time.Duration
	User      user.User
}

// PasswordGrant begins a session with a refresh token. It returns the same errors as Login without a code.
func (s *Service) PasswordGrant(ctx context.Context, name, password string) (Grant, error) {
	return s.signIn(ctx, name, password, "", audit.Details{"grant": "password"}, s.sessions.BeginGrant)
}

// RefreshGrant exchanges a refresh token for the next tokens of its session. It returns fault.GrantInvalid.
func (s *Service) RefreshGrant(ctx context.Context, refreshToken string) (Grant, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (Grant, error) {
		tokens, u, err := s.sessions.Redeem(tx, refreshToken)
		return granted(tx, tokens, u), err
	})
}

// ClientCredentials begins a session of the caller without a refresh token. It returns fault.PermissionDenied unless
// the caller authenticated with a password: a session would outlive an API key and its limits, and another session. It
// returns fault.CredentialsInvalid if the user was disabled or has another password by now, and fault.SignInCodeNeeded
// like Login.
func (s *Service) ClientCredentials(ctx context.Context, p identity.Principal) (Grant, error) {
	if p.Method != identity.Basic {
		return Grant{}, fault.New(fault.PermissionDenied,
			"the grant type [client_credentials] is for callers that authenticate with name and password, "+
				"not with a token, an API key or as another user")
	}

	grant, err := s.begin(ctx, p.User, p.PasswordID, "", audit.Details{"grant": "client_credentials"},
		s.sessions.BeginAccess)
	if fault.Has(err, fault.LoginFailed) || errors.Is(err, errStale) {
		err = fault.New(fault.CredentialsInvalid, "the user was changed while the request was under way", "Authorization")
	}
	return grant, err
}

func granted(tx *store.Tx, tokens session.Grant, u store.User) Grant {
	return Grant{
		Access: tokens.Token, Refresh: tokens.Refresh, ExpiresIn: tokens.Token.ExpiresAt.Sub(tx.Now), User: user.OfRecord(u),
	}
}
