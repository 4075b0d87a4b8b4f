package session

import (
	"crypto/ed25519"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

func newService(t *testing.T) *Service {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(store.User{Name: "alice", Enabled: true}) }); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.NewSealer(make([]byte, secret.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), st, sealer, DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Ensures that a token counts only with our own signature by our own key, though all its claims are right.
func TestVerify_Forged(t *testing.T) {
	s := newService(t)
	var token Token
	err := s.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		token, err = s.Begin(tx, "alice")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), token.Value); err != nil {
		t.Fatalf("the token itself: %v", err)
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token.Value, &claims); err != nil {
		t.Fatal(err)
	}
	ours := s.keys.private[s.keys.newest]
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]struct {
		method jwt.SigningMethod
		kid    any
		key    any
	}{
		"no signature":          {jwt.SigningMethodNone, s.keys.newest, jwt.UnsafeAllowNoneSignatureType},
		"HMAC with our public":  {jwt.SigningMethodHS256, s.keys.newest, []byte(ours.Public().(ed25519.PublicKey))},
		"a foreign key":         {jwt.SigningMethodEdDSA, s.keys.newest, foreign},
		"a foreign key's id":    {jwt.SigningMethodEdDSA, "other", foreign},
		"our key, another id":   {jwt.SigningMethodEdDSA, "other", ours},
		"our key, no id":        {jwt.SigningMethodEdDSA, nil, ours},
		"an id that is no text": {jwt.SigningMethodEdDSA, []string{s.keys.newest}, ours},
	} {
		forged := jwt.NewWithClaims(forge.method, claims)
		forged.Header["kid"] = forge.kid
		value, err := forged.SignedString(forge.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.Unauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, value := range []string{token.Value + "=", token.Value + ".", token.Value[:len(token.Value)-1], " " + token.Value, ""} {
		if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.Unauthorized) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// Ensures that the keys outlive a restart, and that they do not open with another key-encryption key.
func TestKeyring(t *testing.T) {
	s := newService(t)
	sealer, err := secret.NewSealer(make([]byte, secret.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	again, err := openKeyring(t.Context(), s.store, sealer)
	if err != nil || again.newest != s.keys.newest || !again.private[again.newest].Equal(s.keys.private[s.keys.newest]) {
		t.Errorf("the key is another one (%v)", err)
	}
	other, err := secret.NewSealer(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openKeyring(t.Context(), s.store, other); err == nil {
		t.Error("the key opens with another key-encryption key")
	}
}
