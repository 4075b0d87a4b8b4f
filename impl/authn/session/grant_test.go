package session

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// clocked is a service with the user alice and a clock that the test moves.
type clocked struct {
	*testing.T
	*Service
	now time.Time
}

func newClocked(t *testing.T, settings Settings) *clocked {
	t.Helper()
	c := &clocked{T: t, now: start}
	c.Service = open(t, newDatabase(t), func() time.Time { return c.now }, settings)
	addUser(t, c.Service, "alice")
	return c
}

func (c *clocked) update(f func(*store.Tx) error) {
	c.Helper()
	if err := c.store.Update(c.Context(), f); err != nil {
		c.Fatal(err)
	}
}

// beginGrant creates a session of alice with a refresh token.
func (c *clocked) beginGrant() (grant Grant) {
	c.Helper()
	c.update(func(tx *store.Tx) (err error) {
		grant, err = c.BeginGrant(c.Context(), tx, "alice")
		return err
	})
	return grant
}

// redeem consumes a refresh token.
func (c *clocked) redeem(refresh string) (grant Grant, u store.User, err error) {
	err = c.store.Update(c.Context(), func(tx *store.Tx) (err error) {
		grant, u, err = c.Redeem(tx, refresh)
		return err
	})
	return grant, u, err
}

// sessionOf returns the session of a valid token.
func (c *clocked) sessionOf(token Token) Live {
	c.Helper()
	live, err := c.Verify(c.Context(), token.Value)
	if err != nil {
		c.Fatal(err)
	}
	return live
}

// setEnabled enables or disables alice, and leaves her sessions alone.
func (c *clocked) setEnabled(enabled bool) {
	c.Helper()
	c.update(func(tx *store.Tx) error { return tx.Users.Update(store.User{Name: "alice", Enabled: enabled}) })
}

// Ensures that a refresh token is exchanged once for tokens of the same session, which are not elevated.
func TestRedeem(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	first := c.beginGrant()
	before := c.sessionOf(first.Token)
	c.update(func(tx *store.Tx) error {
		_, err := c.Elevate(tx, before.Token.ID, tx.Now.Add(time.Hour))
		return err
	})

	second, u, err := c.redeem(first.Refresh)
	if err != nil || u.Name != "alice" || second.Refresh == first.Refresh || second.Refresh == "" {
		t.Fatalf("%+v for %q, %v", second, u.Name, err)
	}
	after := c.sessionOf(second.Token)
	if after.Session.ID != before.Session.ID || !after.Session.ExpiresAt.Equal(before.Session.ExpiresAt) ||
		!after.Token.ElevatedUntil.IsZero() {
		t.Errorf("before %+v, after %+v", before, after)
	}

	for name, refresh := range map[string]string{
		"used token":    first.Refresh,
		"no token":      "",
		"unknown token": "x",
		"session token": second.Token.Value,
	} {
		t.Run(name, func(t *testing.T) {
			if g, _, err := c.redeem(refresh); !fault.Has(err, fault.GrantInvalid) || g.Token.Value != "" || g.Refresh != "" {
				t.Errorf("%+v, %v", g, err)
			}
		})
	}
	if _, _, err := c.redeem(second.Refresh); err != nil {
		t.Errorf("the next token: %v", err)
	}
}

// Ensures that a refresh token does not work for a disabled user or without its session.
func TestRedeem_NoLongerAllowed(t *testing.T) {
	for name, end := range map[string]func(*clocked, Grant){
		"user disabled": func(c *clocked, _ Grant) { c.setEnabled(false) },
		"session ended": func(c *clocked, g Grant) {
			id := c.sessionOf(g.Token).Session.ID
			c.update(func(tx *store.Tx) error { _, err := c.End(tx, id); return err })
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, DefaultSettings)
			grant := c.beginGrant()
			end(c, grant)
			if g, _, err := c.redeem(grant.Refresh); !fault.Has(err, fault.GrantInvalid) || g.Refresh != "" {
				t.Errorf("%+v, %v", g, err)
			}
		})
	}
}

// Ensures that a refresh token expires after its time to live, or with its session if that is earlier.
func TestRedeem_Expired(t *testing.T) {
	for name, test := range map[string]struct{ absolute, expires time.Duration }{
		"session lives longer": {refreshLifetime + time.Hour, refreshLifetime},
		"session ends before":  {time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, Settings{Idle: time.Minute, Absolute: test.absolute})
			early, late := c.beginGrant(), c.beginGrant()

			c.now = start.Add(test.expires - time.Millisecond)
			if _, _, err := c.redeem(early.Refresh); err != nil {
				t.Errorf("before: %v", err)
			}
			c.now = start.Add(test.expires)
			if _, _, err := c.redeem(late.Refresh); !fault.Has(err, fault.GrantInvalid) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

// Ensures that a token is identified by its signature alone, so that it is also when it has expired.
func TestIdentify(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	token := c.beginGrant().Token
	id := c.sessionOf(token).Token.ID
	c.now = c.now.Add(DefaultSettings.Absolute)

	for name, test := range map[string]struct{ value, want string }{
		"expired token": {token.Value, id},
		"no token":      {"", ""},
		"altered token": {token.Value + "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := c.Identify(t.Context(), test.value); err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// Ensures that a session is found by its token and by its refresh token, until they expire.
func TestFind(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	grant := c.beginGrant()
	live := c.sessionOf(grant.Token)

	check := func(name string, want bool, find func(*store.Tx) (store.Session, bool, error)) {
		t.Run(name, func(t *testing.T) {
			c.update(func(tx *store.Tx) error {
				session, found, err := find(tx)
				if found != want || found && session.ID != live.Session.ID {
					t.Errorf("%+v, %t", session, found)
				}
				return err
			})
		})
	}
	byToken := func(tx *store.Tx) (store.Session, bool, error) { return c.Find(tx, live.Token.ID) }
	byRefresh := func(tx *store.Tx) (store.Session, bool, error) { return c.FindRefresh(tx, grant.Refresh) }
	check("token", true, byToken)
	check("refresh token", true, byRefresh)
	check("unknown token", false, func(tx *store.Tx) (store.Session, bool, error) { return c.Find(tx, "x") })
	check("unknown refresh token", false,
		func(tx *store.Tx) (store.Session, bool, error) { return c.FindRefresh(tx, "x") })

	c.now = c.now.Add(DefaultSettings.Idle)
	check("expired token", false, byToken)
	check("refresh token of an expired token", true, byRefresh)

	c.now = start.Add(DefaultSettings.Absolute)
	check("refresh token of an expired session", false, byRefresh)
}

// Ensures that a token that is no longer valid can be neither refreshed nor elevated nor lowered.
func TestExchange_TokenInvalid(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	id := c.sessionOf(c.beginGrant().Token).Token.ID
	c.now = c.now.Add(DefaultSettings.Idle)

	for name, exchange := range map[string]func(*store.Tx) (Token, error){
		"refresh": func(tx *store.Tx) (Token, error) { return c.Refresh(tx, id) },
		"elevate": func(tx *store.Tx) (Token, error) { return c.Elevate(tx, id, tx.Now.Add(time.Hour)) },
		"lower":   func(tx *store.Tx) (Token, error) { token, _, err := c.Lower(tx, id); return token, err },
	} {
		t.Run(name, func(t *testing.T) {
			err := c.store.Update(t.Context(), func(tx *store.Tx) error {
				token, err := exchange(tx)
				if token.Value != "" {
					t.Error("a token was issued")
				}
				return err
			})
			if !fault.Has(err, fault.CredentialsInvalid) {
				t.Error(err)
			}
		})
	}
}
