package store

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// RequireCurrent returns fault.CredentialsInvalid unless a principal could still be authenticated: its user is
// enabled, has not been promoted and has the principal's roles, and its credentials work. A request that was in
// progress during a revocation or a promotion must have no effect. The zero Principal, which stands for commands and
// the server itself, is always current.
func (tx *Tx) RequireCurrent(p identity.Principal) error {
	if p.User == "" {
		return nil
	}
	if p.Method == identity.ServiceToken {
		return tx.requireToken(p)
	}
	u, err := tx.Users.Find(p.User)
	if errors.Is(err, ErrNotFound) {
		return outdated()
	}
	if err != nil {
		return err
	}
	granted := append(identity.IncludedRoles(u.Roles), u.Roles...)
	lost := slices.ContainsFunc(p.Roles, func(role identity.Role) bool { return !slices.Contains(granted, role) })
	if !u.Enabled || lost || p.Promotions != u.Tenure.Promotions {
		return outdated()
	}

	works, err := tx.works(p, u)
	if err == nil && !works {
		err = outdated()
	}
	return err
}

// requireToken is RequireCurrent for a service account, which is no user: its token must be the one that it sent, and
// not a later one of that name.
func (tx *Tx) requireToken(p identity.Principal) error {
	token, err := tx.ServiceTokens.Find(p.User, p.Token.Name)
	if errors.Is(err, ErrNotFound) || err == nil && token.SecretDigest != p.Token.Digest {
		return outdated()
	}
	return err
}

// works reports whether the credentials of a principal still work.
func (tx *Tx) works(p identity.Principal, u User) (works bool, err error) {
	switch p.Method {
	case identity.Basic:
		return p.PasswordID == secret.Digest(u.PasswordHash), nil
	case identity.Session:
		_, _, err = tx.Sessions.Find(p.SessionID)
	case identity.APIKey:
		var key APIKey
		key, err = tx.Keys.FindOwned(p.User, p.Key.ID)
		if err == nil && (!key.InvalidatedAt.IsZero() || !key.ExpiresAt.IsZero() && !tx.Now.Before(key.ExpiresAt)) {
			return false, nil
		}
	default: // run-as: the credentials are another user's, which the edge has authenticated again
	}
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func outdated() error {
	return fault.New(fault.CredentialsInvalid,
		"the user or the credentials were changed while the request was under way: authenticate again", "Authorization")
}
