package authn_test

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

const passphrase = "a passphrase"

// world is the service on a database file, with the Elasticsearch users alice and bob, the ECE administrator chief, and
// a clock that the test moves.
type world struct {
	*testing.T
	*authn.Service
	users *user.Service
	keys  *apikey.Service
	store *store.Store
	now   atomic.Int64
}

func newWorld(t *testing.T, settings session.Settings) *world {
	t.Helper()
	w := &world{T: t}
	w.now.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixMilli())
	now := func() time.Time { return time.UnixMilli(w.now.Load()) }
	w.store = storetest.Open(t, storetest.File(t), now)
	w.assemble(now, settings)
	for name, role := range map[string]string{"alice": "superuser", "bob": "x", "chief": "ece_platform_admin"} {
		p := passphrase
		founder := identity.Principal{Roles: []identity.Role{identity.PlatformAdmin}}
		n := user.Native{Password: &p, Roles: []string{role}, Enabled: true}
		if _, err := w.users.PutNative(t.Context(), founder, name, n, user.Proof{}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// assemble creates the services on the store.
func (w *world) assemble(now func() time.Time, settings session.Settings) {
	w.Helper()
	sealer, err := secret.NewSealer(make([]byte, secret.KeySize))
	if err != nil {
		w.Fatal(err)
	}
	sessions, err := session.New(w.Context(), w.store, sealer, settings)
	if err != nil {
		w.Fatal(err)
	}
	w.keys = apikey.NewService(w.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
	w.Cleanup(w.keys.Close)
	counter := attempts.NewCounter(attempts.DefaultPolicy, nil)
	w.users = user.NewService(w.store, secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1}), counter)
	factors := elevation.NewService(w.store, sessions, counter, sealer, elevation.DefaultSettings, now)
	services := servicetoken.NewService(w.store)
	w.Service = authn.NewService(w.store, w.users, w.keys, sessions, factors, services, now)
}

func (w *world) advance(d time.Duration) { w.now.Add(d.Milliseconds()) }

// grant is a password grant that must succeed.
func (w *world) grant(name string) authn.Grant {
	w.Helper()
	g, err := w.PasswordGrant(w.Context(), name, passphrase)
	if err != nil {
		w.Fatal(err)
	}
	return g
}

// caller authenticates an access token.
func (w *world) caller(g authn.Grant) (identity.Principal, error) {
	return w.Authenticate(w.Context(), []string{"Bearer " + g.Access.Value})
}

// lives fails the test unless a token is valid, or is not.
func (w *world) lives(what string, g authn.Grant, want bool) {
	w.Helper()
	if _, err := w.caller(g); (err == nil) != want || err != nil && !fault.Has(err, fault.CredentialsInvalid) {
		w.Errorf("%s: %v", what, err)
	}
}

// recorded returns the number of audit entries of a user with an event and details.
func (w *world) recorded(subject, event, details string) int {
	w.Helper()
	count := 0
	if err := w.store.View(w.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		for _, e := range entries {
			if e.Subject == subject && e.Event == event && strings.Contains(e.Details, details) {
				count++
			}
		}
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return count
}

// Ensures that a password is exchanged for tokens of a session that is not elevated, and a wrong one for none.
func TestPasswordGrant(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	g := w.grant("alice")
	p, err := w.caller(g)
	if err != nil || p.User != "alice" || p.Method != identity.Session || !p.ElevatedUntil.IsZero() {
		t.Errorf("the caller is %+v, %v", p, err)
	}
	if g.User.Name != "alice" || g.ExpiresIn != 20*time.Minute || len(g.Refresh) < 40 {
		t.Errorf("granted is %+v", g)
	}
	if n := w.recorded("alice", "session.started", `"grant":"password"`); n != 1 {
		t.Errorf("recorded are %d", n)
	}
	for name, credential := range map[string][2]string{
		"wrong password": {"alice", "wrong"},
		"unknown user":   {"mallory", passphrase},
		"empty name":     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := w.PasswordGrant(t.Context(), credential[0], credential[1])
			if !fault.Has(err, fault.LoginFailed) || g.Access.Value != "" || g.Refresh != "" {
				t.Errorf("%+v, %v", g, err)
			}
		})
	}
}

// Ensures that a refresh token is exchanged once, for tokens of the same session that are not elevated.
func TestRefreshGrant(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	first := w.grant("alice")
	p, err := w.caller(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Update(t.Context(), func(tx *store.Tx) error { // as if the first token's session had been elevated
		return tx.Sessions.InsertToken(store.SessionToken{
			ID: "e", SessionID: p.SessionID, ExpiresAt: tx.Now.Add(time.Hour), ElevatedUntil: tx.Now.Add(time.Hour),
		})
	}); err != nil {
		t.Fatal(err)
	}
	w.advance(session.AccessLifetime)
	w.lives("the first token after its time", first, false)
	second, err := w.RefreshGrant(t.Context(), first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	q, err := w.caller(second)
	if err != nil || q.SessionID != p.SessionID || !q.ElevatedUntil.IsZero() || second.User.Name != "alice" ||
		second.Refresh == first.Refresh {
		t.Errorf("the second is %+v of %+v, %v", second, q, err)
	}
	for name, token := range map[string]string{
		"used token":    first.Refresh,
		"no token":      "",
		"unknown token": "x",
		"access token":  second.Access.Value,
	} {
		t.Run(name, func(t *testing.T) {
			g, err := w.RefreshGrant(t.Context(), token)
			if !fault.Has(err, fault.GrantInvalid) || g.Access.Value != "" || g.Refresh != "" {
				t.Errorf("%+v, %v", g, err)
			}
		})
	}
	if _, err := w.RefreshGrant(t.Context(), second.Refresh); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// Ensures that exactly one of several concurrent requests with the same refresh token succeeds.
func TestRefreshGrant_Parallel(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	g := w.grant("alice")
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			_, err := w.RefreshGrant(t.Context(), g.Refresh)
			if err == nil {
				won.Add(1)
			} else if !fault.Has(err, fault.GrantInvalid) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if won.Load() != 1 {
		t.Errorf("%d got tokens", won.Load())
	}
}

// Ensures that refreshing does not extend a session, and that a refresh token expires with it or after its own time to
// live.
func TestRefreshGrant_End(t *testing.T) {
	w := newWorld(t, session.Settings{Idle: time.Hour, Absolute: 90 * time.Minute, Grace: time.Second})
	g := w.grant("alice")
	w.advance(80 * time.Minute)
	g, err := w.RefreshGrant(t.Context(), g.Refresh)
	if err != nil || g.ExpiresIn != 10*time.Minute {
		t.Fatalf("%+v, %v", g, err)
	}
	w.advance(10 * time.Minute)
	w.lives("a token at the session's end", g, false)
	if _, err := w.RefreshGrant(t.Context(), g.Refresh); !fault.Has(err, fault.GrantInvalid) {
		t.Errorf("at the session's end: %v", err)
	}
	w = newWorld(t, session.Settings{Idle: time.Hour, Absolute: 100 * time.Hour, Grace: time.Second})
	g = w.grant("alice")
	w.advance(24*time.Hour - time.Millisecond)
	if g, err = w.RefreshGrant(t.Context(), g.Refresh); err != nil {
		t.Errorf("before its end: %v", err)
	}
	w.advance(24 * time.Hour)
	if _, err := w.RefreshGrant(t.Context(), g.Refresh); !fault.Has(err, fault.GrantInvalid) {
		t.Errorf("at its end: %v", err)
	}
}

// Ensures that a refresh token is invalid after its user was disabled or deleted, changed the password, or signed out.
func TestRefreshGrant_SessionEnds(t *testing.T) {
	founder := identity.Principal{}
	password := "another passphrase"
	for name, end := range map[string]func(*world, authn.Grant) error{
		"disabled": func(w *world, _ authn.Grant) error {
			return w.users.SetEnabledNative(w.Context(), founder, "alice", false, user.Proof{})
		},
		"disabled directly": func(w *world, g authn.Grant) error {
			return w.store.Update(w.Context(), func(tx *store.Tx) error {
				u, err := tx.Users.Find(g.User.Name)
				if err != nil {
					return err
				}
				u.Enabled = false
				return tx.Users.Update(u)
			})
		},
		"password": func(w *world, _ authn.Grant) error {
			return w.users.ChangePasswordNative(w.Context(), founder, "alice", user.Secret{Password: &password}, user.Proof{})
		},
		"deleted": func(w *world, _ authn.Grant) error {
			_, err := w.users.DeleteNative(w.Context(), founder, "alice", user.Proof{})
			return err
		},
		"signed out": func(w *world, g authn.Grant) error {
			p, err := w.caller(g)
			if err != nil {
				return err
			}
			return w.Logout(w.Context(), p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, session.DefaultSettings)
			g := w.grant("alice")
			if err := end(w, g); err != nil {
				t.Fatal(err)
			}

			w.lives("the access token", g, false)
			if _, err := w.RefreshGrant(t.Context(), g.Refresh); !fault.Has(err, fault.GrantInvalid) {
				t.Error(err)
			}
		})
	}
}

// Ensures that only a caller that authenticated with its current password is given a session, without a refresh token.
func TestClientCredentials(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	p, err := w.Authenticate(t.Context(), []string{"Basic YWxpY2U6YSBwYXNzcGhyYXNl"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := w.ClientCredentials(t.Context(), p)
	if err != nil || g.Refresh != "" || g.User.Name != "alice" || g.ExpiresIn <= 0 {
		t.Fatalf("%+v, %v", g, err)
	}
	w.lives("the token", g, true)
	if n := w.recorded("alice", "session.started", `"grant":"client_credentials"`); n != 1 {
		t.Errorf("recorded are %d", n)
	}
	bearer, err := w.caller(g)
	if err != nil {
		t.Fatal(err)
	}
	key, other := p, p
	key.Method, other.Method = identity.APIKey, identity.RunAs
	for _, p := range []identity.Principal{bearer, key, other, {}} {
		if g, err := w.ClientCredentials(t.Context(), p); !fault.Has(err, fault.PermissionDenied) || g.Access.Value != "" {
			t.Errorf("%s: %v", p.Method, err)
		}
	}
	founder, password := identity.Principal{}, "another passphrase"
	if err := w.users.ChangePasswordNative(t.Context(), founder, "alice", user.Secret{Password: &password},
		user.Proof{}); err != nil {
		t.Fatal(err)
	}
	if g, err := w.ClientCredentials(t.Context(), p); !fault.Has(err, fault.CredentialsInvalid) || g.Access.Value != "" {
		t.Errorf("after another password: %v", err)
	}
	if _, err := w.users.DeleteNative(t.Context(), founder, "alice", user.Proof{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ClientCredentials(t.Context(), p); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("after the user: %v", err)
	}
}

// Ensures that a token is invalidated once, with its session, by itself or by its refresh token.
func TestInvalidateTokens_One(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	invalidate := func(what string, sel authn.TokenSelection, invalidated, previously int) {
		t.Helper()
		got, before, err := w.InvalidateTokens(t.Context(), identity.Principal{User: "bob"}, sel)
		if err != nil || got != invalidated || before != previously {
			t.Errorf("%s: %d, %d, %v", what, got, before, err)
		}
	}
	first, second := w.grant("alice"), w.grant("chief")
	invalidate("a token", authn.TokenSelection{Token: first.Access.Value}, 1, 0)
	w.lives("an invalidated token", first, false)
	w.lives("another token", second, true)
	invalidate("it again", authn.TokenSelection{Token: first.Access.Value}, 0, 1)
	invalidate("its refresh token", authn.TokenSelection{RefreshToken: first.Refresh}, 0, 0)
	invalidate("no token", authn.TokenSelection{Token: "x"}, 0, 0)
	invalidate("a refresh token", authn.TokenSelection{RefreshToken: second.Refresh}, 1, 0)
	w.lives("an invalidated refresh token's access token", second, false)
	invalidate("it again", authn.TokenSelection{RefreshToken: second.Refresh}, 0, 0)
	if a, c := w.recorded("alice", "session.ended", `"sessions":1`),
		w.recorded("chief", "session.ended", `"sessions":1`); a != 1 || c != 1 {
		t.Errorf("recorded are %d and %d", a, c)
	}
}

// Ensures that all tokens of a user or realm are invalidated, and those of users with platform roles by administrators
// only.
func TestInvalidateTokens_Many(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	bob, chief := identity.Principal{User: "bob"},
		identity.Principal{User: "chief", Roles: []identity.Role{identity.PlatformAdmin}}
	acting := identity.Principal{User: "founder", Roles: chief.Roles, Method: identity.RunAs}
	other, own := w.grant("alice"), w.grant("chief")
	w.grant("alice")
	for name, sel := range map[string]authn.TokenSelection{
		"user": {UserName: "chief"}, "realm": {RealmName: "default_native"},
	} {
		for _, by := range []identity.Principal{bob, acting} {
			if n, _, err := w.InvalidateTokens(t.Context(), by, sel); !fault.Has(err, fault.PermissionDenied) || n != 0 {
				t.Errorf("%s by %s: %d, %v", name, by.User, n, err)
			}
		}
	}
	w.lives("alice's", other, true)
	w.lives("chief's", own, true)
	for _, c := range []struct {
		by   identity.Principal
		sel  authn.TokenSelection
		want int
	}{
		{bob, authn.TokenSelection{UserName: "mallory"}, 0},
		{bob, authn.TokenSelection{UserName: "alice", RealmName: "reserved"}, 0},
		{chief, authn.TokenSelection{RealmName: "reserved"}, 0},
		{bob, authn.TokenSelection{UserName: "alice", RealmName: "default_native"}, 4},
		{bob, authn.TokenSelection{UserName: "alice"}, 0},
		{chief, authn.TokenSelection{RealmName: "default_native"}, 2},
	} {
		if n, previously, err := w.InvalidateTokens(t.Context(), c.by, c.sel); err != nil || n != c.want || previously != 0 {
			t.Errorf("%+v: %d, %d, %v", c.sel, n, previously, err)
		}
	}
	w.lives("alice's", other, false)
	w.lives("chief's", own, false)
	if n := w.recorded("alice", "session.ended", `"sessions":2`); n != 1 {
		t.Errorf("recorded are %d", n)
	}
}

// Ensures that a selection that is empty or contradictory is refused.
func TestInvalidateTokens_Check(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	for _, sel := range []authn.TokenSelection{
		{}, {Token: "a", RefreshToken: "b"}, {Token: "a", UserName: "b"}, {RefreshToken: "a", RealmName: "b"},
		{Token: "a", RefreshToken: "b", UserName: "c"},
	} {
		if _, _, err := w.InvalidateTokens(t.Context(), identity.Principal{}, sel); !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("%+v: %v", sel, err)
		}
	}
}
