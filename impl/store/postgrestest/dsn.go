// Package postgrestest gives tests databases on a real PostgreSQL server.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Variable is the environment variable that names the server, as a URL of a database that new ones are made from.
	Variable = "SALLYPORT_TEST_POSTGRES"
	// Required is the environment variable that, set to 1, makes the lack of a server a failure. So does naming one.
	Required = "SALLYPORT_REQUIRE_POSTGRES"

	usual    = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	patience = 30 * time.Second
)

// DSN returns the DSN of a new, empty schema, which is dropped when the test ends. It takes a tenth of the time that a
// database takes. Without a server the test is skipped, or fails if one is named or required.
func DSN(t testing.TB) string {
	t.Helper()
	base := Server(t)
	name := "sallyport_" + strings.ToLower(rand.Text())
	if err := execute(base, "CREATE SCHEMA "+name); err != nil {
		t.Fatalf("no schema can be made: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(base, "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Errorf("the schema cannot be dropped: %v", err)
		}
	})
	own, query := *base, base.Query()
	query.Set("search_path", name)
	own.RawQuery = query.Encode()
	return own.String()
}

// Database returns the DSN of a new, empty database, for tests that look at connections or cut them: those of a schema's
// server are others', too. It is dropped when the test ends, with whatever connections were left open.
func Database(t testing.TB) string {
	t.Helper()
	return Copy(t, "template0")
}

// Copy is Database with one that begins as a copy of one of this server's, to which nobody may be connected.
func Copy(t testing.TB, template string) string {
	t.Helper()
	base := Server(t)
	name := "sallyport_" + strings.ToLower(rand.Text())
	if err := execute(base, "CREATE DATABASE "+name+" TEMPLATE "+pgx.Identifier{template}.Sanitize()); err != nil {
		t.Fatalf("no database can be made: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(base, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("the database cannot be dropped: %v", err)
		}
	})
	own := *base
	own.Path = "/" + name
	return own.String()
}

// Server returns the URL of the server's own database.
func Server(t testing.TB) *url.URL {
	t.Helper()
	base, err := server()
	if err != nil && (os.Getenv(Variable) != "" || os.Getenv(Required) == "1") {
		t.Fatalf("PostgreSQL is required: %v", err)
	}
	if err != nil {
		t.Skipf("PostgreSQL does not answer at 127.0.0.1:5432, and %s names none", Variable)
	}
	return base
}

// server is the server, looked for once.
var server = sync.OnceValues(func() (*url.URL, error) {
	dsn := os.Getenv(Variable)
	if dsn == "" {
		dsn = usual
	}
	base, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", Variable)
	}
	return base, execute(base, "SELECT 1")
})

// execute runs one statement on a connection of its own: cleanups outlive what a pool could be tied to.
func execute(base *url.URL, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, base.String())
	if err != nil {
		return err
	}
	defer connection.Close(ctx) //nolint:errcheck // the statement is done
	_, err = connection.Exec(ctx, statement)
	return err
}
