package session

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Grant is a session token with a refresh token.
type Grant struct {
	Token Token
	// Refresh is an opaque, single-use refresh token; empty if there is none.
	Refresh string
}

// refreshLifetime is the time to live of a refresh token, as in Elasticsearch. It never outlives its session.
const refreshLifetime = 24 * time.Hour

// refreshBytes is the number of random bytes in a refresh token.
const refreshBytes = 32

// AccessLifetime is the time to live of the token of a grant, as in Elasticsearch. A shorter Settings.Idle limits it.
const AccessLifetime = 20 * time.Minute

func (s *Service) accessLifetime() time.Duration { return min(AccessLifetime, s.settings.Idle) }

// BeginAccess is like Begin, for a token that expires after AccessLifetime.
func (s *Service) BeginAccess(ctx context.Context, tx *store.Tx, userName string) (Grant, error) {
	_, token, err := s.beginAccess(ctx, tx, store.Session{UserName: userName, ExpiresAt: s.expiry(tx, time.Time{})})
	return Grant{Token: token}, err
}

func (s *Service) beginAccess(
	ctx context.Context, tx *store.Tx, session store.Session,
) (store.Session, Token, error) {
	lifetime := min(s.accessLifetime(), session.ExpiresAt.Sub(tx.Now))
	return s.begin(ctx, tx, session, lifetime, time.Time{})
}

// BeginGrant is like BeginAccess, and also issues a refresh token.
func (s *Service) BeginGrant(ctx context.Context, tx *store.Tx, userName string) (Grant, error) {
	_, grant, err := s.beginGrant(ctx, tx, store.Session{UserName: userName, ExpiresAt: s.expiry(tx, time.Time{})})
	return grant, err
}

// BeginOnBehalf is like BeginGrant, for a session that another caller begins for the user. The session expires at end
// at the latest, unless end is zero. BeginOnBehalf also returns the session.
func (s *Service) BeginOnBehalf(
	ctx context.Context, tx *store.Tx, userName string, end time.Time,
) (store.Session, Grant, error) {
	return s.beginGrant(ctx, tx, store.Session{UserName: userName, ExpiresAt: s.expiry(tx, end), OnBehalf: true})
}

func (s *Service) beginGrant(
	ctx context.Context, tx *store.Tx, session store.Session,
) (store.Session, Grant, error) {
	session, token, err := s.beginAccess(ctx, tx, session)
	if err != nil {
		return session, Grant{}, err
	}
	refresh, err := issueRefresh(tx, session)
	return session, Grant{token, refresh}, err
}

// Redeem consumes a refresh token, and returns new tokens of its session, and its user. The new session token is not
// elevated, and the expiry of the session does not change. Redeem returns fault.GrantInvalid if the refresh token is
// unknown, used or expired, the session no longer exists, or the user is disabled.
func (s *Service) Redeem(tx *store.Tx, refresh string) (Grant, store.User, error) {
	id, err := tx.RefreshTokens.Consume(secret.Digest(refresh))
	if err != nil {
		return Grant{}, store.User{}, invalidGrant(err)
	}

	session, u, err := tx.Sessions.Find(id)
	if err != nil {
		return Grant{}, u, invalidGrant(err)
	}
	if !u.Enabled {
		return Grant{}, u, invalidGrant(store.ErrNotFound)
	}

	token, err := s.issue(tx, session, s.accessLifetime(), time.Time{})
	if err != nil {
		return Grant{}, u, err
	}
	next, err := issueRefresh(tx, session)
	return Grant{token, next}, u, err
}

func invalidGrant(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.GrantInvalid, "the refresh token is not valid, or no longer", "refresh_token")
	}
	return err
}

func issueRefresh(tx *store.Tx, session store.Session) (string, error) {
	end := tx.Now.Add(refreshLifetime)
	if end.After(session.ExpiresAt) {
		end = session.ExpiresAt
	}
	text := tx.Random.Text(refreshBytes)
	return text, tx.RefreshTokens.Insert(secret.Digest(text), session.ID, end)
}

// Identify returns the id of a session token, or "" if this server did not issue it. It must not be called in a
// transaction.
func (s *Service) Identify(ctx context.Context, value string) (tokenID string, err error) {
	c, err := s.verifySignature(ctx, value)
	if fault.Has(err, fault.CredentialsInvalid) {
		return "", nil
	}
	return c.tokenID, err
}

// Find returns the session of a token, and reports whether the token is valid.
func (s *Service) Find(tx *store.Tx, tokenID string) (session store.Session, found bool, err error) {
	_, session, _, err = tx.Sessions.FindByToken(tokenID)
	if errors.Is(err, store.ErrNotFound) {
		return session, false, nil
	}
	return session, err == nil, err
}

// FindRefresh returns the session of a refresh token, and reports whether the token is valid. Used tokens are deleted,
// so they cannot be distinguished from unknown ones.
func (s *Service) FindRefresh(tx *store.Tx, refresh string) (session store.Session, found bool, err error) {
	id, err := tx.RefreshTokens.Session(secret.Digest(refresh))
	if err == nil {
		session, _, err = tx.Sessions.Find(id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return session, false, nil
	}
	return session, err == nil, err
}
