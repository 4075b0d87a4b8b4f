package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// addPair adds two audit entries in one transaction.
func addPair(t *testing.T, st *store.Store, id string) {
	t.Helper()
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		first, second := store.AuditEntry{ID: id + "a"}, store.AuditEntry{ID: id + "b"}
		return errors.Join(tx.Audit.Insert(first), tx.Audit.Insert(second))
	})
	if err != nil {
		t.Error(err)
	}
}

// query reads one value of a database file.
func query[T any](t *testing.T, path, text string) T {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing to lose
	var value T
	if err := db.QueryRowContext(t.Context(), text).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func entries(t *testing.T, path string) int {
	t.Helper()
	return query[int](t, path, "SELECT COUNT(*) FROM audit_log")
}

// backedUp returns the DSN of a closed store with pairs of audit entries, and a backup of it.
func backedUp(t *testing.T, pairs int) (dsn, backup string) {
	t.Helper()
	dsn, backup = "sqlite:"+filepath.Join(t.TempDir(), "test.db"), filepath.Join(t.TempDir(), "backup.db")
	st, err := store.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pairs {
		addPair(t, st, strconv.Itoa(i))
	}
	if err := errors.Join(st.Close(), store.Backup(t.Context(), dsn, backup)); err != nil {
		t.Fatal(err)
	}
	return dsn, backup
}

// Ensures that a backup taken while a server writes has every acknowledged write and no partial transaction, and that
// only its owner can read it.
func TestBackup_WhileWriting(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	st := open(t, dsn, time.Now)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for writer := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					addPair(t, st, fmt.Sprintf("%d-%d", writer, i))
				}
			}
		})
	}
	folder := t.TempDir()
	for i := range 10 {
		addPair(t, st, "acknowledged"+strconv.Itoa(i))
		path := filepath.Join(folder, strconv.Itoa(i))
		if err := store.Backup(t.Context(), dsn, path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
		if n := entries(t, path); n%2 != 0 {
			t.Errorf("%d entries: half of a transaction", n)
		}
		if n := query[int](t, path, "SELECT COUNT(*) FROM audit_log WHERE id LIKE 'acknowledged%'"); n != 2*(i+1) {
			t.Errorf("%d entries of those acknowledged; want %d", n, 2*(i+1))
		}
	}
	close(stop)
	wg.Wait()
}

// Ensures that a backup replaces no file, and that one that fails leaves none.
func TestBackup_Refused(t *testing.T) {
	dsn, backup := backedUp(t, 1)
	before, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(t.Context(), dsn, backup); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if after, err := os.ReadFile(backup); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for dsn, why := range map[string]string{
		"sqlite:" + folder + "/missing": "no such file", "sqlite:" + text: "not a SQLite database",
		"none": "is not sqlite:PATH",
	} {
		to := filepath.Join(folder, "backup.db")
		if err := store.Backup(t.Context(), dsn, to); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v; want %q", dsn, err, why)
		}
		for _, path := range []string{to, to + store.ChecksumSuffix} {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s leaves %s: %v", dsn, path, err)
			}
		}
	}
}

// Ensures that a restored database equals the one that was backed up, and that only its owner can read it.
func TestRestore(t *testing.T) {
	_, backup := backedUp(t, 3)
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	if err := store.Restore(t.Context(), backup, "sqlite:"+path, store.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	st := open(t, "sqlite:"+path, time.Now)
	addPair(t, st, "more")
	if err := st.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := store.Backup(t.Context(), "sqlite:"+path, backup+"2"); err != nil {
		t.Fatal(err)
	}
	if n := entries(t, backup+"2"); n != 8 {
		t.Errorf("%d entries; want 8", n)
	}
}

// Ensures that a database is replaced only on request, and never one that is in use; that what is left of one counts
// too.
func TestRestore_Exists(t *testing.T) {
	_, backup := backedUp(t, 1)
	dsn, _ := backedUp(t, 5)
	path := strings.TrimPrefix(dsn, "sqlite:")
	if err := store.Restore(t.Context(), backup, dsn, store.RestoreOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a database: %v", err)
	}
	st, err := store.Open(t.Context(), dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = store.Restore(t.Context(), backup, dsn, store.RestoreOptions{Replace: true})
	if !errors.Is(err, store.ErrInUse) {
		t.Errorf("over a database in use: %v", err)
	}
	if err := store.Unused(t.Context(), dsn); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a database in use is called unused: %v", err)
	}
	addPair(t, st, "still there")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Unused(t.Context(), dsn); err != nil {
		t.Error(err)
	}
	if n := entries(t, path); n != 12 {
		t.Errorf("%d entries; want 12", n)
	}
	if err := store.Restore(t.Context(), backup, dsn, store.RestoreOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	if n := entries(t, path); n != 2 {
		t.Errorf("%d entries; want 2", n)
	}
	if err := os.Rename(path, path+"-wal"); err != nil {
		t.Fatal(err)
	}
	if err := store.Restore(t.Context(), backup, dsn, store.RestoreOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("beside what is left of a database: %v", err)
	}
	wantFiles(t, filepath.Dir(path), "test.db-wal")
}

// Ensures that a damaged database can be replaced, together with its sidecar files: that is what backups are for.
func TestRestore_OverDamaged(t *testing.T) {
	dsn, backup := backedUp(t, 2)
	path := strings.TrimPrefix(dsn, "sqlite:")
	for _, each := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.WriteFile(each, bytes.Repeat([]byte("damaged "), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Restore(t.Context(), backup, dsn, store.RestoreOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, filepath.Dir(path), "test.db")
	if n := entries(t, path); n != 4 {
		t.Errorf("%d entries; want 4", n)
	}
}

// Ensures that a damaged backup, or one of a newer or of another program, replaces nothing, whatever the options are.
func TestRestore_Unusable(t *testing.T) {
	_, newer := backedUp(t, 1)
	_, foreign := backedUp(t, 1)
	_, damaged := backedUp(t, 500)
	execute(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	execute(t, foreign, "DROP TABLE goose_db_version")
	data, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data)/2+4096; i++ {
		data[i] ^= 0xff
	}
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(cut, data[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{newer, foreign, damaged} {
		must(t, os.Remove(from+store.ChecksumSuffix))
	}
	dsn, _ := backedUp(t, 1)
	path := strings.TrimPrefix(dsn, "sqlite:")
	for from, why := range map[string]string{
		newer: "newer program", foreign: "not a database of this program", damaged: "it is damaged", cut: "malformed",
		cut + "s": "no such file",
	} {
		err := store.Restore(t.Context(), from, dsn, store.RestoreOptions{Replace: true, WithoutChecksum: true})
		if err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), from) {
			t.Errorf("%v; want %q", err, why)
		}
	}
	if n := entries(t, path); n != 2 {
		t.Errorf("%d entries; want 2", n)
	}
	wantFiles(t, filepath.Dir(path), "test.db")
}

// Ensures that a backup that is not the file that was written, or has no checksum beside it, replaces nothing; and
// that one may be renamed with its checksum, or be restored without one on request.
func TestRestore_Checksum(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, backup string)
		o     store.RestoreOptions
		want  string
	}{
		"a changed value": {func(t *testing.T, backup string) {
			data, err := os.ReadFile(backup)
			must(t, err)
			// the id of an entry, which SQLite has no reason to doubt
			changed := bytes.ReplaceAll(data, []byte("0a"), []byte("9z"))
			must(t, os.WriteFile(backup, changed, 0o600))
		}, store.RestoreOptions{WithoutChecksum: true}, "its SHA-256 is not the one in"},
		"a page less": {func(t *testing.T, backup string) {
			info, err := os.Stat(backup)
			must(t, err)
			must(t, os.Truncate(backup, info.Size()-4096))
		}, store.RestoreOptions{}, "its SHA-256 is not the one in"},
		"an empty checksum": {func(t *testing.T, backup string) {
			must(t, os.Truncate(backup+store.ChecksumSuffix, 0))
		}, store.RestoreOptions{}, "its SHA-256 is not the one in"},
		"no checksum": {func(t *testing.T, backup string) {
			must(t, os.Remove(backup+store.ChecksumSuffix))
		}, store.RestoreOptions{}, "there is no checksum"},
		"no checksum, on request": {func(t *testing.T, backup string) {
			must(t, os.Remove(backup+store.ChecksumSuffix))
		}, store.RestoreOptions{WithoutChecksum: true}, ""},
		"unchanged": {func(*testing.T, string) {}, store.RestoreOptions{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, backup := backedUp(t, 3)
			test.spoil(t, backup)
			moved := filepath.Join(t.TempDir(), "renamed")
			must(t, os.Rename(backup, moved))
			if err := os.Rename(backup+store.ChecksumSuffix, moved+store.ChecksumSuffix); err != nil &&
				!errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			wantRestored(t, moved, test.o, test.want)
		})
	}
}

// wantRestored fails the test unless a backup takes the place of a database or, if there is something to be refused,
// leaves it as it is.
func wantRestored(t *testing.T, backup string, o store.RestoreOptions, refused string) {
	t.Helper()
	dsn, _ := backedUp(t, 1)
	path, want := strings.TrimPrefix(dsn, "sqlite:"), 6
	if refused != "" {
		want = 2
	}
	o.Replace = true
	err := store.Restore(t.Context(), backup, dsn, o)
	if (err != nil) != (refused != "") || err != nil && !strings.Contains(err.Error(), refused) {
		t.Errorf("Restore: %v; want %q", err, refused)
	}
	if n := entries(t, path); n != want {
		t.Errorf("%d entries; want %d", n, want)
	}
	wantFiles(t, filepath.Dir(path), "test.db")
}

// Ensures that a backup with a schema other than that of its version replaces nothing, whatever the options are.
func TestRestore_Schema(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ statement, want string }{
		"a trigger more": {
			"CREATE TRIGGER t AFTER INSERT ON users BEGIN UPDATE users SET roles = 'ece_platform_admin'; END",
			"makes no trigger t",
		},
		"a trigger more, with a name of goose's": {
			"CREATE TRIGGER goose_db_version AFTER INSERT ON users BEGIN SELECT 1; END",
			"makes no trigger goose_db_version",
		},
		"a trigger more, with a name of SQLite's": {hiddenTrigger, "makes no trigger sqlite_x"},
		"a view more":   {"CREATE VIEW v AS SELECT 1", "makes no view v"},
		"a table more":  {"CREATE TABLE t (x)", "makes no table t"},
		"a table less":  {"DROP TABLE audit_log", "lacks the index audit_log_actor"},
		"a column more": {"ALTER TABLE users ADD COLUMN x", "makes another table users"},
		"a trigger changed": {
			"DROP TRIGGER audit_log_no_delete; " +
				"CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT 1; END",
			"makes another trigger audit_log_no_delete",
		},
		"a trigger less": {"DROP TRIGGER audit_log_no_delete", ""}, // the next start makes it
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, backup := backedUp(t, 3)
			execute(t, backup, test.statement)
			must(t, os.Remove(backup+store.ChecksumSuffix))
			wantRestored(t, backup, store.RestoreOptions{WithoutChecksum: true}, test.want)
		})
	}
}

// hiddenTrigger writes a trigger into the schema under a name that CREATE TRIGGER refuses.
const hiddenTrigger = `CREATE TRIGGER x AFTER INSERT ON users BEGIN SELECT 1; END;
	PRAGMA writable_schema = ON;
	UPDATE sqlite_master SET name = 'sqlite_x',
		sql = 'CREATE TRIGGER sqlite_x AFTER INSERT ON users BEGIN SELECT 1; END' WHERE name = 'x'`

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// wantFiles fails the test unless a folder has these files and no others.
func wantFiles(t *testing.T, folder string, names ...string) {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil || len(found) != len(names) {
		t.Errorf("the folder has %v (%v); want %q", found, err, names)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

// Ensures that Schema returns the version of every database, and creates and changes nothing.
func TestSchema(t *testing.T) {
	dsn, _ := backedUp(t, 1)
	current, target, err := store.Schema(t.Context(), dsn)
	if err != nil || current != target || target < 4 {
		t.Errorf("%d, %d, %v", current, target, err)
	}
	old := made(t, 2)
	if current, _, err := store.Schema(t.Context(), "sqlite:"+old); err != nil || current != 2 {
		t.Errorf("an old one: %d, %v", current, err)
	}
	if n := query[int](t, old, "SELECT MAX(version_id) FROM goose_db_version"); n != 2 {
		t.Errorf("it was migrated to %d", n)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	execute(t, empty, "CREATE TABLE t (x)")
	if current, _, err := store.Schema(t.Context(), "sqlite:"+empty); err != nil || current != 0 {
		t.Errorf("one without a schema: %d, %v", current, err)
	}
	if _, _, err := store.Schema(t.Context(), "sqlite:"+empty+"s"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}

// Ensures that a backup of an old program's database is accepted: an operator makes it with the new program, before
// the upgrade.
func TestBackup_OldSchema(t *testing.T) {
	old, backup := made(t, 2), filepath.Join(t.TempDir(), "backup.db")
	if err := store.Backup(t.Context(), "sqlite:"+old, backup); err != nil {
		t.Fatal(err)
	}
	to := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if err := store.Restore(t.Context(), backup, to, store.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	if current, _, err := store.Schema(t.Context(), to); err != nil || current != 2 {
		t.Errorf("%d, %v", current, err)
	}
	if err := open(t, to, time.Now).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
