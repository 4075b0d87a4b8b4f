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

// ErrInUse means that another process has the database open, which is to be replaced.
var ErrInUse = errors.New("store: another process uses the database")

// Backup writes the database of a DSN, as it is at one moment, to a file that only its owner can read, and its checksum to
// the file of that name with ChecksumSuffix. Others may go on writing meanwhile. It returns fs.ErrExist if one of the files is
// there already. The schema stays as it is.
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

// RestoreOptions say what Restore may do.
type RestoreOptions struct {
	// Replace allows a database to be replaced.
	Replace bool
	// WithoutChecksum allows a backup without a checksum, such as of a program that wrote none.
	WithoutChecksum bool
}

// Restore makes the database of a DSN from a backup, whole or not at all. It returns an error if the backup is damaged, is not
// the file that Backup wrote, has another schema than this program makes, or is of a newer program; ErrNoChecksum if it has no
// checksum; fs.ErrExist if there is a database, unless it is to be replaced; and ErrInUse if that is in use.
func Restore(ctx context.Context, from, dsn string, o RestoreOptions) error {
	to, err := sqliteFile(dsn)
	if err != nil {
		return err
	}
	if err := vacant(to); err != nil && !o.Replace {
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
	if err := checkBackup(ctx, backup); err != nil {
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

// publish gives a draft its name, in place of a database that is to be replaced.
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

// beside are the files that SQLite keeps next to a database. Those of one database would damage another of its name.
func beside(path string) []string { return []string{path + "-wal", path + "-shm", path + "-journal"} }

// vacant returns fs.ErrExist if a database, or what is left of one, is in the place.
func vacant(path string) error {
	for _, each := range append(beside(path), path) {
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

// retire takes a database out of use.
func retire(ctx context.Context, path string) error {
	if err := leaveWAL(ctx, path); err != nil {
		return err
	}
	for _, each := range beside(path) {
		if err := os.Remove(each); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// leaveWAL takes a database out of WAL mode, until it is opened the next time. That needs it for oneself, so it fails while a
// server runs; a database that is damaged cannot be asked, and is what a backup is for.
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

// copyInto copies a database as it is at one moment into an empty file, and returns when the disk has it.
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
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return file.Close()
}

// syncFolder makes the name of a file outlive a power failure.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// sqliteFile is the file of a DSN, as an absolute path.
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

// uri names a file by its path to SQLite. A path that is not absolute would be taken for a host.
func uri(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// openReadOnly opens a database that is there, without changing it.
func openReadOnly(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return sql.Open("sqlite", uri(path)+"?mode=ro&_pragma=busy_timeout(2000)")
}
