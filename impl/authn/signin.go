package authn

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// loginTries is how often a sign-in begins anew because the user's hash was replaced after it was compared.
const loginTries = 3

var errStale = errors.New("authn: the password's hash was replaced after it was compared")

// signIn checks a password, and calls begin in the transaction that the sign-in is recorded in, with details.
func (s *Service) signIn(ctx context.Context, name, password string, details audit.Details, begin func(*store.Tx) error) (store.User, error) {
	if err := s.store.Require(); err != nil {
		return store.User{}, err
	}
	for range loginTries {
		u, err := s.users.CheckPassword(ctx, name, password)
		if err != nil {
			return store.User{}, err
		}
		u, err = s.begin(ctx, name, passwordID(u), details, begin)
		if !errors.Is(err, errStale) {
			return u, err
		}
	}
	return store.User{}, admission.Busy()
}

// passwordID is what identity.Principal has of a user's password.
func passwordID(u store.User) string { return secret.Digest(u.PasswordHash) }

// begin calls f for a user whose password was right a moment ago, outside of the transaction: so it looks again, and returns
// the user as of then. It returns fault.LoginFailed for a user who may no longer sign in, and errStale.
func (s *Service) begin(ctx context.Context, name, proved string, details audit.Details, f func(*store.Tx) error) (store.User, error) {
	origin := audit.OriginOf(ctx)
	origin.Actor = name
	ctx = audit.WithOrigin(ctx, origin)
	var u store.User
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !u.Enabled {
			return user.LoginFailed()
		}
		if err != nil {
			return err
		}
		if passwordID(u) != proved {
			return errStale
		}
		if err := f(tx); err != nil {
			return err
		}
		if err := tx.TouchLogin(name); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SessionStarted, name, details)
	})
	return u, err
}
