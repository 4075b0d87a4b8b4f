package session

import (
	"crypto/ed25519"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now, DefaultSettings)
	addUser(t, s, "alice")
	return s
}

// open returns a service on a database with its own clock, such as one of several replicas.
func open(t *testing.T, dsn string, now func() time.Time, settings Settings) *Service {
	t.Helper()
	st := storetest.Open(t, dsn, now)
	s, err := New(t.Context(), st, sealer(t, make([]byte, secret.KeySize)), settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealer(t *testing.T, key []byte) *secret.Sealer {
	t.Helper()
	sealer, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func addUser(t *testing.T, s *Service, name string) {
	t.Helper()
	if err := s.store.Update(t.Context(),
		func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: name, Enabled: true}) }); err != nil {
		t.Fatal(err)
	}
}

// begin creates a session for alice.
func begin(t *testing.T, s *Service) (token Token) {
	t.Helper()
	err := s.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		token, err = s.Begin(t.Context(), tx, "alice")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// onlyKey returns the only key of a service.
func onlyKey(t *testing.T, s *Service) (string, ed25519.PrivateKey) {
	t.Helper()
	keys := *s.keys.keys.Load()
	if len(keys) != 1 {
		t.Fatalf("there are %d keys", len(keys))
	}
	for id, key := range keys {
		return id, key
	}
	return "", nil
}

// Ensures that a token with valid claims is accepted only with a signature by the server's key.
func TestVerify_Forged(t *testing.T) {
	s := newService(t)
	token := begin(t, s)
	if _, err := s.Verify(t.Context(), token.Value); err != nil {
		t.Fatalf("the token itself: %v", err)
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token.Value, &claims); err != nil {
		t.Fatal(err)
	}
	keyID, ours := onlyKey(t, s)
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]struct {
		method jwt.SigningMethod
		kid    any
		key    any
	}{
		"no signature":          {jwt.SigningMethodNone, keyID, jwt.UnsafeAllowNoneSignatureType},
		"HMAC with our public":  {jwt.SigningMethodHS256, keyID, []byte(ours.Public().(ed25519.PublicKey))},
		"a foreign key":         {jwt.SigningMethodEdDSA, keyID, foreign},
		"a foreign key's id":    {jwt.SigningMethodEdDSA, "other", foreign},
		"our key, another id":   {jwt.SigningMethodEdDSA, "other", ours},
		"our key, no id":        {jwt.SigningMethodEdDSA, nil, ours},
		"an id that is no text": {jwt.SigningMethodEdDSA, []string{keyID}, ours},
	} {
		forged := jwt.NewWithClaims(forge.method, claims)
		forged.Header["kid"] = forge.kid
		value, err := forged.SignedString(forge.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.CredentialsInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, value := range []string{token.Value + "=", token.Value + ".", token.Value[:len(token.Value)-1],
		" " + token.Value, ""} {
		if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.CredentialsInvalid) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// Ensures that a token with a cached signature is verified with one allocation at most, the copy that is hashed.
func TestVerifySignature_CachedAllocations(t *testing.T) {
	s := newService(t)
	token := begin(t, s)
	n := testing.AllocsPerRun(100, func() {
		if _, err := s.verifySignature(t.Context(), token.Value); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// Ensures that refreshing a session deletes its expired tokens. Otherwise a session could have more tokens than one
// transaction can delete, and could not be ended.
func TestRefresh_ExpiredTokensDeleted(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), func() time.Time { return now }, DefaultSettings)
	addUser(t, s, "alice")
	live, err := s.Verify(t.Context(), begin(t, s).Value)
	if err != nil {
		t.Fatal(err)
	}
	first, value := live.Token.ID, ""
	update := func(f func(*store.Tx) error) {
		t.Helper()
		if err := s.store.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error {
		token, err := s.Refresh(tx, first)
		value = token.Value
		return err
	})
	now = now.Add(DefaultSettings.Grace)
	id, err := s.Identify(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	update(func(tx *store.Tx) error { _, err := s.Refresh(tx, id); return err })
	update(func(tx *store.Tx) error { // fails if the id still exists
		return tx.Sessions.InsertToken(store.SessionToken{
			ID: first, SessionID: live.Session.ID, ExpiresAt: now.Add(time.Hour),
		})
	})
}

// Ensures that a sign-in deletes the oldest session of a user that has the maximum number of sessions.
func TestBegin_TooManySessions(t *testing.T) {
	t.Parallel()
	c := newClocked(t, DefaultSettings)
	s := c.Service
	first := begin(t, s)
	// The first session must be the oldest.
	c.now = c.now.Add(time.Millisecond)
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range maxSessions - 1 {
			if err := tx.Sessions.Insert(store.Session{
				ID: strconv.Itoa(i), UserName: "alice", ExpiresAt: tx.Now.Add(time.Hour),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), first.Value); err != nil {
		t.Error(err)
	}
	last := begin(t, s)
	if _, err := s.Verify(t.Context(), first.Value); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("the oldest session got %v", err)
	}
	if _, err := s.Verify(t.Context(), last.Value); err != nil {
		t.Error(err)
	}
	err = s.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 100)
		if !slices.ContainsFunc(entries, func(e store.AuditEntry) bool {
			return e.Event == string(audit.SessionEnded) && e.Subject == "alice" &&
				e.Details == `{"by":"too many","sessions":1000}`
		}) {
			t.Errorf("the audit trail does not say what ended: %v", entries)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensures that revoking the keys, and deleting each user's sessions, are separate transactions: with very many sessions
// a single one would take too long, and nothing would be revoked.
func TestRevokeKeys_SeparateTransactions(t *testing.T) {
	t.Parallel()
	s := newService(t)
	addUser(t, s, "bob")
	begin(t, s)
	updates := 0
	s.store.Observe(func(kind string, _ time.Duration) {
		if kind == "update" {
			updates++
		}
	})
	if _, ended, err := s.RevokeKeys(t.Context()); err != nil || ended != 1 || updates != 4 {
		t.Errorf("%d sessions were ended in %d transactions (%v); want 1 in 4: keys, users, alice, bob", ended, updates, err)
	}
}
