package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// ErrInUse means that another process has the database open that is to be replaced.
var ErrInUse = errors.New("store: another process uses the database")

// Backup writes a consistent snapshot of the database of a DSN to a file that only its owner can read, and its
// checksum to the file of that name with ChecksumSuffix. Other processes can write meanwhile. It returns fs.ErrExist
// if one of the files exists. The schema stays as it is.
func Backup(ctx context.Context, dsn, to string) error {
	from, err := sqliteFile(dsn)
	if err != nil {
		return err
	}
	db, err := openReadOnly(from)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was read only
	if err := refusePredictable(ctx, db, sqliteDialect); err != nil {
		return fmt.Errorf("%s cannot be copied: %w", from, err)
	}
	checksum := to + ChecksumSuffix
	if err := create(to); err != nil {
		return err
	}
	if err := create(checksum); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	err = copyInto(ctx, db, to)
	if err == nil {
		err = writeChecksum(to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(to), os.Remove(checksum))
	}
	return syncFolder(to)
}

// RestoreOptions are what Restore may do.
type RestoreOptions struct {
	// Replace allows a database to be replaced.
	Replace bool
	// WithoutChecksum allows a backup without a checksum, such as of a program that wrote none.
	WithoutChecksum bool
}

// Restore creates the database of a DSN from a backup, as a whole or not at all. It returns an error if the backup is
// damaged, differs from its checksum, or has a schema that this program does not create or that is newer;
// ErrNoChecksum if it has no checksum; fs.ErrExist if there is a database and Replace is not set; and ErrInUse if
// another process has that database open.
func Restore(ctx context.Context, from, dsn string, o RestoreOptions) error {
	to, err := sqliteFile(dsn)
	if err != nil {
		return err
	}
	if err := checkVacant(to); err != nil && !o.Replace {
		return err
	}
	backup, err := openReadOnly(from)
	if err != nil {
		return err
	}
	defer backup.Close() //nolint:errcheck // it was read only
	if err := checkChecksum(from, o.WithoutChecksum); err != nil {
		return fmt.Errorf("%s cannot be restored: %w", from, err)
	}
	// Predictable secrets come first: the table that marks them is also one that no migration makes.
	err = refusePredictable(ctx, backup, sqliteDialect)
	if err == nil {
		err = checkBackup(ctx, backup)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be restored: %w", from, err)
	}
	draft, err := os.CreateTemp(filepath.Dir(to), ".sallyport-restore-") // only its owner can read it
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // it is a draft
	if err := errors.Join(draft.Close(), copyInto(ctx, backup, draft.Name())); err != nil {
		return err
	}
	return publish(ctx, draft.Name(), to, o.Replace)
}

// publish renames a draft to its final name, in place of a database that is to be replaced.
func publish(ctx context.Context, draft, to string, replace bool) error {
	if !replace {
		if err := os.Link(draft, to); err != nil { // unlike renaming, this never replaces
			return err
		}
		return syncFolder(to)
	}
	if err := retire(ctx, to); err != nil {
		return err
	}
	if err := os.Rename(draft, to); err != nil {
		return err
	}
	return syncFolder(to)
}

// sidecarFiles are the files that SQLite keeps next to a database. Those of one database would damage another of its
// name.
func sidecarFiles(path string) []string {
	return []string{path + "-wal", path + "-shm", path + "-journal"}
}

// checkVacant returns fs.ErrExist if a database, or what is left of one, has the path.
func checkVacant(path string) error {
	for _, each := range append(sidecarFiles(path), path) {
		if _, err := os.Lstat(each); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, &fs.PathError{Op: "restore", Path: each, Err: fs.ErrExist})
		}
	}
	return nil
}

// Unused returns ErrInUse if another process has the SQLite database of a DSN open.
func Unused(ctx context.Context, dsn string) error {
	path, err := sqliteFile(dsn)
	if err != nil {
		return err
	}
	return leaveWAL(ctx, path)
}

// retire takes a database out of use and removes its sidecar files.
func retire(ctx context.Context, path string) error {
	if err := leaveWAL(ctx, path); err != nil {
		return err
	}
	for _, each := range sidecarFiles(path) {
		if err := os.Remove(each); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// leaveWAL takes a database out of WAL mode until it is next opened. That needs exclusive access, so it returns
// ErrInUse while a server runs. A damaged database cannot be asked, and counts as unused: a backup is to replace it.
func leaveWAL(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", uri(path)+"?mode=rw")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	inUse := busy(err)
	if err := errors.Join(ctx.Err(), db.Close()); err != nil {
		return err
	}
	if inUse {
		return ErrInUse
	}
	return nil
}

// copyInto copies a snapshot of a database into an empty file, and returns when it is synced to the disk.
func copyInto(ctx context.Context, db *sql.DB, path string) error {
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return plain(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func create(path string) error {
	const flags = os.O_CREATE | os.O_EXCL | os.O_WRONLY
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return file.Close()
}

// syncFolder syncs the folder of a file to the disk, so that the file's name survives a power failure.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// sqliteFile returns the file of a DSN, as an absolute path.
func sqliteFile(dsn string) (string, error) {
	if err := CheckDSN(dsn); err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return "", fmt.Errorf("the store %s is not sqlite:PATH", Redact(dsn))
	}
	return filepath.Abs(path)
}

// uri returns the file URI of an absolute path. The beginning of a relative one would be taken for a host.
func uri(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// openReadOnly opens an existing database without changing it.
func openReadOnly(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := regular(path); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", uri(path)+"?mode=ro&_pragma=busy_timeout(2000)")
}
