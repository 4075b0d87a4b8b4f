package store

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Observe has every transaction reported from now on: "view" or "update", and how long it took, the wait for its turn
// included. It must be called before the first transaction.
func (s *Store) Observe(report func(kind string, took time.Duration)) { s.observe = report }

func (s *Store) observed(kind string, began time.Time) {
	if s.observe != nil {
		s.observe(kind, time.Since(began))
	}
}

// Ready returns an error unless the database answers, and has this program's schema. It asks a connection that reads, so
// it does not wait for those who write. Without a database there is nothing to wait for.
func (s *Store) Ready(ctx context.Context) error {
	if !s.Configured() {
		return nil
	}
	var current int64
	// As goose does: each migration adds a row, and the last one of a version counts.
	if err := s.reader.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&current); err != nil {
		return failure(ctx, "read the schema's version", err)
	}
	target, err := latest()
	if err != nil {
		return err
	}
	if current != target {
		return fmt.Errorf("store: the schema has version %d; this program's is %d", current, target)
	}
	return nil
}

// latest is the version of the schema that this program's last migration makes.
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
