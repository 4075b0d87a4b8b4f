package apikey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that an operator's key of a user is bound, keeps to the limits of a server, and is refused for users that own
// no keys.
func TestCreateFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{MaxLifetime: time.Hour},
		store.User{Name: "alice", Roles: []identity.Role{"owner"}, Tenure: identity.Tenure{Promotions: 3}},
		store.User{Name: "admin", Builtin: true},
		store.User{Name: "bob"},
	)
	w.change(t, func(tx *store.Tx) error {
		u, err := tx.Users.Find("bob")
		if err != nil {
			return err
		}
		u.Enabled = false
		return tx.Users.Update(u)
	})

	key, credential, err := w.CreateFor(t.Context(), "alice", apikey.Creation{Name: "nightly"})
	if err != nil || key.UserName != "alice" || key.ExpiresAt.Sub(key.CreatedAt) != time.Hour {
		t.Fatalf("%+v, %v", key, err)
	}
	if _, owner, err := w.Verify(t.Context(), credential.Encoded()); err != nil || owner.Name != "alice" {
		t.Errorf("the key is verified as %q, %v", owner.Name, err)
	}
	w.change(t, func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 1)
		if err == nil && (len(entries) != 1 || !strings.Contains(entries[0].Details, `"binding":"on_behalf"`)) {
			t.Errorf("the trail has %+v", entries)
		}
		return err
	})

	long := 2 * time.Hour
	for name, c := range map[string]struct {
		apikey.Creation

		code fault.Code
	}{
		"carol": {apikey.Creation{Name: "a"}, fault.KeyOwnerNotFound},
		"admin": {apikey.Creation{Name: "a"}, fault.KeyInvalidInput},
		"bob":   {apikey.Creation{Name: "a"}, fault.CredentialsInvalid},
		"alice": {apikey.Creation{Name: "a", Lifetime: &long}, fault.KeyInvalidInput},
	} {
		if _, _, err := w.CreateFor(t.Context(), name, c.Creation); !fault.Has(err, c.code) {
			t.Errorf("%s: %v; want %s", name, err, c.code.Name)
		}
	}
}
