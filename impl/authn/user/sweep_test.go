package user_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a sweep deletes all keys of a deleted user, where they are too many for one transaction.
func TestSweep(t *testing.T) {
	users, st := natives(t)
	update := func(f func(*store.Tx) error) {
		t.Helper()
		if err := st.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() (names []string) {
		update(func(tx *store.Tx) (err error) {
			names, err = tx.Users.Sweeping()
			return err
		})
		return names
	}
	update(func(tx *store.Tx) (err error) {
		for i := 0; i < 1200 && err == nil; i++ {
			err = tx.Keys.Insert(store.APIKey{ID: strconv.Itoa(i), UserName: "plain"})
		}
		return err
	})
	if err := users.Delete(t.Context(), chief, "plain"); err != nil {
		t.Fatal(err)
	}

	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := users.Sweep(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted sweep: %v", err)
	}
	if names := waiting(); !slices.Equal(names, []string{"plain"}) {
		t.Errorf("before the sweep, %q wait for it", names)
	}
	if err := users.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if names := waiting(); len(names) > 0 {
		t.Errorf("after the sweep, %q wait for it", names)
	}
}
