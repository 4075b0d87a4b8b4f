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
	"runtime"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport/sallyport/impl/overload"
)

// pragmas of every connection. synchronous(FULL) is what makes an acknowledged write survive a power failure;
// busy_timeout lets a command line tool write beside a running server.
const pragmas = "_pragma=busy_timeout(2000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"

var sqliteDialect = dialect{
	goose: goose.DialectSQLite3, exists: sqliteExists, again: sqliteAgain, own: sqliteAppendOnly,
	readOnly: sql.TxOptions{ReadOnly: true}, prepared: true,
	migrations:  func(files fs.FS) fs.FS { return files },
	hasVersions: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'",
}

// sqliteWords puts statements into SQLite's words.
var sqliteWords = strings.NewReplacer(
	among, "IN (SELECT value FROM json_each($1))",
	elements, "json_each($1)",
)

// sqliteAppendOnly is no migration, because each database has its own language for it.
const sqliteAppendOnly = `
CREATE TRIGGER IF NOT EXISTS audit_log_no_update BEFORE UPDATE ON audit_log
	BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_log_no_delete BEFORE DELETE ON audit_log
	BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;`

// openSQLite opens, and if need be makes, a database file that only its owner can read. There is one connection that
// writes and a pool that cannot: SQLite has one writer at a time, and waiting for a turn in Go is fair and cheap, while
// waiting in SQLite is polling. _txlock=immediate takes the write lock at the start, so an Update never fails half-way
// because another process wrote in between.
func openSQLite(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	if strings.HasPrefix(path, ":") {
		return nil, errors.New("a database in memory would be another one for each connection; name a file")
	}
	path, err := filepath.Abs(path) // a URI takes what follows two slashes for a host
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return nil, err
	}
	uri := "file:" + (&url.URL{Path: path}).EscapedPath()
	writer, err := sql.Open("sqlite", uri+"?_txlock=immediate&_pragma=journal_mode(WAL)&"+pragmas)
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	// The first connection makes the file a database in WAL mode, which a reader could not.
	if err := writer.PingContext(ctx); err != nil {
		return nil, errors.Join(plain(err), writer.Close())
	}
	reader, err := sql.Open("sqlite", uri+"?mode=ro&_pragma=query_only(1)&"+pragmas)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	// Twice as many as there can be large requests, and one more, which is always free to tell whether the store is ready.
	turns := max(4, 2*runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(turns + 1)
	reader.SetMaxIdleConns(turns + 1)
	return &Store{
		now: now, dialect: sqliteDialect,
		writer: &handle{DB: writer, turns: overload.NewBound(1, overload.Many)}, reader: &handle{DB: reader, turns: overload.NewBound(turns, overload.Many)},
	}, nil
}

// sqliteAgain never is: whoever writes has the database alone.
func sqliteAgain(error, bool, int) (time.Duration, bool) { return 0, false }

func sqliteExists(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// plain explains the one failure that is a user's and not the disk's.
func plain(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("the file is not a SQLite database")
	}
	return errors.New(strings.TrimPrefix(briefly(err).Error(), "sqlite: "))
}
