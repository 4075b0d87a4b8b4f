package apikey_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a caller makes no key if its key or session is revoked between the authentication and the creation: the
// key would outlive the revocation.
func TestCreate_RevokedMaker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	for name, c := range map[string]struct {
		maker  identity.Principal
		revoke func(t *testing.T)
	}{
		"key": {
			w.keyCaller(t, w.newKey(t, "bob", "k")).Principal,
			func(t *testing.T) {
				t.Helper()
				if err := w.DeleteAll(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
			},
		},
		"session": {
			w.principal(t, "bob"),
			func(t *testing.T) {
				t.Helper()
				w.change(t, func(tx *store.Tx) error {
					_, err := tx.Sessions.DeleteUser("bob")
					return err
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := w.CreatePlain(t.Context(), c.maker, "before", nil); err != nil {
				t.Fatal(err)
			}
			c.revoke(t)
			if _, _, err := w.CreatePlain(t.Context(), c.maker, "after", nil); !fault.Has(err, fault.CredentialsInvalid) {
				t.Errorf("after the revocation: %v", err)
			}
		})
	}
}
