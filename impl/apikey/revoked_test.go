package apikey_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a caller whose key or session is revoked between the authentication and the creation makes no key: it would
// outlive the revocation.
func TestCreate_RevokedMaker(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	keys := apikey.NewService(st, apikey.Settings{}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		keys.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			tx.InsertUser(store.User{Name: "alice", Enabled: true}),
			tx.InsertSession(store.Session{ID: "s", UserName: "alice", ExpiresAt: tx.Now.Add(time.Hour)}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := keys.CreatePlain(t.Context(), identity.Principal{User: "alice"}, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		maker  identity.Principal
		revoke func() error
	}{
		"key": {
			identity.Principal{User: "alice", Method: identity.APIKey, Key: identity.Key{ID: key.ID}},
			func() error { return keys.DeleteAll(t.Context(), "alice") },
		},
		"session": {
			identity.Principal{User: "alice", Method: identity.Session, SessionID: "s"},
			func() error {
				return st.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.DeleteUserSessions("alice")
					return err
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := keys.CreatePlain(t.Context(), c.maker, "before", nil); err != nil {
				t.Fatal(err)
			}
			if err := c.revoke(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := keys.CreatePlain(t.Context(), c.maker, "after", nil); !fault.Has(err, fault.CredentialsInvalid) {
				t.Errorf("a caller whose %s was revoked makes a key: %v", name, err)
			}
		})
	}
}
