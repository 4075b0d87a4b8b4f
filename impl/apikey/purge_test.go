package apikey_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that role descriptors that no key has any longer are removed after a while, also if no key is made or purged.
func TestUpdate_OldDescriptors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, alice)
	id := w.newKey(t, "alice", "k").ID
	assign := func(t *testing.T, round int) string {
		t.Helper()
		update := apikey.Update{Assigned: descriptors(t, fmt.Sprintf(`{"run_as":["u%d"]}`, round))}
		if updated, err := w.Update(t.Context(), w.caller(t, "alice"), id, update); err != nil || !updated {
			t.Fatalf("updated: %t, %v", updated, err)
		}
		var key store.APIKey
		w.change(t, func(tx *store.Tx) (err error) {
			key, err = tx.Keys.Find(id)
			return err
		})
		return key.Assigned
	}
	stored := func(t *testing.T, document string) bool {
		t.Helper()
		var err error
		w.change(t, func(tx *store.Tx) error {
			_, err = tx.Documents.Get(document)
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}

	last := assign(t, 0)
	for round := 1; round < 6; round++ {
		swept := round%2 == 0 // an hour has passed since the sweep before
		t.Run(fmt.Sprintf("round %d, swept %t", round, swept), func(t *testing.T) {
			w.advance(31 * time.Minute)
			current := assign(t, round)
			w.Flush()
			if !stored(t, current) {
				t.Error("the key's descriptors are removed")
			}
			if stored(t, last) == swept {
				t.Errorf("the descriptors before are stored: %t", !swept)
			}
			last = current
		})
	}
}
