package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Observe sets a function that gets the kind of every transaction, "view" or "update", and its duration, the wait for
// a work slot included. It must be called before the first transaction.
func (s *Store) Observe(report func(kind string, took time.Duration)) { s.observe = report }

func (s *Store) observed(kind string, began time.Time) {
	if s.observe != nil {
		s.observe(kind, time.Since(began))
	}
}

// Pools returns statistics of the connections to the database, by the names of their pools.
func (s *Store) Pools() map[string]sql.DBStats {
	if s.writer.DB == s.reader.DB { // they share the connections, and have work slots of their own
		return map[string]sql.DBStats{"all": s.writer.Stats()}
	}
	return map[string]sql.DBStats{"writer": s.writer.Stats(), "reader": s.reader.Stats()}
}

var errReadOnly = errors.New("store: the database server accepts no writes: " +
	"it is a standby, or default_transaction_read_only is on")

// Ready returns an error unless the database answers, has a schema that this program can serve, and accepts writes. A
// newer program's schema is one unless its migrations say otherwise. It uses a reading connection, so it does not wait
// for writers.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.files.check(); err != nil {
		return failure(ctx, "find the files", err)
	}
	var current, oldest int64
	var readOnly bool
	// As in goose: each migration adds a row, and the last one of a version counts.
	row := s.reader.QueryRowContext(ctx, "SELECT MAX(version_id), (SELECT MAX(oldest) FROM schema_compatibility), "+
		s.dialect.isReadOnly+" FROM goose_db_version")
	if err := row.Scan(&current, &oldest, &readOnly); err != nil {
		return failure(ctx, "read the schema's version", err)
	}
	if readOnly {
		s.reader.reconnect()
		return errReadOnly
	}
	target, err := latest()
	if err != nil {
		return err
	}
	if target < oldest || target > current {
		return fmt.Errorf("store: the schema has version %d, which programs from version %d on can serve; "+
			"this program's is %d", current, oldest, target)
	}
	return nil
}

// SchemaVersion returns the version of the schema after Open.
func (s *Store) SchemaVersion() int64 {
	version, _ := latest() // it was read when the store was opened
	return version
}

// Schema returns the version of a database's schema, 0 if it has none yet, and that of this program. It changes
// nothing. Its errors are of the type OpenError.
func Schema(ctx context.Context, dsn string) (current, target int64, err error) {
	db, d, err := openToRead(dsn)
	if err != nil {
		return 0, 0, &OpenError{err}
	}
	defer db.Close() //nolint:errcheck // it was read only
	if current, err = schemaVersion(ctx, db, d); err != nil {
		return 0, 0, &OpenError{err}
	}
	target, err = latest()
	return current, target, err
}

func openToRead(dsn string) (*sql.DB, dialect, error) {
	if IsPostgres(dsn) {
		config, _, err := parsePostgres(dsn)
		if err != nil {
			return nil, dialect{}, err
		}
		return stdlib.OpenDB(*config), postgresDialect, nil
	}
	path, err := sqliteFile(dsn)
	if err == nil {
		err = checkLink(path) // as when it is opened to be changed
	}
	if err != nil {
		return nil, dialect{}, err
	}
	db, err := openReadOnly(path)
	return db, sqliteDialect, err
}

// schemaVersion returns 0 for a database without migrations.
func schemaVersion(ctx context.Context, db *sql.DB, d dialect) (int64, error) {
	var migrated bool
	if err := db.QueryRowContext(ctx, d.hasTable, "goose_db_version").Scan(&migrated); err != nil {
		return 0, plain(err)
	}
	if !migrated {
		return 0, nil
	}
	var version sql.NullInt64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&version); err != nil {
		return 0, plain(err)
	}
	return version.Int64, nil
}

// notNewer returns an error if a schema is newer than this program.
func notNewer(version int64) error {
	target, err := latest()
	if err == nil && version > target {
		err = fmt.Errorf("its schema has version %d, and this program knows none after %d: use a newer program",
			version, target)
	}
	return err
}

// latest returns the version of the schema after this program's last migration.
func latest() (int64, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	var last int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		last = max(last, version)
	}
	return last, nil
}
