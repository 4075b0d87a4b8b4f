package session

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that re-encrypted signing keys are the same keys, open with the new key-encryption key only, and that nothing
// changes if one does not open.
func TestReseal(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	token := c.beginGrant().Token
	own, other := c.keys.sealer, sealer(t, secret.NewKey())

	reseal := func(from, to *secret.Sealer) (count int, err error) {
		err = c.store.Update(t.Context(), func(tx *store.Tx) (err error) {
			if count, err = Reseal(tx, from, to); err != nil {
				return err
			}
			return sealing.Replace(tx, to)
		})
		return count, err
	}
	if _, err := reseal(other, own); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with another key: %v", err)
	}
	if n, err := reseal(own, other); n != 1 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}

	restarted, err := New(t.Context(), c.store, other, DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := restarted.Verify(t.Context(), token.Value); err != nil {
		t.Errorf("after a restart with the new key: %v", err)
	}
	if _, err := New(t.Context(), c.store, own, DefaultSettings); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("after a restart with the old key: %v", err)
	}
	c.update(func(tx *store.Tx) error {
		if err := CheckSealer(tx, own); !errors.Is(err, secret.ErrUnsealable) {
			t.Errorf("the old key: %v", err)
		}
		return CheckSealer(tx, other)
	})
}

// Ensures that a server is ready if it can sign and verify tokens.
func TestReady(t *testing.T) {
	c := newClocked(t, DefaultSettings)
	if err := c.Ready(t.Context()); err != nil {
		t.Errorf("after the start: %v", err)
	}

	own := c.keys.sealer
	c.keys.sealer = sealer(t, secret.NewKey())
	if err := c.Ready(t.Context()); !errors.Is(err, secret.ErrUnsealable) {
		t.Errorf("with another key-encryption key: %v", err)
	}
	c.keys.sealer = own

	id, _ := onlyKey(t, c.Service)
	c.update(func(tx *store.Tx) error { return tx.SigningKeys.Delete(id) })
	if err := c.Ready(t.Context()); !errors.Is(err, errNoSigningKey) {
		t.Errorf("without a signing key: %v", err)
	}
	err := c.store.Update(t.Context(),
		func(tx *store.Tx) error { _, err := c.Begin(t.Context(), tx, "alice"); return err })
	if !errors.Is(err, errNoSigningKey) {
		t.Errorf("a sign-in without a signing key: %v", err)
	}
}
