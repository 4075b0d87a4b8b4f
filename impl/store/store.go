// Package store keeps records in a relational database. View and Update are its only transactions; the domain decides
// what the records mean.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// ErrNotFound means that no record has the given key.
var ErrNotFound = errors.New("store: no such record")

// ErrExists means that there is a record with this key.
var ErrExists = errors.New("store: the record exists")

// Store is a database. It is safe for concurrent use.
type Store struct {
	now     func() time.Time
	random  secret.Source
	writer  *handle
	reader  *handle
	dialect dialect
	// files are the files of a SQLite database, else nil.
	files *databaseFiles
	// server is the clock of a database server, else nil.
	server *serverClock
	// observe is set by Observe, or nil.
	observe func(kind string, took time.Duration)
	// migrating opens the connections for migrations; nil if the writer's are used.
	migrating func() (*sql.DB, error)
	// openListener opens the LISTEN connection; nil on SQLite.
	openListener func(context.Context) (*pgx.Conn, error)
	// group is the open group on SQLite, or nil. It is used only while the slot of writers is held.
	group *group
	// changes, and follower on PostgreSQL or commits on SQLite, are nil without Follow.
	changes  *changes
	follower *follower
	commits  *commits
}

// dialect is how a database differs from others, except for opening it.
type dialect struct {
	goose goose.Dialect
	// exists reports whether an error means that a key is taken.
	exists func(error) bool
	// retry reports whether a failed transaction can be retried, and the delay before. tries counts the tries so far.
	retry func(err error, committing bool, tries int) (time.Duration, bool)
	// readOnly and readWrite are the options of View and Update.
	readOnly, readWrite sql.TxOptions
	// grouped reports whether concurrent Updates share commits.
	grouped bool
	// migrations adapts the files of migrations to the database. fresh reports whether it has none yet.
	migrations func(files fs.FS, fresh bool) fs.FS
	// words translates the parts of statements that the database spells differently; nil if there are none.
	words *strings.Replacer
	// prepared reports whether statements have to be prepared by hand.
	prepared bool
	// hasTable is a query that returns whether a table exists.
	hasTable string
	// own follows the migrations in the database's own SQL, such as the triggers of the audit trail. It can be run
	// repeatedly.
	own string
	// isReadOnly is an expression that is true if the server of a connection accepts no writes.
	isReadOnly string
	// permitRemoval lets the transaction remove entries of the audit trail until refuseRemoval.
	permitRemoval, refuseRemoval string
	// lockKeys locks the keys; empty if there is one writing transaction at a time.
	lockKeys string
}

// spell returns a statement as the database spells it.
func (d dialect) spell(text string) string {
	if d.words == nil {
		return text
	}
	return d.words.Replace(text)
}

// OpenError is the error of Open and Schema for a database that cannot be used.
type OpenError struct{ cause error }

// Error implements error.
func (e *OpenError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.cause }

// Temporary reports whether the same database may be usable later: another process holds a lock, or the server does
// not answer, has just started or has no free connection.
func (e *OpenError) Temporary() bool {
	refusal, answered := errors.AsType[*pgconn.PgError](e.cause)
	connection, dialed := errors.AsType[*net.OpError](e.cause)
	return busy(e.cause) || pgconn.Timeout(e.cause) || dialed && connection.Op == "dial" ||
		answered && slices.Contains([]string{"57P03", "53300"}, refusal.Code) // cannot_connect_now, too_many_connections
}

// Open opens the database of a DSN and migrates its schema. A DSN is "sqlite:PATH", "postgres://…" as libpq accepts
// it, or None for records in memory, which end with the store. Its errors are of the type OpenError.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	if dsn == None {
		return OpenMemory(ctx, nil, now, secret.Source{})
	}
	s, err := openFile(ctx, dsn, now)
	if err != nil {
		return nil, &OpenError{err}
	}
	return s, nil
}

// openFile opens a database that outlives the store.
func openFile(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	if err := CheckDSN(dsn); err != nil {
		return nil, fmt.Errorf("the store cannot be opened: %w", err)
	}
	s, err := open(ctx, dsn, now)
	if err != nil {
		return nil, fmt.Errorf("the store %s cannot be opened: %w", Redact(dsn), err)
	}
	if err := retryStart(ctx, s.refusePredictable); err != nil {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be used: %w", Redact(dsn), err), s.Close())
	}
	return s.bringUp(ctx, dsn)
}

// bringUp migrates the schema, and prepares the store for transactions. It closes the store if it returns an error.
func (s *Store) bringUp(ctx context.Context, dsn string) (*Store, error) {
	if err := retryStart(ctx, s.migrate); err != nil {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be brought up to date: %w", Redact(dsn),
			shorten(err)), s.Close())
	}
	if err := retryStart(ctx, s.prepare); err != nil {
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

// Slots returns the limits of concurrent transactions that read, and of those that write.
func (s *Store) Slots() (reads, writes *admission.Bound) {
	return s.reader.slots, s.writer.slots
}

// Readers returns the maximum number of concurrent reading transactions.
func (s *Store) Readers() int { return s.reader.slots.Size() }

// Now returns the time, to the millisecond, that a transaction would have if it began now.
func (s *Store) Now() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// Random returns where new ids and secrets come from. It is crypto/rand, except in memory.
func (s *Store) Random() secret.Source { return s.random }

// Close closes all connections to the database.
func (s *Store) Close() error {
	if s.follower != nil {
		s.follower.close()
	}
	if s.commits != nil {
		s.commits.close()
	}
	return errors.Join(s.reader.Close(), s.writer.Close()) // the same pool can be closed twice
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
		defer own.Close() //nolint:errcheck // its work is committed
		db = own
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	current, err := schemaVersion(ctx, db, s.dialect)
	if err != nil {
		return err
	}
	if err := notNewer(current); err != nil {
		return err
	}
	provider, err := goose.NewProvider(s.dialect.goose, db, s.dialect.migrations(files, current == 0))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, s.dialect.own)
	return err
}

// millis returns the stored form of a time; the zero time is 0.
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
