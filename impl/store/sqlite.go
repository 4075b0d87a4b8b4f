package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/background"
)

// pragmas of every connection.
const pragmas = "_pragma=foreign_keys(1)&"

// readerBusy and writerBusy are the milliseconds that SQLite waits for a lock. It asks in growing intervals, which miss
// the short times when a busy process has no write lock. So begin asks again after the short time of a writer.
// Migrations, which do not begin so, have the time of a reader.
const (
	readerBusy = "_pragma=busy_timeout(2000)&"
	writerBusy = "_pragma=busy_timeout(2)&"
)

// synchronousFull makes an acknowledged write survive a power failure.
const synchronousFull = "_pragma=synchronous(FULL)"

var sqliteDialect = dialect{
	goose:    goose.DialectSQLite3,
	exists:   sqliteExists,
	retry:    sqliteRetry,
	own:      sqliteAppendOnly + sqliteEpochs + sqliteSetters,
	readOnly: sql.TxOptions{ReadOnly: true},
	grouped:  true,

	permitRemoval: "DROP TRIGGER audit_log_no_delete",
	refuseRemoval: sqliteNoDelete,

	words:      sqliteWords,
	prepared:   true,
	migrations: func(files fs.FS, _ bool) fs.FS { return transactional{files} },
	isReadOnly: "FALSE", // only a write finds out whether a file is writable
	hasTable:   "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
}

// sqliteWords translates the parts of statements that SQLite spells differently.
var sqliteWords = strings.NewReplacer(
	among, "IN (SELECT value FROM json_each($1))",
	elements, "json_each($1)",
	asJSON, "",
	containedIn, "instr",
	byBytes, "",
)

// sqliteAppendOnly is not a migration, because each database spells triggers differently.
const sqliteAppendOnly = `
CREATE TRIGGER IF NOT EXISTS audit_log_no_update BEFORE UPDATE ON audit_log
	BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;` + sqliteNoDelete

const sqliteNoDelete = `
CREATE TRIGGER IF NOT EXISTS audit_log_no_delete BEFORE DELETE ON audit_log
	BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;`

// sqliteEpochs set the epoch of new keys and sessions to their user's, whatever program inserts them.
const sqliteEpochs = `
CREATE TRIGGER IF NOT EXISTS api_keys_epoch AFTER INSERT ON api_keys
	WHEN NEW.epoch <> (SELECT key_epoch FROM users WHERE name = NEW.user_name)
	BEGIN UPDATE api_keys SET epoch = (SELECT key_epoch FROM users WHERE name = NEW.user_name) WHERE id = NEW.id; END;
CREATE TRIGGER IF NOT EXISTS sessions_epoch AFTER INSERT ON sessions
	WHEN NEW.epoch <> (SELECT session_epoch FROM users WHERE name = NEW.user_name)
	BEGIN UPDATE sessions SET epoch = (SELECT session_epoch FROM users WHERE name = NEW.user_name)
	WHERE id = NEW.id; END;`

// sqliteSetters reset password_set_by to unknown when a program stores a password without it.
const sqliteSetters = `
CREATE TRIGGER IF NOT EXISTS users_password_set_by AFTER UPDATE OF password_hash ON users
	WHEN NEW.password_hash <> OLD.password_hash
	BEGIN UPDATE users SET password_set_by = '' WHERE name = NEW.name; END;`

// openSQLite opens, or creates, a database file that only its owner can read. It has one connection that writes and a
// pool that cannot: SQLite has one writer at a time, and a queue in Go is fair and cheap, while SQLite polls.
// _txlock=immediate takes the write lock at the start, so an Update never fails half-way because another process
// wrote in between.
func openSQLite(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	path, err := filepath.Abs(path) // a URI takes what follows two slashes for a host
	if err != nil {
		return nil, err
	}
	if err := ownFile(path); err != nil {
		return nil, err
	}

	files, err := newDatabaseFiles(path)
	if err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite",
		uri(path)+"?_txlock=immediate&"+writerBusy+pragmas+synchronousFull+"&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	// The first connection switches the file to WAL mode, which a reader could not.
	if err := retryStart(ctx, writer.PingContext); err != nil {
		return nil, errors.Join(plain(err), writer.Close())
	}
	reader, err := sql.Open("sqlite", uri(path)+"?mode=ro&_pragma=query_only(1)&"+readerBusy+pragmas+synchronousFull)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}

	// Two for each possible heavy request, one for the reads of revocations, and one that is always free to check
	// whether the store is ready.
	slots := max(4, 2*runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(slots + 2)
	reader.SetMaxIdleConns(slots + 2)
	migrating := func() (*sql.DB, error) {
		db, err := sql.Open("sqlite", uri(path)+"?_txlock=immediate&"+readerBusy+pragmas+synchronousFull)
		if err == nil {
			db.SetMaxOpenConns(1)
		}
		return db, err
	}
	return &Store{
		now: now, dialect: sqliteDialect, files: files, migrating: migrating,
		writer: &handle{DB: writer, slots: admission.NewBound(1, admission.Many)},
		reader: &handle{DB: reader, slots: admission.NewBound(slots, admission.Many), reserved: admission.NewBound(1,
			admission.Many)},
	}, nil
}

// ownFile creates an empty file that only its owner can read, or removes the permissions of others from an existing
// one; a link is checked instead. It opens no existing file: closing a second descriptor of a file releases all POSIX
// locks that this process has on it, and with them the locks of a store that is already open.
func ownFile(path string) error {
	if err := create(path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := regular(path); err != nil {
		return err
	}
	if isLink(path) {
		return checkLink(path)
	}
	return os.Chmod(path, 0o600)
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// checkLink returns an error if a path is that of a link to a file that other users can access. Permissions are not
// changed through a link: another user may have made it, and it may lead to any file.
func checkLink(path string) error {
	if !isLink(path) || runtime.GOOS == "windows" { // which has no such permissions
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = &fs.PathError{
			Op: "open", Path: path, Err: errors.New("this is a link to a file that other users can access: run chmod 600 on it"),
		}
	}
	return err
}

// regular returns an error unless a path is that of an existing regular file, or of a link to one.
func regular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular(): // such as a device, which is not to be changed
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("this is not a regular file")}
	}
	return nil
}

// The limits of retries when a database is opened.
const (
	// startTimeout is the time that SQLITE_BUSY is retried, such as when several programs start on one new file.
	startTimeout = 30 * time.Second
	// startTries is the maximum number of tries after other errors. A migration fails if another program was faster,
	// and the next try finds it done.
	startTries = 5
)

// retryStart calls f until it succeeds or a limit is reached. Switching a new file to WAL mode needs an exclusive
// lock, for which SQLite does not always wait as long as busy_timeout: if two connections hold a shared lock and one
// of them needs more, it returns SQLITE_BUSY at once, because they would deadlock.
func retryStart(ctx context.Context, f func(context.Context) error) error {
	deadline := time.Now().Add(startTimeout)
	for tries := 1; ; tries++ {
		err := f(ctx)
		switch {
		case err == nil, ctx.Err() != nil, time.Now().After(deadline):
			return err
		case busy(err):
			wait := rand.N(min(time.Millisecond<<min(tries, 7), 100*time.Millisecond)) //nolint:gosec // spreads load
			background.Pause(ctx, wait)
		case tries >= startTries:
			return err
		}
	}
}

// busy reports whether an error means that another connection holds a lock on a SQLite file.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// sqliteRetry never retries: a writer has the database alone.
func sqliteRetry(error, bool, int) (time.Duration, bool) { return 0, false }

func sqliteExists(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE ||
		e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// plain explains the failures that are about the file.
func plain(err error) error {
	text := strings.TrimPrefix(shorten(err).Error(), "sqlite: ")
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB:
			text = "the file is not a SQLite database"
		case sqlite3.SQLITE_CORRUPT:
			text = "it is damaged: " + text
		}
	}
	return shortError{err, text}
}
