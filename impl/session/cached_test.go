package session_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// cached is a service that remembers sessions.
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

// want fails the test unless a token is as alive and elevated, and that is known from memory if it has been asked before.
func (c *cached) want(token session.Token, alive, elevated, remembered bool) session.Live {
	c.Helper()
	before, _ := c.Remembered()
	live, err := c.Verify(c.Context(), token.Value)
	after, _ := c.Remembered()
	if alive && err != nil || !alive && !fault.Has(err, fault.Unauthorized) || !live.Token.ElevatedUntil.IsZero() != elevated || (after > before) != remembered {
		c.Errorf("alive %v, elevated until %v, remembered %v; want %v, %v, %v (%v)",
			err == nil, live.Token.ElevatedUntil, after > before, alive, elevated, remembered, err)
	}
	return live
}

// Ensures that a token that is remembered ends when it ends.
func TestVerify_RememberedToken(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.Settings{Idle: 2 * time.Second, Absolute: time.Hour, Grace: time.Second})
	token := c.begin()
	c.want(token, true, false, false)
	c.Advance(2*time.Second - time.Millisecond)
	c.want(token, true, false, true)
	c.Advance(time.Millisecond)
	c.want(token, false, false, true)
}

// Ensures that a token that is remembered ends when its session does.
func TestVerify_RememberedSession(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.Settings{Idle: time.Hour, Absolute: 2 * time.Second, Grace: time.Second})
	token := c.begin()
	c.want(token, true, false, false)
	c.Advance(2*time.Second - time.Millisecond)
	c.want(token, true, false, true)
	c.Advance(time.Millisecond)
	c.want(token, false, false, true)
}

// Ensures that a token that is remembered is elevated as long as it is, and no longer than it is lowered.
func TestVerify_RememberedElevation(t *testing.T) {
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

// Ensures that a refreshed token that is remembered ends with its grace, however short that is.
func TestVerify_RememberedGrace(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{time.Second, store.MaxLifetime} {
		c := newCached(t, session.Settings{Idle: time.Hour, Absolute: time.Hour, Grace: grace})
		token := c.begin()
		id := c.want(token, true, false, false).Token.ID
		c.Change(func(tx *store.Tx) error { _, err := c.Refresh(tx, id); return err })
		c.Advance(grace - time.Millisecond)
		c.want(token, true, false, grace == store.MaxLifetime)
		c.Advance(time.Millisecond)
		if _, err := c.Verify(t.Context(), token.Value); !fault.Has(err, fault.Unauthorized) {
			t.Errorf("the token lives after a grace of %v (%v)", grace, err)
		}
	}
}

// Ensures that whatever is changed of a session or its user is known as soon as it is changed.
func TestVerify_Changed(t *testing.T) {
	t.Parallel()
	c := newCached(t, session.DefaultSettings)
	token := c.begin()
	c.want(token, true, false, false)
	c.want(token, true, false, true)
	c.Change(func(tx *store.Tx) error { return tx.UpdateUser(store.User{Name: "alice", FullName: "Alice"}) })
	live := c.want(token, true, false, false)
	if live.User.Enabled || live.User.FullName != "Alice" {
		t.Errorf("the user is %+v", live.User)
	}
	c.Change(func(tx *store.Tx) error { _, err := c.End(tx, live.Session.ID); return err })
	c.want(token, false, false, false)
	c.want(token, false, false, false)
}
