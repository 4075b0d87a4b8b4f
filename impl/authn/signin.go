package authn

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// loginTries is the number of attempts at a sign-in, if the user's hash is replaced after each comparison.
const loginTries = 3

var errStale = errors.New("authn: the password's hash was replaced after it was compared")

// issue begins a session of a user, and returns its tokens.
type issue func(ctx context.Context, tx *store.Tx, userName string) (session.Grant, error)

// signIn verifies a password, and issues tokens in the transaction that records the sign-in with details. A code is
// verified there, too, unless it is empty.
func (s *Service) signIn(
	ctx context.Context, name, password, code string, details audit.Details, issue issue,
) (Grant, error) {
	grant, err := s.trySignIn(ctx, name, password, code, details, issue)
	if code == "" {
		s.outcomes.password.Count(err)
	} else {
		s.outcomes.passwordAndCode.Count(err)
	}
	return grant, err
}

func (s *Service) trySignIn(
	ctx context.Context, name, password, code string, details audit.Details, issue issue,
) (Grant, error) {
	for range loginTries {
		u, err := s.users.CheckPassword(ctx, name, password)
		if err != nil {
			return Grant{}, err
		}

		grant, err := s.begin(ctx, name, passwordID(u), code, details, issue)
		if !errors.Is(err, errStale) {
			return grant, err
		}
	}
	return Grant{}, admission.Busy()
}

// passwordID returns the identity.Principal.PasswordID of a user's password.
func passwordID(u store.User) string { return secret.Digest(u.PasswordHash) }

// begin issues tokens to a user after its password was verified outside of the transaction. It reads the user again,
// and returns fault.LoginFailed if the user may no longer sign in, errStale if the password is no longer the verified
// one, and fault.SignInCodeNeeded.
func (s *Service) begin(
	ctx context.Context, name, verified, code string, details audit.Details, issue issue,
) (Grant, error) {
	origin := audit.OriginOf(ctx)
	origin.Actor = name
	recorded := audit.WithOrigin(ctx, origin)

	enter := func(tx *store.Tx) (Grant, error) {
		u, err := tx.Users.Find(name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !u.Enabled {
			return Grant{}, user.LoginFailed(u.Name, "deleted or disabled user")
		}
		if err != nil {
			return Grant{}, err
		}
		if passwordID(u) != verified {
			return Grant{}, errStale
		}
		if code == "" && u.HasTOTP && s.factors.AtSignIn() {
			return Grant{}, elevation.SignInCodeNeeded()
		}

		tokens, err := issue(ctx, tx, name)
		if err != nil {
			return Grant{}, err
		}
		if err := tx.Users.TouchLogin(name); err != nil {
			return Grant{}, err
		}
		return granted(tx, tokens, u), audit.Record(recorded, tx, audit.SessionStarted, name, details)
	}
	if code != "" {
		return elevation.SignIn(ctx, s.factors, name, code, enter)
	}
	return store.Write(ctx, s.store, enter)
}

// issueElevated is issueToken for a session that was begun with a second factor.
func (s *Service) issueElevated(ctx context.Context, tx *store.Tx, userName string) (session.Grant, error) {
	token, err := s.sessions.BeginElevated(ctx, tx, userName)
	return session.Grant{Token: token}, err
}

// issueToken issues a token without a refresh token.
func (s *Service) issueToken(ctx context.Context, tx *store.Tx, userName string) (session.Grant, error) {
	token, err := s.sessions.Begin(ctx, tx, userName)
	return session.Grant{Token: token}, err
}
