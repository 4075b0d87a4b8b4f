package apikey_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that of role descriptors that a key is given again and again, those that it has no longer are removed after a while,
// also if no key is ever made or purged.
func TestUpdate_OldDescriptors(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), func() time.Time { return now })
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
	w := &realms{t, keys, st, nil}
	alice := store.User{Name: "alice", Enabled: true, Roles: []identity.Role{"superuser"}}
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertUser(alice) }); err != nil {
		t.Fatal(err)
	}
	key, _, err := keys.CreatePlain(t.Context(), identity.Principal{User: "alice", Roles: alice.Roles}, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	given := func(round int) string {
		set, err := roledescriptor.ReadSet(fmt.Appendf(nil, `{"r":{"run_as":["u%d"]}}`, round))
		if err != nil {
			t.Fatal(err)
		}
		if updated, err := keys.Update(t.Context(), w.subject("alice"), key.ID, apikey.Update{Assigned: set}); err != nil || !updated {
			t.Fatalf("updated: %t, %v", updated, err)
		}
		var id string
		if err := st.View(t.Context(), func(tx *store.Tx) error {
			k, err := tx.APIKeyByID(key.ID)
			id = k.Assigned
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	last := given(0)
	for round := 1; round < 6; round++ {
		now = now.Add(31 * time.Minute) // each second time an hour has passed
		current := given(round)
		_ = st.View(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Document(current); err != nil {
				t.Errorf("round %d: the key's descriptors: %v", round, err)
			}
			if _, err := tx.Document(last); errors.Is(err, store.ErrNotFound) != (round%2 == 0) {
				t.Errorf("round %d: the descriptors before: %v", round, err)
			}
			return nil
		})
		last = current
	}
}
