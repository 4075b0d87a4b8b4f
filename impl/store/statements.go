package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// statement is one that is prepared once a connection: with SQLite when the database is opened, because preparing takes longer
// than running; with PostgreSQL by the driver, when it is used first.
type statement struct {
	index int
	text  string
}

var statements []statement

// prepare registers a statement. It is for package variables only.
func prepare(text string) statement {
	s := statement{len(statements), text}
	statements = append(statements, s)
	return s
}

// handle is a pool of connections with its prepared statements, by their indexes.
type handle struct {
	*sql.DB

	// turns bound the transactions: a pool lets any number wait, for any time, and in no order.
	turns *admission.Bound
	// reserved bounds the transactions of revocations where all others are taken; nil if no connection is in reserve for them.
	reserved *admission.Bound
	// idle is how many connections are kept open.
	idle     int
	prepared []*sql.Stmt
}

// acquire waits for a connection's turn, and returns how to give it back.
func (h *handle) acquire(ctx context.Context) (release func(), err error) {
	bound := h.turns
	if h.reserved != nil && admission.IsRevocation(ctx) {
		if bound.TryAcquire() {
			return bound.Release, nil
		}
		bound = h.reserved
	}
	return bound.Release, bound.Acquire(ctx)
}

// prepare prepares all statements, where the driver does not.
func (s *Store) prepare(ctx context.Context) error {
	if !s.dialect.prepared {
		return nil
	}
	return errors.Join(s.reader.prepare(ctx), s.writer.prepare(ctx))
}

// prepare is done before the first transaction, because a transaction that asked for a second connection to prepare
// something could wait for itself.
func (h *handle) prepare(ctx context.Context) error {
	for _, s := range statements {
		prepared, err := h.PrepareContext(ctx, sqliteWords.Replace(s.text))
		if err != nil {
			return failure(ctx, s.text, err)
		}
		h.prepared = append(h.prepared, prepared)
	}
	return nil
}

// bind is done once a transaction for each statement, because the transaction keeps all it prepares until it ends.
func (tx *Tx) bind(s statement) *sql.Stmt {
	bound, ok := tx.bound[s.index]
	if !ok {
		bound = tx.tx.StmtContext(tx.ctx, tx.handle.prepared[s.index])
		tx.bound[s.index] = bound
	}
	return bound
}

func (tx *Tx) query(s statement, args []any) (*sql.Rows, error) {
	if !tx.d.prepared {
		return tx.tx.QueryContext(tx.ctx, s.text, args...)
	}
	return tx.bind(s).QueryContext(tx.ctx, args...)
}

func (tx *Tx) run(s statement, args []any) (sql.Result, error) {
	if !tx.d.prepared {
		return tx.tx.ExecContext(tx.ctx, s.text, args...)
	}
	return tx.bind(s).ExecContext(tx.ctx, args...)
}

// fail says that the database failed at a statement.
func (tx *Tx) fail(s statement, err error) error {
	err = failure(tx.ctx, s.text, err)
	if tx.broken == nil {
		tx.broken = err
	}
	return err
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(s statement, args ...any) (int, error) {
	if unheld(args) {
		return 0, s.refuse()
	}
	result, err := tx.run(s, args)
	if err != nil {
		if tx.d.exists(err) {
			return 0, ErrExists
		}
		return 0, tx.fail(s, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, tx.fail(s, err)
	}
	return int(n), nil
}

// one reads the only row of a query.
func one[T any](tx *Tx, scan func(scanner) (T, error), s statement, args ...any) (record T, err error) {
	found := false
	err = tx.each(s, args, func(row scanner) (err error) {
		found = true
		record, err = scan(row)
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return record, err
}

// all reads the rows of a query; the result is empty, never nil.
func all[T any](tx *Tx, scan func(scanner) (T, error), s statement, args ...any) ([]T, error) {
	records := []T{}
	err := tx.each(s, args, func(row scanner) error {
		record, err := scan(row)
		records = append(records, record)
		return err
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// each calls f with the rows of a query. No record has a text that cannot be kept.
func (tx *Tx) each(s statement, args []any, f func(scanner) error) error {
	if unheld(args) {
		return nil
	}
	rows, err := tx.query(s, args)
	if err != nil {
		return tx.fail(s, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong
	for rows.Next() {
		if err := f(rows); err != nil {
			return tx.fail(s, err)
		}
	}
	if err := rows.Err(); err != nil {
		return tx.fail(s, err)
	}
	return nil
}

type scanner interface{ Scan(dest ...any) error }

// scanText reads the only column of a query.
func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}

// scanCount reads the only column of a query that counts.
func scanCount(row scanner) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}
