package session

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Grant is a token with another that gets the next one.
type Grant struct {
	Token Token
	// Refresh is a text that means nothing to its bearer. It works once; empty if there is none.
	Refresh string
}

// refreshLife is how long a refresh token lives, if its session does. It is Elasticsearch's.
const refreshLife = 24 * time.Hour

// refreshBytes is how many random bytes a refresh token has.
const refreshBytes = 32

// BeginGrant is Begin with a refresh token.
func (s *Service) BeginGrant(ctx context.Context, tx *store.Tx, userName string) (Grant, error) {
	session, token, err := s.BeginUntil(ctx, tx, userName, time.Time{})
	if err != nil {
		return Grant{}, err
	}
	refresh, err := issueRefresh(tx, session)
	return Grant{token, refresh}, err
}

// Redeem uses a refresh token up, and returns the next tokens of its session, and its user. The token is plain, whatever
// those before were, and the session ends when it would have ended. It returns fault.InvalidGrant for a token that is
// unknown, used or expired, and for one whose session has ended or whose user is disabled.
func (s *Service) Redeem(tx *store.Tx, refresh string) (Grant, store.User, error) {
	id, err := tx.ConsumeRefreshToken(secret.Digest(refresh))
	if err != nil {
		return Grant{}, store.User{}, refused(err)
	}
	session, u, err := tx.Session(id)
	if err != nil {
		return Grant{}, u, refused(err)
	}
	if !u.Enabled {
		return Grant{}, u, refused(store.ErrNotFound)
	}
	token, err := s.issue(tx, session, time.Time{})
	if err != nil {
		return Grant{}, u, err
	}
	next, err := issueRefresh(tx, session)
	return Grant{token, next}, u, err
}

func refused(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.InvalidGrant, "the refresh token is not valid, or no longer", "refresh_token")
	}
	return err
}

func issueRefresh(tx *store.Tx, session store.Session) (string, error) {
	end := tx.Now.Add(refreshLife)
	if end.After(session.ExpiresAt) {
		end = session.ExpiresAt
	}
	text := secret.Text(refreshBytes)
	return text, tx.InsertRefreshToken(secret.Digest(text), session.ID, end)
}

// Identify returns the id of a token, or an empty one for what is no token of ours. It must not be called in a transaction.
func (s *Service) Identify(ctx context.Context, value string) (tokenID string, err error) {
	c, err := s.prove(ctx, value)
	if fault.Has(err, fault.Unauthorized) {
		return "", nil
	}
	return c.tokenID, err
}

// Find returns the session that a token stands for, if it is alive.
func (s *Service) Find(tx *store.Tx, tokenID string) (session store.Session, found bool, err error) {
	_, session, _, err = tx.LiveSession(tokenID)
	if errors.Is(err, store.ErrNotFound) {
		return session, false, nil
	}
	return session, err == nil, err
}

// FindRefresh returns the session that a refresh token stands for, if the token can still be used. One that was used is not
// kept, so nobody can tell it from one that never was.
func (s *Service) FindRefresh(tx *store.Tx, refresh string) (session store.Session, found bool, err error) {
	id, err := tx.RefreshTokenSession(secret.Digest(refresh))
	if err == nil {
		session, _, err = tx.Session(id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return session, false, nil
	}
	return session, err == nil, err
}
