package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// openMemory opens a database in memory that is closed when the test ends.
func openMemory(t *testing.T, image []byte, now func() time.Time) *store.Store {
	t.Helper()
	st, err := store.OpenMemory(t.Context(), image, now, secret.Source{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func TestMemory(t *testing.T) {
	t.Parallel()
	testContract(t, func(t *testing.T, now func() time.Time) *store.Store { return openMemory(t, nil, now) })
}

// Ensures that a database of an image has its records, and that later changes of either are not the other's.
func TestMemory_Image(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return start }
	add := func(st *store.Store, name string) {
		t.Helper()
		user := store.User{Name: name, Enabled: true}
		if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.Users.Insert(user) }); err != nil {
			t.Fatal(err)
		}
	}
	has := func(st *store.Store, name string) bool {
		t.Helper()
		err := st.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Users.Find(name); return err })
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}

	original := openMemory(t, nil, now)
	add(original, "alice")
	image, err := original.Image(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(image)
	add(original, "bob")
	copied := openMemory(t, image, now)
	add(copied, "carol")

	for name, want := range map[string][2]bool{"alice": {true, true}, "bob": {true, false}, "carol": {false, true}} {
		if got := [2]bool{has(original, name), has(copied, name)}; got != want {
			t.Errorf("whether %s is in the original and in the copy: %v", name, got)
		}
	}
	if !bytes.Equal(image, before) {
		t.Error("the image has changed")
	}
}

// Ensures that a request that its client abandons does not take the database with it.
func TestMemory_Canceled(t *testing.T) {
	t.Parallel()
	st := openMemory(t, nil, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	err := st.Update(ctx, func(tx *store.Tx) error {
		cancel()
		return tx.Users.Insert(store.User{Name: "alice", Enabled: true})
	})
	if err == nil {
		t.Error("the canceled transaction is committed")
	}
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Users.Insert(store.User{Name: "alice", Enabled: true})
	})
	if err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

// Ensures that a file has no image, and that a damaged image is refused.
func TestMemory_Refused(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // nothing to lose
	if image, err := st.Image(t.Context()); err == nil {
		t.Errorf("a file has an image of %d bytes", len(image))
	}
	if damaged, err := store.OpenMemory(t.Context(), []byte("not a database"), time.Now, secret.Source{}); err == nil {
		t.Error("a damaged image is opened", damaged.Close())
	}
}

// predictable is a source of bytes that are always the same.
type predictable struct{}

// Fill implements secret.Generator.
func (predictable) Fill(_ string, p []byte) int64 {
	clear(p)
	return 1
}

// Ensures that a database with secrets that could ever be predicted is refused when its file is opened, copied or
// restored, also after a server with other secrets had its records.
func TestMemory_Predictable(t *testing.T) {
	t.Parallel()
	image := func(from []byte, random secret.Source) []byte {
		t.Helper()
		st, err := store.OpenMemory(t.Context(), from, time.Now, random)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close() //nolint:errcheck // nothing to lose
		records, err := st.Image(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	marked := image(nil, secret.NewSource(predictable{}))
	for name, c := range map[string]struct {
		records []byte
		want    error
	}{
		"predictable":                 {marked, store.ErrPredictable},
		"predictable once":            {image(marked, secret.Source{}), store.ErrPredictable},
		"predictable later":           {image(image(nil, secret.Source{}), secret.NewSource(predictable{})), store.ErrPredictable},
		"made from random, as always": {image(nil, secret.Source{}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			if err := os.WriteFile(path, c.records, 0o600); err != nil {
				t.Fatal(err)
			}
			dsn, copied := "sqlite:"+path, filepath.Join(t.TempDir(), "copy.db")
			if err := store.Backup(t.Context(), dsn, copied); !errors.Is(err, c.want) {
				t.Errorf("Backup: %v", err)
			}
			restored := "sqlite:" + filepath.Join(t.TempDir(), "restored.db")
			if err := store.Restore(t.Context(), path, restored,
				store.RestoreOptions{WithoutChecksum: true}); !errors.Is(err, c.want) {
				t.Errorf("Restore: %v", err)
			}
			st, err := store.Open(t.Context(), dsn, time.Now)
			if !errors.Is(err, c.want) {
				t.Errorf("Open: %v", err)
			}
			if err == nil {
				st.Close() //nolint:errcheck // nothing to lose
			}
		})
	}
}
