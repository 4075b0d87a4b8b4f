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

// Tx is one transaction. Its methods return ErrNotFound, ErrExists, the context's error, or
// fault.StoreUnavailable for anything that the database itself got wrong.
type Tx struct {
	// Now is the time of everything that this transaction does, to the millisecond.
	Now time.Time

	ctx    context.Context //nolint:containedctx // a Tx lives as long as one call of View or Update
	tx     *sql.Tx
	handle *handle
	bound  map[int]*sql.Stmt
	d      dialect
	// broken is the first failure of the database. After it, nothing that the transaction did is kept, whatever its
	// caller makes of the error.
	broken error
	// read is what has been read and may be remembered, and changed is what others may remember.
	read    []tag
	changed tags
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

// View calls f with a transaction that reads. It returns f's error, fault.StoreMissing without a database,
// fault.ServerBusy if there is no turn, or fault.StoreUnavailable.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	defer s.observed("view", time.Now())
	return s.run(ctx, s.reader, s.dialect.readOnly, f)
}

// Update is View with a transaction that reads and writes, and commits if f returns nil. Updates are serializable. f may
// be called more than once, so it must have no effect beyond the transaction.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	defer s.observed("update", time.Now())
	return s.run(ctx, s.writer, s.dialect.readWrite, f)
}

// run tries a transaction until it is known how it ends.
func (s *Store) run(ctx context.Context, h *handle, options sql.TxOptions, f func(*Tx) error) error {
	if err := s.Require(); err != nil {
		return err
	}
	release, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errPatience)
	defer cancel()
	if err := s.inPlace(ctx); err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		committing, err := s.try(ctx, h, options, f)
		if err == nil {
			return nil
		}
		if code(err) == readOnlyTransaction {
			h.reconnect()
		}
		wait, again := s.dialect.again(err, committing, tries)
		if !again || !pause(ctx, wait) {
			return err
		}
	}
}

// try runs a transaction once. An error of the database comes before what f made of it.
func (s *Store) try(ctx context.Context, h *handle, options sql.TxOptions, f func(*Tx) error) (committing bool, err error) {
	sqlTx, err := h.BeginTx(ctx, &options)
	if err != nil {
		return false, failure(ctx, "begin", err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back; after a failure the first error counts
	tx := &Tx{Now: s.Now(), ctx: ctx, tx: sqlTx, handle: h, bound: map[int]*sql.Stmt{}, d: s.dialect}
	err = f(tx)
	if tx.broken != nil {
		return false, tx.broken
	}
	if err != nil {
		return false, err
	}
	if err := s.tell(ctx, sqlTx, tx.changed); err != nil {
		return false, err
	}
	err = sqlTx.Commit()
	s.forget(tx.changed) // also after a failure: whatever the answer was, the commit may have been done
	if err != nil {      // who only reads loses nothing with it
		return !options.ReadOnly, failure(ctx, "commit", err)
	}
	if !options.ReadOnly { // only what is in the file that the next start opens is acknowledged
		if err := s.files.check(); err != nil {
			return true, failure(ctx, "commit", err)
		}
	}
	return false, nil
}

// inPlace returns fault.StoreUnavailable if a file of the database was deleted or replaced, as soon as
// filesInterval after that.
func (s *Store) inPlace(ctx context.Context) error {
	if err := s.files.checkLately(); err != nil {
		return failure(ctx, "find the files", err)
	}
	return nil
}

// pause waits, and tells whether ctx has not ended meanwhile.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
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

// patience is how long a transaction may take once it has its turn. Without it, callers would queue behind whoever holds the
// database, each longer than the one before.
const patience = 10 * time.Second

var errPatience = errors.New("store: the transaction took too long")

// failure says that the database failed at something, unless it was the caller who went away. A deadline that has passed, here
// or further up, means that the database is too slow.
func failure(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause
	}
	return fault.Wrap(fault.StoreUnavailable, fmt.Errorf("%s: %w", what, briefly(err)), "the authentication cluster failed; try again in a moment")
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
