package session

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// start is the initial time of tests that set the clock.
var start = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func newDatabase(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// onEach runs a test with a new database of each kind.
func onEach(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newDatabase(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, postgrestest.DSN(t)) })
}

// disableReload prevents a service from loading keys when it receives a token with an unknown one.
func disableReload(s *Service) {
	s.keys.now = func() time.Time { return start }
	s.keys.reloadedAt = start
}

// maintain runs one iteration of the background maintenance.
func maintain(t *testing.T, s *Service) {
	t.Helper()
	if err := s.maintainKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// keys returns the keys of the store, the newest first.
func keys(t *testing.T, s *Service) []Key {
	t.Helper()
	keys, err := Keys(t.Context(), s.store)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// events returns the audit entries of signing keys.
func events(t *testing.T, s *Service) (events []string) {
	t.Helper()
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1000)
		for _, e := range entries {
			if name, ok := strings.CutPrefix(e.Event, "signing_key."); ok {
				events = append(events, name+" "+e.Subject)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// forge returns a token with an id, signed with a key.
func forge(t *testing.T, keyID string, key ed25519.PrivateKey, tokenID string) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.RegisteredClaims{
		Issuer: DefaultName, Audience: []string{DefaultName}, ID: tokenID,
	})
	token.Header["kid"] = keyID
	value, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func tokenID(t *testing.T, token Token) string {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token.Value, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.ID
}

// Ensures that the keys persist across a restart, and that they do not open with another key-encryption key.
func TestKeyring(t *testing.T) {
	s := newService(t)
	again, err := openKeyring(t.Context(), s.store, s.keys.sealer)
	if err != nil {
		t.Fatal(err)
	}
	id, key := onlyKey(t, s)
	if found, err := again.public(t.Context(), id); err != nil || !found.Equal(key.Public()) {
		t.Errorf("the key changed (%v)", err)
	}
	if _, err := openKeyring(t.Context(), s.store, sealer(t, secret.NewKey())); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with another key-encryption key: %v", err)
	}
}

// Ensures that a token signed by one replica is valid on all until it expires, across several key rotations, though
// replicas load keys only at intervals and their clocks differ; and that old keys are deleted.
func TestRotation(t *testing.T) {
	short := Settings{Idle: 30 * time.Minute, Absolute: 12 * time.Hour, KeyRotation: time.Hour}
	long := Settings{Idle: 150 * time.Minute, Absolute: 12 * time.Hour, KeyRotation: time.Hour}
	for name, test := range map[string]struct {
		settings Settings
		skew     time.Duration
	}{
		"short tokens": {short, -30 * time.Second},
		"long tokens":  {long, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, dsn string) { rotate(t, dsn, test.settings, test.skew) })
		})
	}
}

func rotate(t *testing.T, dsn string, settings Settings, skew time.Duration) {
	t.Helper()
	now := start
	clocks := []func() time.Time{func() time.Time { return now }, func() time.Time { return now.Add(skew) }}
	replicas := []*Service{open(t, dsn, clocks[0], settings), open(t, dsn, clocks[1], settings)}
	addUser(t, replicas[0], "alice")
	for _, s := range replicas {
		disableReload(s)
	}
	var tokens []Token
	signers := map[string]bool{}
	for step := 0; now.Before(start.Add(4 * settings.KeyRotation)); step++ {
		now = now.Add(time.Minute)
		s := replicas[step%2]
		maintain(t, s) // the replicas alternate
		list := keys(t, s)
		signers[list[slices.IndexFunc(list, func(k Key) bool { return k.State == KeySigns })].ID] = true
		fresh := begin(t, s)
		if step%8 < 2 {
			tokens = append(tokens, fresh)
		}
		for i, s := range replicas {
			wantValid(t, s, fresh, clocks[i](), skew)
			if step%4 == i {
				s.verified.Purge() // otherwise only the first verification needs the key
				tokens = slices.DeleteFunc(tokens, func(token Token) bool { return !wantValid(t, s, token, clocks[i](), skew) })
			}
		}
	}
	if len(signers) < 3 {
		t.Errorf("%d keys have signed", len(signers))
	}
	most := 2 + int((settings.Idle+overlap)/settings.KeyRotation)
	if left := keys(t, replicas[0]); len(left) > most {
		t.Errorf("there are %d keys; want %d at most: %+v", len(left), most, left)
	}
}

// wantValid fails the test unless a service accepts a token exactly until it expires. It reports whether the token is
// valid by the clock of every replica: one with a fast clock deletes it a little early.
func wantValid(t *testing.T, s *Service, token Token, now time.Time, skew time.Duration) bool {
	t.Helper()
	valid := token.ExpiresAt.After(now.Add(skew.Abs()))
	_, err := s.Verify(t.Context(), token.Value)
	if valid && err != nil || err == nil && !token.ExpiresAt.After(now) {
		t.Fatalf("at %v, a token that expires at %v: %v", now, token.ExpiresAt, err)
	}
	return valid
}

// Ensures that a key waits, signs, verifies and is deleted in this order, and that the audit trail records it.
func TestRotation_Lifecycle(t *testing.T) {
	now := start
	s := open(t, newDatabase(t), func() time.Time { return now }, DefaultSettings)
	states := func() (states []KeyState) {
		maintain(t, s)
		for _, key := range keys(t, s) {
			states = append(states, key.State)
		}
		return states
	}
	first := keys(t, s)[0].ID
	for _, step := range []struct {
		after time.Duration
		want  []KeyState
	}{
		{0, []KeyState{KeySigns}},
		{DefaultSettings.KeyRotation - time.Millisecond, []KeyState{KeySigns}},
		{time.Millisecond, []KeyState{KeyWaits, KeySigns}},
		{overlap - time.Millisecond, []KeyState{KeyWaits, KeySigns}},
		{time.Millisecond, []KeyState{KeySigns, KeyVerifies}},
		{DefaultSettings.Idle + clockTolerance - time.Millisecond, []KeyState{KeySigns, KeyVerifies}},
		{time.Millisecond, []KeyState{KeySigns}},
		{DefaultSettings.KeyRotation - overlap - DefaultSettings.Idle - clockTolerance, []KeyState{KeyWaits, KeySigns}},
	} {
		now = now.Add(step.after)
		if got := states(); !slices.Equal(got, step.want) {
			t.Fatalf("after %v the keys are %v; want %v", now.Sub(start), got, step.want)
		}
	}
	left := keys(t, s)
	second, third := left[1].ID, left[0].ID
	want := []string{"created " + first, "retired " + first, "created " + second, "deleted " + first, "retired " + second,
		"created " + third}
	if got := events(t, s); !slices.Equal(got, want) {
		t.Errorf("the trail is\n%v; want\n%v", got, want)
	}
	if s.keys.has(first) {
		t.Error("a deleted key verifies")
	}
}

// Ensures that keys are not rotated if the setting is 0.
func TestRotation_Disabled(t *testing.T) {
	now := start
	settings := DefaultSettings
	settings.KeyRotation = 0
	s := open(t, newDatabase(t), func() time.Time { return now }, settings)
	now = now.Add(100 * 365 * 24 * time.Hour)
	maintain(t, s)
	if got := keys(t, s); len(got) != 1 || got[0].State != KeySigns {
		t.Errorf("the keys are %+v", got)
	}
}

// Ensures that concurrent rotations by several replicas create one key, both by the maintenance and on request.
func TestRotation_Concurrent(t *testing.T) {
	for name, rotate := range map[string]func(*testing.T, *Service) error{
		"by itself": func(t *testing.T, s *Service) error { return s.maintainKeys(t.Context()) },
		"by hand": func(t *testing.T, s *Service) error {
			key, _, err := s.RotateKey(t.Context())
			if err == nil && (key.State != KeyWaits || !key.SignsFrom.Equal(start.Add(DefaultSettings.KeyRotation+overlap))) {
				t.Errorf("the key is %+v", key)
			}
			return err
		},
	} {
		concurrently := func(t *testing.T, dsn string) {
			var replicas []*Service
			now := start
			for range 4 {
				replicas = append(replicas, open(t, dsn, func() time.Time { return now }, DefaultSettings))
			}
			if got := keys(t, replicas[0]); len(got) != 1 {
				t.Fatalf("the replicas began with %d keys", len(got))
			}
			now = now.Add(DefaultSettings.KeyRotation)
			var wg sync.WaitGroup
			for _, s := range replicas {
				for range 3 {
					wg.Go(func() {
						if err := rotate(t, s); err != nil {
							t.Error(err)
						}
					})
				}
			}
			wg.Wait()
			if got := keys(t, replicas[0]); len(got) != 2 || got[0].State != KeyWaits || got[1].State != KeySigns {
				t.Errorf("the keys are %+v", got)
			}
			if got := len(events(t, replicas[0])); got != 3 {
				t.Errorf("the trail has %d entries; want 3", got)
			}
		}
		t.Run(name, func(t *testing.T) { onEach(t, concurrently) })
	}
}

// Ensures that a token does not outlive its key if the setting is raised after the key's expiry was set.
func TestRotation_LongerIdle(t *testing.T) {
	now := start
	dsn := newDatabase(t)
	s := open(t, dsn, func() time.Time { return now }, DefaultSettings)
	addUser(t, s, "alice")
	if _, _, err := s.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	raised := DefaultSettings
	raised.Idle = 6 * time.Hour
	restarted := open(t, dsn, func() time.Time { return now }, raised)
	if token, until := begin(t, restarted), keys(t, s)[1].VerifiesUntil; !token.ExpiresAt.Equal(until) {
		t.Errorf("a token of a key that verifies until %v expires at %v", until, token.ExpiresAt)
	}
	now = now.Add(overlap)
	if token := begin(t, restarted); !token.ExpiresAt.Equal(now.Add(raised.Idle)) {
		t.Errorf("a token of the next key expires at %v", token.ExpiresAt)
	}
}

// Ensures that a replica that cannot open the store's keys creates none, which the others could not open.
func TestRotation_WrongKeyEncryptionKey(t *testing.T) {
	now := start
	s := open(t, newDatabase(t), func() time.Time { return now }, DefaultSettings)
	s.keys.sealer = sealer(t, secret.NewKey())
	now = now.Add(DefaultSettings.KeyRotation)
	if err := s.maintainKeys(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("the rotation by itself: %v", err)
	}
	if _, _, err := s.RotateKey(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("the rotation by hand: %v", err)
	}
	if got := keys(t, s); len(got) != 1 {
		t.Errorf("the keys are %+v", got)
	}
}

// Ensures that tokens with unknown keys cause one load per second, and that it finds a new key.
func TestUnknownKey_ReloadInterval(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn, time.Now, DefaultSettings)
	addUser(t, s, "alice")
	var views atomic.Int64
	st, err := store.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	st.Observe(func(string, time.Duration) { views.Add(1) })
	other, err := New(t.Context(), st, s.keys.sealer, DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	other.keys.now = func() time.Time { return now }
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	loads := func() int64 {
		views.Store(0)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 20 {
					if _, err := other.Verify(t.Context(), forge(t, secret.Text(9), foreign, "x")); !fault.Has(err,
						fault.CredentialsInvalid) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return views.Load()
	}
	now = now.Add(reloadInterval)
	if got := loads(); got != 1 {
		t.Errorf("1,000 tokens with unknown keys read the store %d times", got)
	}
	if _, _, err := s.RevokeKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := begin(t, s)
	now = now.Add(reloadInterval - 1)
	if got := loads(); got != 0 {
		t.Errorf("within a second the store is read %d times more", got)
	}
	now = now.Add(1)
	if _, err := other.Verify(t.Context(), token.Value); err != nil {
		t.Errorf("the token of a new key: %v", err)
	}
}

// Ensures that a token with a new key is not called invalid if the store fails, neither in the request that loads the
// keys nor in those within the reload interval.
func TestUnknownKey_StoreFails(t *testing.T) {
	s := newService(t)
	now := time.Now()
	s.keys.now = func() time.Time { return now }
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(reloadInterval)
	for range 2 {
		if _, err := s.Verify(t.Context(), forge(t, "new", foreign, "x")); !fault.Has(err, fault.StoreUnavailable) {
			t.Error(err)
		}
		if _, err := s.Identify(t.Context(), forge(t, "new", foreign, "x")); !fault.Has(err, fault.StoreUnavailable) {
			t.Error(err)
		}
	}
}

// Ensures that a compromised key is useless after it is revoked: for existing sessions immediately, on any replica; for
// later sessions after a replica has loaded its keys, even if it has cached the signature.
func TestRevokeKeys(t *testing.T) { onEach(t, revokeKeys) }

func revokeKeys(t *testing.T, dsn string) {
	now := start
	a, b := open(t, dsn, func() time.Time { return now }, DefaultSettings),
		open(t, dsn, func() time.Time { return now }, DefaultSettings)
	addUser(t, a, "alice")
	leakedID, leaked := onlyKey(t, a)
	old := begin(t, a)
	if _, _, err := a.RotateKey(t.Context()); err != nil { // the waiting key may be compromised, too
		t.Fatal(err)
	}
	for _, s := range []*Service{a, b} {
		if _, err := s.Verify(t.Context(), old.Value); err != nil {
			t.Fatal(err)
		}
	}
	maintain(t, b)
	waiting := keys(t, a)[0].ID

	key, ended, err := a.RevokeKeys(t.Context())
	if err != nil || ended != 1 || key.State != KeySigns {
		t.Fatalf("%+v, %d sessions, %v", key, ended, err)
	}
	if got := keys(t, b); len(got) != 1 || got[0] != key {
		t.Errorf("the keys are %+v; want %+v", got, key)
	}
	for _, s := range []*Service{a, b} {
		if _, err := s.Verify(t.Context(), old.Value); !fault.Has(err, fault.CredentialsInvalid) {
			t.Errorf("a token from before: %v", err)
		}
	}
	signedByB := begin(t, b)
	if _, err := a.Verify(t.Context(), signedByB.Value); err != nil {
		t.Errorf("a token of the new key, signed by a replica that has not loaded its keys: %v", err)
	}
	forged := forge(t, leakedID, leaked, tokenID(t, signedByB))
	if _, err := a.Verify(t.Context(), forged); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("a forged token where the key was revoked: %v", err)
	}
	if _, err := b.Verify(t.Context(), forged); err != nil {
		t.Errorf("b has not loaded its keys, and yet: %v; this test proves nothing", err)
	}
	now = now.Add(keysInterval)
	maintain(t, b)
	if _, err := b.Verify(t.Context(), forged); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("a forged token after the interval: %v", err)
	}
	if _, err := b.Verify(t.Context(), signedByB.Value); err != nil {
		t.Errorf("the token that it was forged from: %v", err)
	}
	got := events(t, a)[3:] // after created, retired, created
	if want := []string{"deleted " + waiting, "deleted " + leakedID, "created " + key.ID}; !slices.Equal(got, want) {
		t.Errorf("the trail is %v; want %v", got, want)
	}
}

// Ensures that a replica that can no longer open the store's keys drops deleted ones.
func TestRevokeKeys_Unsealable(t *testing.T) {
	dsn := newDatabase(t)
	a, b := open(t, dsn, time.Now, DefaultSettings), open(t, dsn, time.Now, DefaultSettings)
	leakedID, _ := onlyKey(t, a)
	b.keys.sealer = sealer(t, secret.NewKey())
	if _, _, err := a.RevokeKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.ReloadKeys(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Error(err)
	}
	if b.keys.has(leakedID) {
		t.Error("a key that was revoked verifies")
	}
}

// Ensures that the background maintenance rotates keys, and stops on Close.
func TestWatch(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t)
	old := open(t, dsn, func() time.Time { return time.Now().Add(-DefaultSettings.KeyRotation) }, DefaultSettings)
	s := open(t, dsn, time.Now, DefaultSettings)
	rotated := make(chan struct{}, 1)
	s.store.Observe(func(kind string, _ time.Duration) {
		if kind == "update" {
			rotated <- struct{}{}
		}
	})

	s.Watch(nil)
	<-rotated
	s.Close()
	if n := len(keys(t, old)); n != 2 {
		t.Errorf("there are %d keys; the old one was not replaced", n)
	}
}

// Ensures that the seed is encrypted in the database.
func TestKeyring_Sealed(t *testing.T) {
	s := newService(t)
	_, key := onlyKey(t, s)
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		records, err := tx.SigningKeys.All()
		for _, record := range records {
			sealed, err := base64.RawStdEncoding.DecodeString(record.Sealed)
			if err != nil || strings.Contains(string(sealed), string(key.Seed())) {
				t.Errorf("%q, %v", sealed, err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
