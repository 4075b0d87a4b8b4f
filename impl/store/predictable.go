package store

import (
	"context"
	"database/sql"
	"errors"
)

// ErrPredictable means that a database was made with predictable secrets, for tests.
var ErrPredictable = errors.New("its secrets can be predicted: sallyport dev --deterministic made it, for tests only")

// predictableMark is the table that a database with predictable secrets has. It is no migration, because no other
// database may have it.
const predictableMark = "predictable_secrets"

// markPredictable marks the database as one with predictable secrets, for good.
func (s *Store) markPredictable(ctx context.Context) error {
	_, err := s.writer.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+predictableMark+" (marked INTEGER)")
	return err
}

// refusePredictable returns ErrPredictable if the database has predictable secrets.
func (s *Store) refusePredictable(ctx context.Context) error {
	return refusePredictable(ctx, s.writer.DB, s.dialect)
}

func refusePredictable(ctx context.Context, db *sql.DB, d dialect) error {
	var marked bool
	if err := db.QueryRowContext(ctx, d.hasTable, predictableMark).Scan(&marked); err != nil {
		return plain(err)
	}
	if marked {
		return ErrPredictable
	}
	return nil
}
