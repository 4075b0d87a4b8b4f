package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}

// Ensures that each test has its own database, which is dropped afterwards even if a connection is left open.
func TestDatabase(t *testing.T) {
	var names []string
	t.Run("while", func(t *testing.T) {
		for range 2 {
			connection := connect(t, postgrestest.Database(t))
			if _, err := connection.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil {
				t.Fatal(err)
			}

			var name string
			if err := connection.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
				t.Fatal(err)
			}

			names = append(names, name)
		}
	})

	connection := connect(t, postgrestest.Server(t).String())
	defer connection.Close(t.Context()) //nolint:errcheck // it has read
	var left int
	if err := connection.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = ANY($1)",
		names).Scan(&left); err != nil || len(names) != 2 || left != 0 {
		t.Errorf("%d of the databases %q are left (%v)", left, names, err)
	}
}

// Ensures that each test has its own schema, which is dropped afterwards.
func TestDSN(t *testing.T) {
	var names []string
	t.Run("while", func(t *testing.T) {
		for range 2 {
			connection := connect(t, postgrestest.DSN(t))
			defer connection.Close(t.Context()) //nolint:errcheck // it has read
			if _, err := connection.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil {
				t.Fatal(err)
			}

			var name string
			if err := connection.QueryRow(t.Context(), "SELECT current_schema()").Scan(&name); err != nil {
				t.Fatal(err)
			}

			names = append(names, name)
		}
	})

	connection := connect(t, postgrestest.Server(t).String())
	defer connection.Close(t.Context()) //nolint:errcheck // it has read
	var left int
	if err := connection.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)",
		names).Scan(&left); err != nil || len(names) != 2 || left != 0 {
		t.Errorf("%d of the schemas %q are left (%v)", left, names, err)
	}
}
