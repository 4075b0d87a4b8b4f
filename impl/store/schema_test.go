package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a database is ready while it answers and has this program's schema, even during a write, and not after
// another program has changed the schema.
func TestReady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	err := st.Update(t.Context(), func(*store.Tx) error { return st.Ready(t.Context()) })
	if err != nil {
		t.Errorf("during a write: %v", err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing to lose
	if _, err := db.ExecContext(t.Context(),
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "version 9999") {
		t.Errorf("with another schema: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "DROP TABLE goose_db_version"); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(t.Context()); !fault.Has(err, fault.StoreUnavailable) {
		t.Errorf("without a schema: %v", err)
	}
}

// Ensures that Ready can be cancelled.
func TestReady_NoAnswer(t *testing.T) {
	st := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Ensures that every transaction is reported, also one that fails.
func TestObserve(t *testing.T) {
	st := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	var kinds []string
	st.Observe(func(kind string, took time.Duration) {
		if took <= 0 {
			t.Errorf("it took %s", took)
		}
		kinds = append(kinds, kind)
	})
	failed := errors.New("failed")
	for _, err := range []error{
		st.View(t.Context(), func(*store.Tx) error { return failed }),
		st.Update(t.Context(), func(*store.Tx) error { return failed }),
	} {
		if !errors.Is(err, failed) {
			t.Error(err)
		}
	}
	if !slices.Equal(kinds, []string{"view", "update"}) {
		t.Errorf("reported %q", kinds)
	}
}
