package store

import (
	"context"
	"database/sql"
	"errors"
)

// statement is one that is prepared when a database is opened, once a connection: with SQLite, preparing takes longer
// than running.
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
	prepared []*sql.Stmt
}

// prepare is done before the first transaction, because a transaction that asked for a second connection to prepare
// something could wait for itself.
func (h *handle) prepare(ctx context.Context) error {
	for _, s := range statements {
		prepared, err := h.PrepareContext(ctx, s.text)
		if err != nil {
			return failure(ctx, s.text, err)
		}
		h.prepared = append(h.prepared, prepared)
	}
	return nil
}

// statement is prepared once a transaction, because the transaction keeps all it prepares until it ends.
func (tx *Tx) statement(s statement) *sql.Stmt {
	bound, ok := tx.bound[s.index]
	if !ok {
		bound = tx.tx.StmtContext(tx.ctx, tx.handle.prepared[s.index])
		tx.bound[s.index] = bound
	}
	return bound
}

// exec runs a statement and returns how many rows it changed.
func (tx *Tx) exec(s statement, args ...any) (int, error) {
	result, err := tx.statement(s).ExecContext(tx.ctx, args...)
	if err != nil {
		if tx.d.exists(err) {
			return 0, ErrExists
		}
		return 0, failure(tx.ctx, s.text, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, failure(tx.ctx, s.text, err)
	}
	return int(n), nil
}

// one reads the only row of a query.
func one[T any](tx *Tx, scan func(scanner) (T, error), s statement, args ...any) (T, error) {
	record, err := scan(tx.statement(s).QueryRowContext(tx.ctx, args...))
	if err != nil {
		var zero T
		if errors.Is(err, sql.ErrNoRows) {
			return zero, ErrNotFound
		}
		return zero, failure(tx.ctx, s.text, err)
	}
	return record, nil
}

// all reads the rows of a query; the result is empty, never nil.
func all[T any](tx *Tx, scan func(scanner) (T, error), s statement, args ...any) ([]T, error) {
	rows, err := tx.statement(s).QueryContext(tx.ctx, args...)
	if err != nil {
		return nil, failure(tx.ctx, s.text, err)
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong
	records := []T{}
	for rows.Next() {
		record, err := scan(rows)
		if err != nil {
			return nil, failure(tx.ctx, s.text, err)
		}
		records = append(records, record)
	}
	if err := rows.Err(); err != nil {
		return nil, failure(tx.ctx, s.text, err)
	}
	return records, nil
}

type scanner interface{ Scan(dest ...any) error }

// scanText reads the only column of a query.
func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}
