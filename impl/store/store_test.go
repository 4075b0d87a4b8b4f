package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

func open(t testing.TB, dsn string, now func() time.Time) *store.Store {
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

// Ensures that SQLite keeps the contract.
func TestSQLite(t *testing.T) {
	testContract(t, func(t *testing.T, now func() time.Time) *store.Store {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), now)
	})
}

// Ensures that a file's name may hold what means something in a URI, and that only its owner can read the file.
func TestSQLite_File(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	st := open(t, "sqlite:"+path, time.Now)
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Accounts.Insert(store.Account{ID: "a"})
	}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", suffix, info, err)
		}
	}
}

// Ensures that a database keeps its records when it is opened again, and that nothing is migrated twice.
func TestSQLite_Reopen(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	for i := range 3 {
		st, err := store.Open(t.Context(), dsn, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		err = st.Update(t.Context(), func(tx *store.Tx) error {
			if i == 0 {
				return tx.Accounts.Insert(store.Account{ID: "a"})
			}
			_, err := tx.Accounts.Get()
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Ensures that of programs that start at the same time on a new file none fails.
func TestSQLite_OpenAtOnce(t *testing.T) {
	for range 2 {
		openAtOnce(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	}
}

// openAtOnce opens and closes a database several times at once.
func openAtOnce(t *testing.T, dsn string) {
	t.Helper()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			st, err := store.Open(t.Context(), dsn, time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Ensures that the audit trail cannot be changed by a statement, whichever program sends it.
func TestSQLite_AppendOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	fillTrail(t, st)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing to lose
	for _, statement := range []string{
		`UPDATE audit_log SET actor = 'x'`, `DELETE FROM audit_log`,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// fillTrail adds an entry to the audit trail, after one that was removed.
func fillTrail(t *testing.T, st *store.Store) {
	t.Helper()
	for _, id := range []string{"old", "new"} {
		if err := st.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Audit.RemoveBefore(time.Now().Add(time.Hour)); err != nil {
				return err
			}
			return tx.Audit.Insert(store.AuditEntry{ID: id})
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Ensures that a file that others could read is theirs no longer.
func TestSQLite_FileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, "sqlite:"+path, time.Now)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// Ensures that nothing is changed through a link, and that a link is opened only if others cannot access its file.
func TestSQLite_Link(t *testing.T) {
	folder := t.TempDir()
	victim, link := filepath.Join(folder, "victim"), filepath.Join(folder, "test.db")
	if err := errors.Join(os.WriteFile(victim, nil, 0o644), os.Symlink(victim, link)); err != nil {
		t.Fatal(err)
	}
	_, openErr := store.Open(t.Context(), "sqlite:"+link, time.Now)
	_, _, schemaErr := store.Schema(t.Context(), "sqlite:"+link)
	for _, err := range []error{openErr, schemaErr} {
		if err == nil || !strings.Contains(err.Error(), "a link to a file that other users can access: run chmod 600") {
			t.Errorf("a link to a file of others: %v", err)
		}
	}
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o644 || info.Size() != 0 {
		t.Errorf("the file was changed: %v %v", info, err)
	}

	if err := os.Chmod(victim, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, "sqlite:"+link, time.Now)
}

// Ensures that a database of a newer program is left alone.
func TestOpen_NewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	st, err := store.Open(t.Context(), "sqlite:"+path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
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
	_, err = store.Open(t.Context(), "sqlite:"+path, time.Now)
	if err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a newer schema is opened: %v", err)
	}
}

// Ensures that what cannot be opened is named with its reason.
func TestOpen_Refused(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for dsn, why := range map[string]string{
		"":                                   "this is not sqlite:PATH",
		"sqlite:":                            "this is not sqlite:PATH",
		"mysql://x":                          "this is not sqlite:PATH",
		"sqlite:" + folder:                   "is a directory",
		"sqlite:" + folder + "/missing/a.db": "no such file",
		"sqlite::memory:":                    "name a file",
		"sqlite:" + text:                     "not a SQLite database",
	} {
		_, err := store.Open(t.Context(), dsn, time.Now)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Open(%q) = %v; want an error with %q", dsn, err, why)
		}
	}
}

// Ensures that a store without a database keeps records until it is closed, apart from other stores.
func TestNone(t *testing.T) {
	st, other := open(t, store.None, time.Now), open(t, store.None, time.Now)
	err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.Accounts.Insert(store.Account{ID: "a"}) })
	if err != nil {
		t.Fatal(err)
	}
	for each, want := range map[*store.Store]error{st: nil, other: store.ErrNotFound} {
		err := each.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Accounts.Get(); return err })
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if err := st.Ready(t.Context()); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

// Ensures that a store that was closed has failed, as one that is broken would.
func TestClosed(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.View(t.Context(), func(*store.Tx) error { return nil }); !fault.Has(err, fault.StoreUnavailable) {
		t.Errorf("got %v", err)
	}
}
