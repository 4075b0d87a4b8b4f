package session_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// cached is a service that caches sessions.
type cached struct {
	*storetest.Caching
	*session.Service
}

func newCached(t *testing.T, settings session.Settings) *cached {
	t.Helper()
	st := storetest.OpenCaching(t)
	sealer, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(t.Context(), st.Store, sealer, settings)
	if err != nil {
		t.Fatal(err)
	}
	return &cached{st, sessions}
}

func (c *cached) begin() session.Token {
	c.Helper()
	var token session.Token
	c.Change(func(tx *store.Tx) (err error) {
		token, err = c.Begin(c.Context(), tx, "alice")
		return err
	})
	return token
}

// want fails the test unless a token is valid and elevated as given, and was read from the cache as given.
func (c *cached) want(token session.Token, valid, elevated, cached bool) session.Live {
	c.Helper()
	before, _ := c.CacheCounts()
	live, err := c.Verify(c.Context(), token.Value)
	after, _ := c.CacheCounts()
	if valid && err != nil || !valid && !fault.Has(err, fault.CredentialsInvalid) ||
		!live.Token.ElevatedUntil.IsZero() != elevated || (after > before) != cached {
		c.Errorf("valid %v, elevated until %v, cached %v; want %v, %v, %v (%v)",
			err == nil, live.Token.ElevatedUntil, after > before, valid, elevated, cached, err)
	}
	return live
}

// Ensures that a cached token expires on time.
func TestVerify_CachedToken(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.Settings{Idle: 2 * time.Second, Absolute: time.Hour, Grace: time.Second})
	token := c.begin()
	c.want(token, true, false, false)
	c.Advance(2*time.Second - time.Millisecond)
	c.want(token, true, false, true)
	c.Advance(time.Millisecond)
	c.want(token, false, false, true)
}

// Ensures that a cached token expires with its session.
func TestVerify_CachedSession(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.Settings{Idle: time.Hour, Absolute: 2 * time.Second, Grace: time.Second})
	token := c.begin()
	c.want(token, true, false, false)
	c.Advance(2*time.Second - time.Millisecond)
	c.want(token, true, false, true)
	c.Advance(time.Millisecond)
	c.want(token, false, false, true)
}

// Ensures that the elevation of a cached token expires on time, and ends when it is lowered.
func TestVerify_CachedElevation(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.DefaultSettings)
	plain := c.begin()
	id := c.want(plain, true, false, false).Token.ID
	var token session.Token
	c.Change(func(tx *store.Tx) (err error) {
		token, err = c.Elevate(tx, id, tx.Now.Add(2*time.Second))
		return err
	})
	id = c.want(token, true, true, false).Token.ID
	c.Advance(2*time.Second - time.Millisecond)
	c.want(token, true, true, true)
	c.Advance(time.Millisecond)
	c.want(token, true, false, true)

	c.Advance(-time.Second)
	c.want(token, true, true, true)
	c.Change(func(tx *store.Tx) error { _, _, err := c.Lower(tx, id); return err })
	c.want(token, true, false, false)
}

// Ensures that a cached token that was refreshed expires after the grace time, even if that is short.
func TestVerify_CachedGrace(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{time.Second, store.MaxLifetime} {
		c := newCached(t, session.Settings{Idle: time.Hour, Absolute: time.Hour, Grace: grace})
		token := c.begin()
		id := c.want(token, true, false, false).Token.ID
		c.Change(func(tx *store.Tx) error { _, err := c.Refresh(tx, id); return err })
		c.Advance(grace - time.Millisecond)
		c.want(token, true, false, grace == store.MaxLifetime)
		c.Advance(time.Millisecond)
		if _, err := c.Verify(t.Context(), token.Value); !fault.Has(err, fault.CredentialsInvalid) {
			t.Errorf("the token is valid after a grace time of %v (%v)", grace, err)
		}
	}
}

// Ensures that changes of a session or its user are visible immediately.
func TestVerify_Invalidated(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.DefaultSettings)
	token := c.begin()
	c.want(token, true, false, false)
	c.want(token, true, false, true)
	c.Change(func(tx *store.Tx) error { return tx.Users.Update(store.User{Name: "alice", FullName: "Alice"}) })
	live := c.want(token, true, false, false)
	if live.User.Enabled || live.User.FullName != "Alice" {
		t.Errorf("the user is %+v", live.User)
	}
	c.Change(func(tx *store.Tx) error { _, err := c.End(tx, live.Session.ID); return err })
	c.want(token, false, false, false)
	c.want(token, false, false, false)
}
