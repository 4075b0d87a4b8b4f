package storetest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// File returns the data source name of an SQLite database without records, which is removed when the test ends.
func File(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Open opens a store with a clock, and closes it when the test ends.
func Open(t testing.TB, dsn string, now func() time.Time) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), dsn, now)
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
