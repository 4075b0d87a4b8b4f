package http_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// onPostgres reports whether worlds are on PostgreSQL instead of SQLite, as SALLYPORT_TEST_STORE says.
var onPostgres = os.Getenv("SALLYPORT_TEST_STORE") == "postgres"

// cacheLifetime is that of servers under test. The environment variable SALLYPORT_TEST_CACHE turns caching off.
var cacheLifetime = func() time.Duration {
	if os.Getenv("SALLYPORT_TEST_CACHE") == "off" {
		return 0
	}
	return store.MaxLifetime
}()

// newDSN names a new, empty database. Of the server's connections each world gets few, for many run at once.
func newDSN(tb testing.TB) string {
	tb.Helper()
	if onPostgres {
		return postgrestest.DSN(tb) + "&pool_max_conns=8"
	}

	path := filepath.Join(tb.TempDir(), "test.db")
	template, err := migrated()
	if err == nil {
		err = os.WriteFile(path, template, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}

	return "sqlite:" + path
}

// migrated returns an empty SQLite database of the current schema. Copying it takes a fraction of the time of migrating
// a database for each test; the store's tests migrate.
var migrated = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder

	path := filepath.Join(folder, "template.db")
	st, err := store.Open(context.Background(), "sqlite:"+path, func() time.Time { return noon })
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}

	return os.ReadFile(path)
})

// connect opens a database.
func connect(tb testing.TB, dsn string) *sql.DB {
	tb.Helper()

	driver, name := "pgx", strings.TrimSuffix(dsn, "&pool_max_conns=8")
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}

	db, err := sql.Open(driver, name)
	if err != nil {
		tb.Fatal(err)
	}

	return db
}

// sql runs a statement on the database.
func (w *world) sql(statement string) {
	w.Helper()
	if _, err := w.behind.ExecContext(w.Context(), statement); err != nil {
		w.Fatal(err)
	}
}

// rows returns what a query of the database finds, a line for each row.
func (w *world) rows(query string) string {
	w.Helper()
	return strings.Join(texts(w, w.behind, query), "\n")
}

// count returns the one number that a query of the database finds.
func (w *world) count(query string, arguments ...any) (n int) {
	w.Helper()
	if err := w.behind.QueryRowContext(w.Context(), query, arguments...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// dump returns all texts in all tables of a database, a line each.
func dump(tb testing.TB, dsn string) []byte {
	tb.Helper()

	db := connect(tb, dsn)
	defer db.Close() //nolint:errcheck // nothing to lose
	tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if onPostgres {
		tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
	}

	var text bytes.Buffer
	for _, table := range texts(tb, db, tables) {
		text.WriteString(strings.Join(texts(tb, db, "SELECT * FROM "+table), "\n") + "\n")
	}

	return text.Bytes()
}

// texts returns the texts among the values of a query.
func texts(tb testing.TB, db *sql.DB, query string) []string {
	tb.Helper()

	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		tb.Fatal(err)
	}

	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}

	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}

	var found []string
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			tb.Fatal(err)
		}
		for _, value := range values {
			if text, ok := value.(string); ok {
				found = append(found, text)
			}
		}
	}

	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		tb.Fatal(err)
	}

	return found
}
