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

	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/fault"
)

// ErrNotFound means that no record has the given key.
var ErrNotFound = errors.New("store: no such record")

// ErrExists means that there is a record with this key.
var ErrExists = errors.New("store: the record exists")

// None is the DSN of a store that is not there: every use of it answers fault.NoAuthenticationCluster.
const None = "none"

// Store is a database. It is safe for concurrent use.
type Store struct {
	now     func() time.Time
	writer  *sql.DB
	reader  *sql.DB
	dialect dialect
}

// dialect is all that differs between databases, beside opening them.
type dialect struct {
	goose goose.Dialect
	// exists tells whether an error means that a key is taken.
	exists func(error) bool
}

// Tx is one transaction. Its methods return ErrNotFound, ErrExists, the context's error, or
// fault.AuthenticationClusterError for anything that the database itself got wrong.
type Tx struct {
	// Now is the time of everything that this transaction does, to the millisecond.
	Now time.Time

	ctx context.Context //nolint:containedctx // a Tx lives as long as one call of View or Update
	tx  *sql.Tx
	d   dialect
}

// Open opens the database that a DSN names, and brings its schema up to date: "sqlite:PATH", or None.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	if dsn == None {
		return &Store{now: now}, nil
	}
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok || path == "" {
		return nil, fmt.Errorf("the store %q is neither sqlite:PATH nor %s", dsn, None)
	}
	s, err := openSQLite(path, now)
	if err != nil {
		return nil, fmt.Errorf("the store %s cannot be opened: %w", dsn, err)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the store %s cannot be brought up to date: %w", dsn, err), s.Close())
	}
	return s, nil
}

// Configured tells whether there is a database at all.
func (s *Store) Configured() bool { return s.writer != nil }

// Require returns fault.NoAuthenticationCluster if there is no database.
func (s *Store) Require() error {
	if s.Configured() {
		return nil
	}
	return fault.New(fault.NoAuthenticationCluster, "this server runs without an authentication cluster, which the request needs")
}

// Close ends all use of the database.
func (s *Store) Close() error {
	if !s.Configured() {
		return nil
	}
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// View calls f with a transaction that reads. It returns f's error, fault.NoAuthenticationCluster without a database, or
// fault.AuthenticationClusterError.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.reader, &sql.TxOptions{ReadOnly: true}, f)
}

// Update is View with a transaction that reads and writes, and commits if f returns nil. Updates are serializable. f may
// be called more than once, so it must have no effect beyond the transaction.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	return s.run(ctx, s.writer, nil, f)
}

func (s *Store) run(ctx context.Context, db *sql.DB, options *sql.TxOptions, f func(*Tx) error) error {
	if err := s.Require(); err != nil {
		return err
	}
	sqlTx, err := db.BeginTx(ctx, options)
	if err != nil {
		return failure("begin", err)
	}
	defer sqlTx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back; after a failure the first error counts
	tx := &Tx{Now: s.now().UTC().Truncate(time.Millisecond), ctx: ctx, tx: sqlTx, d: s.dialect}
	if err := f(tx); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return failure("commit", err)
	}
	return nil
}

//go:embed migrations/*.sql
var migrations embed.FS

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.writer, files)
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return fmt.Errorf("its schema has version %d, and this program knows none after %d: use a newer program", current, target)
	}
	_, err = provider.Up(ctx)
	return err
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(query string, args ...any) (int, error) {
	result, err := tx.tx.ExecContext(tx.ctx, query, args...)
	if err != nil {
		if tx.d.exists(err) {
			return 0, ErrExists
		}
		return 0, failure(query, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, failure(query, err)
	}
	return int(n), nil
}

// one reads the only row of a query.
func one[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	record, err := scan(tx.tx.QueryRowContext(tx.ctx, query, args...))
	if err != nil {
		var zero T
		if errors.Is(err, sql.ErrNoRows) {
			return zero, ErrNotFound
		}
		return zero, failure(query, err)
	}
	return record, nil
}

// all reads the rows of a query; the result is empty, never nil.
func all[T any](tx *Tx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.tx.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return nil, failure(query, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong
	records := []T{}
	for rows.Next() {
		record, err := scan(rows)
		if err != nil {
			return nil, failure(query, err)
		}
		records = append(records, record)
	}
	if err := rows.Err(); err != nil {
		return nil, failure(query, err)
	}
	return records, nil
}

type scanner interface{ Scan(dest ...any) error }

// failure says that the database failed at something, unless it was the caller who gave up.
func failure(what string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrap(fault.AuthenticationClusterError, fmt.Errorf("%s: %w", what, err), "the authentication cluster failed; try again in a moment")
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
