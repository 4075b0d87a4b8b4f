package store_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a key from before the rotation of keys signs, and has no expiry.
func TestMigrate_SigningKeys(t *testing.T) {
	path := made(t, 4, `INSERT INTO signing_keys (id, sealed, created_at) VALUES ('k', 's', 3)`)
	st := open(t, "sqlite:"+path, time.Now)
	err := st.View(t.Context(), func(tx *store.Tx) error {
		keys, err := tx.SigningKeys.All()
		if want := (store.SigningKey{ID: "k", Sealed: "s", CreatedAt: time.UnixMilli(3).UTC()}); len(keys) != 1 ||
			keys[0] != want {
			t.Errorf("the keys are %+v; want %+v", keys, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
