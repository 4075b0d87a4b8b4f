package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// statement is prepared once per connection: with SQLite when the database is opened, because preparing takes longer
// than running; with PostgreSQL by the driver, on first use.
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

	// slots limit concurrent transactions: a pool would queue without a limit, a timeout or an order.
	slots *admission.Bound
	// reserved limits the transactions of revocations while all slots are taken; nil if no connection is reserved for
	// them.
	reserved *admission.Bound
	// idle is the maximum number of idle connections.
	idle int
	// prepared has nil for statements that write, if the connections only read.
	prepared []*sql.Stmt
}

// acquire waits for a work slot, and returns the function that releases it.
func (h *handle) acquire(ctx context.Context) (release func(), err error) {
	bound := h.slots
	if h.reserved != nil && admission.IsRevocation(ctx) {
		if bound.TryAcquire() {
			return bound.Release, nil
		}
		bound = h.reserved
	}
	return bound.Release, bound.Acquire(ctx)
}

// prepare prepares the statements, if the driver does not. The reader's connections run none that writes.
func (s *Store) prepare(ctx context.Context) error {
	if !s.dialect.prepared {
		return nil
	}
	all := func(statement) bool { return true }
	return errors.Join(s.reader.prepare(ctx, statement.reads), s.writer.prepare(ctx, all))
}

// reads reports whether a statement can be part of a transaction that only reads.
func (s statement) reads() bool {
	return strings.HasPrefix(s.text, "SELECT") || strings.HasPrefix(s.text, "WITH")
}

// prepare prepares the selected statements. It is called before the first transaction, because a transaction that
// needed a second connection to prepare a statement could wait for itself.
func (h *handle) prepare(ctx context.Context, selected func(statement) bool) error {
	h.prepared = make([]*sql.Stmt, len(statements))
	for i, s := range statements {
		if !selected(s) {
			continue
		}
		prepared, err := h.PrepareContext(ctx, sqliteDialect.spell(s.text))
		if err != nil {
			return failure(ctx, s.text, err)
		}
		h.prepared[i] = prepared
	}
	return nil
}

// bind attaches a statement once per transaction, because the transaction keeps each one until it ends. It returns
// errWrites for a statement that the connections do not run.
func (tx *Tx) bind(s statement) (*sql.Stmt, error) {
	if bound, ok := tx.bound[s.index]; ok {
		return bound, nil
	}
	prepared := tx.handle.prepared[s.index]
	if prepared == nil {
		return nil, errWrites
	}
	// Other members of a group use the statement as well, which would keep the error of a context that has ended.
	bound := tx.tx.StmtContext(tx.writing, prepared)
	tx.bound[s.index] = bound
	return bound, nil
}

var errWrites = errors.New("store: a transaction that only reads has a statement that writes")

// adHoc returns a statement that is prepared for each use.
func adHoc(text string) statement { return statement{-1, text} }

// contextOf returns the context to run a statement in, or the error after which the transaction runs none: SQLite may
// have rolled it back already, and would commit a further statement at once.
func (tx *Tx) contextOf(s statement) (context.Context, error) {
	switch {
	case tx.broken != nil:
		return nil, tx.broken
	case s.reads():
		return tx.ctx, nil
	case tx.readOnly: // a database in memory has no connection that only reads
		return nil, errWrites
	}
	return tx.writing, tx.ctx.Err()
}

func (tx *Tx) query(s statement, args []any) (*sql.Rows, error) {
	ctx, err := tx.contextOf(s)
	switch {
	case err != nil:
		return nil, err
	case !tx.d.prepared || s.index < 0:
		return tx.tx.QueryContext(ctx, tx.d.spell(s.text), args...)
	}
	bound, err := tx.bind(s)
	if err != nil {
		return nil, err
	}
	return bound.QueryContext(ctx, args...)
}

func (tx *Tx) run(s statement, args []any) (sql.Result, error) {
	ctx, err := tx.contextOf(s)
	switch {
	case err != nil:
		return nil, err
	case !tx.d.prepared || s.index < 0:
		return tx.tx.ExecContext(ctx, tx.d.spell(s.text), args...)
	}
	bound, err := tx.bind(s)
	if err != nil {
		return nil, err
	}
	return bound.ExecContext(ctx, args...)
}

// fail records and returns the failure of the database at a statement.
func (tx *Tx) fail(s statement, err error) error {
	err = failure(tx.ctx, s.text, err)
	if tx.broken == nil {
		tx.broken = err
	}
	return err
}

// exec runs a statement and returns the number of changed rows.
func (tx *Tx) exec(s statement, args ...any) (int, error) {
	if anyUnstorable(args) {
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

// do runs a statement, and ignores how many rows it changed.
func (tx *Tx) do(s statement, args ...any) error {
	_, err := tx.exec(s, args...)
	return err
}

// changes runs a statement and reports whether it changed rows.
func (tx *Tx) changes(s statement, args ...any) (bool, error) {
	n, err := tx.exec(s, args...)
	return n > 0, err
}

// put inserts a record or else updates the one with its key, with the same arguments, and reports whether it inserted.
func (tx *Tx) put(insert, update statement, args ...any) (bool, error) {
	inserted, err := tx.changes(insert, args...)
	if err != nil || inserted {
		return inserted, err
	}
	return false, tx.do(update, args...)
}

// one returns the only row of a query, or ErrNotFound. columns returns the destinations of the row in a record.
func one[T any](tx *Tx, columns func(*T) []any, s statement, args ...any) (T, error) {
	records, err := all(tx, columns, s, args...)
	if err == nil && len(records) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return *new(T), err
	}
	return records[len(records)-1], nil
}

// all returns the rows of a query; the result is empty, never nil.
func all[T any](tx *Tx, columns func(*T) []any, s statement, args ...any) ([]T, error) {
	records := []T{}
	err := each(tx, columns, func(record T) { records = append(records, record) }, s, args...)
	if err != nil {
		return nil, err
	}
	return records, nil
}

// each passes the rows of a query to take. No record has a text that cannot be stored.
func each[T any](tx *Tx, columns func(*T) []any, take func(T), s statement, args ...any) error {
	if anyUnstorable(args) {
		return nil
	}
	rows, err := tx.query(s, args)
	if err == nil {
		err = scan(rows, columns, take)
	}
	if err != nil {
		return tx.fail(s, err)
	}
	return nil
}

// scan passes all rows of a query to take, and closes them.
func scan[T any](rows *sql.Rows, columns func(*T) []any, take func(T)) error {
	defer rows.Close() //nolint:errcheck // Err says what went wrong

	var record, none T
	destinations := columns(&record) // once for all rows, each of which takes memory otherwise
	for rows.Next() {
		record = none
		if err := rows.Scan(destinations...); err != nil {
			return err
		}
		take(record)
	}
	return rows.Err()
}

// single is the destination of a query with one column.
func single[T any](value *T) []any { return []any{value} }
