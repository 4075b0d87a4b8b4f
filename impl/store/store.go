// Package store keeps records in a relational database. View and Update are its only doors; what the records mean is
// the domain's to decide.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
)

// ErrNotFound means that no record has the given key.
var ErrNotFound = errors.New("store: no such record")

// ErrExists means that there is a record with this key.
var ErrExists = errors.New("store: the record exists")

// Store is a database. It is safe for concurrent use.
type Store struct {
	now     func() time.Time
	writer  *handle
	reader  *handle
	dialect dialect
	// files are those of a SQLite database, else nil.
	files *databaseFiles
	// server is nil where there is none.
	server *serverClock
	// observe is nil where nobody wants to know.
	observe func(kind string, took time.Duration)
	// migrating opens the connections that migrations take; nil where it is the writer's.
	migrating func() (*sql.DB, error)
	// listening opens a connection that hears what is changed; nil where nobody tells.
	listening func(context.Context) (*pgx.Conn, error)
	// changes and follower are nil for a store that is not followed.
	changes  *changes
	follower *follower
}

// dialect is all that differs between databases, beside opening them.
type dialect struct {
	goose goose.Dialect
	// exists tells whether an error means that a key is taken.
	exists func(error) bool
	// again tells whether a transaction that failed can be run again, and how long to wait before. tries counts those it had.
	again func(err error, committing bool, tries int) (time.Duration, bool)
	// readOnly and readWrite begin the transactions of View and Update.
	readOnly, readWrite sql.TxOptions
	// migrations makes the files of migrations the database's own.
	migrations func(fs.FS) fs.FS
	// prepared is set where statements have to be prepared by hand.
	prepared bool
	// hasVersions asks whether there is the table of goose.
	hasVersions string
	// own is what follows the migrations in the database's own language, such as that the audit trail cannot be changed. It
	// may be run again.
	own string
	// isReadOnly is an expression that is true where the server of a connection takes no writes.
	isReadOnly string
	// lockKeys is empty where one transaction at a time writes.
	lockKeys string
}

// Open opens the database that a DSN names, and brings its schema up to date: "sqlite:PATH", "postgres://…" as libpq takes
// it, or None.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	if dsn == None {
		return &Store{now: now}, nil
	}
	if err := CheckDSN(dsn); err != nil {
		return nil, fmt.Errorf("the store cannot be opened: %w", err)
	}
	s, err := open(ctx, dsn, now)
	if err != nil {
		return nil, fmt.Errorf("the store %s cannot be opened: %w", Redact(dsn), err)
	}
	if err := retryStart(ctx, s.migrate); err != nil {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be brought up to date: %w", Redact(dsn), briefly(err)), s.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be used: %w", Redact(dsn), err), s.Close())
	}
	if s.files != nil {
		if err := s.files.addLog(); err != nil {
			return nil, errors.Join(fmt.Errorf("the store %s cannot be used: %w", Redact(dsn), err), s.Close())
		}
	}
	return s, nil
}

func open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	if IsPostgres(dsn) {
		return openPostgres(ctx, dsn, now)
	}
	return openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"), now)
}

// Configured tells whether there is a database at all.
func (s *Store) Configured() bool { return s.writer != nil }

// Turns are the bounds of the transactions that go on at once: those that read, and those that write. They are nil without a
// database.
func (s *Store) Turns() (reads, writes *admission.Bound) {
	if !s.Configured() {
		return nil, nil
	}
	return s.reader.turns, s.writer.turns
}

// Readers returns how many transactions read at once, 0 without a database.
func (s *Store) Readers() int {
	if !s.Configured() {
		return 0
	}
	return s.reader.turns.Size()
}

// Now is the time, to the millisecond, as a transaction would have it that began now.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Require returns fault.StoreMissing if there is no database.
func (s *Store) Require() error {
	if s.Configured() {
		return nil
	}
	return fault.New(fault.StoreMissing, "this server runs without an authentication cluster, which the request needs")
}

// Close ends all use of the database.
func (s *Store) Close() error {
	if !s.Configured() {
		return nil
	}
	if s.follower != nil {
		s.follower.close()
	}
	return errors.Join(s.reader.Close(), s.writer.Close()) // to close twice what is one is no error
}

//go:embed migrations/*.sql
var migrations embed.FS

func (s *Store) migrate(ctx context.Context) error {
	db := s.writer.DB
	if s.migrating != nil {
		own, err := s.migrating()
		if err != nil {
			return err
		}
		defer own.Close() //nolint:errcheck // what it did is committed
		db = own
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(s.dialect.goose, db, s.dialect.migrations(files))
	if err != nil {
		return err
	}
	current, _, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if err := notNewer(current); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, s.dialect.own)
	return err
}

// millis is how times are stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at reverses millis.
func at(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}
