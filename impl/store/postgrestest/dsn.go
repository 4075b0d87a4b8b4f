// Package postgrestest provides databases on a real PostgreSQL server to tests.
package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
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
	// Variable is the environment variable with the URL of a database on the server. Test databases are created from
	// it.
	Variable = "SALLYPORT_TEST_POSTGRES"
	// Required is the environment variable that, set to 1, makes a test fail without a server. Setting Variable does
	// so as well.
	Required = "SALLYPORT_REQUIRE_POSTGRES"

	usual    = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	patience = 30 * time.Second
)

// DSN returns the DSN of a new, empty schema, which is dropped when the test ends. Creating one takes a tenth of the
// time of a database. Without a server the test is skipped, or fails if one is required.
func DSN(t testing.TB) string {
	t.Helper()
	base := Server(t)
	name := "sallyport_" + strings.ToLower(rand.Text())
	if err := execute(base, "CREATE SCHEMA "+name); err != nil {
		t.Fatalf("cannot create a schema: %v", err)
	}

	t.Cleanup(func() {
		if err := execute(base, "DROP SCHEMA "+name+" CASCADE"); err != nil {
			t.Errorf("cannot drop the schema: %v", err)
		}
	})

	own, query := *base, base.Query()
	query.Set("search_path", name)
	own.RawQuery = query.Encode()
	return own.String()
}

// Database returns the DSN of a new, empty database, for tests that inspect or cut connections: a schema shares its
// database's connections with other tests. The database is dropped when the test ends, even with open connections.
func Database(t testing.TB) string {
	t.Helper()
	return Copy(t, "template0")
}

// Copy is Database with a copy of another database of the server. The template must have no connections.
func Copy(t testing.TB, template string) string {
	t.Helper()
	dsn, err := create(t, "TEMPLATE "+pgx.Identifier{template}.Sanitize())
	if err != nil {
		t.Fatalf("cannot create a database: %v", err)
	}
	return dsn
}

// Localized is Database with the English locale, in which texts have another order than their bytes. The test is
// skipped if the server has no such locale.
func Localized(t testing.TB) string {
	t.Helper()
	var refused []error
	for _, locale := range []string{
		"LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'", "LOCALE 'en_US.UTF-8'", "LOCALE 'en_US.utf8'",
	} {
		dsn, err := create(t, "TEMPLATE template0 ENCODING 'UTF8' "+locale)
		if err == nil {
			return dsn
		}
		refused = append(refused, err)
	}
	t.Skipf("the server has no English locale: %v", errors.Join(refused...))
	return ""
}

// create creates a database, which is dropped when the test ends, and returns its DSN.
func create(t testing.TB, options string) (string, error) {
	t.Helper()
	base := Server(t)
	name := "sallyport_" + strings.ToLower(rand.Text())
	if err := execute(base, "CREATE DATABASE "+name+" "+options); err != nil {
		return "", err
	}

	t.Cleanup(func() {
		if err := execute(base, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("cannot drop the database: %v", err)
		}
	})

	own := *base
	own.Path = "/" + name
	return own.String(), nil
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

// server finds the server once.
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

// execute runs one statement on its own connection: cleanups run after the test's pools are closed.
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
