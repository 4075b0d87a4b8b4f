package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// password is that of all users.
const password = "a password for benchmarks"

// database is an empty database.
type database struct {
	name string
	// settings are those of a server on it, as an environment.
	settings []string
	drop     func(context.Context) error
}

func newDatabase(name, dsn string, drop func(context.Context) error) database {
	key := make([]byte, 32)
	rand.Read(key)
	return database{name, []string{
		"SALLYPORT_STORE=" + dsn,
		"SALLYPORT_KEY_ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(key),
		"SALLYPORT_ADMIN_PASSWORD=" + password,
		"SALLYPORT_READONLY_PASSWORD=" + password,
		"SALLYPORT_ADMIN_LISTEN=",
	}, drop}
}

// newFile returns a database of SQLite, in a folder that is removed.
func newFile(folder, file string) database {
	return newDatabase("SQLite", "sqlite:"+filepath.Join(folder, file), func(context.Context) error { return nil })
}

// newSchema returns a new schema of a database of PostgreSQL.
func newSchema(ctx context.Context, of string) (database, error) {
	base, err := url.Parse(of)
	if err != nil {
		return database{}, err
	}
	name := "sallyport_" + strings.ToLower(rand.Text())
	if err := execute(ctx, of, "CREATE SCHEMA "+name); err != nil {
		return database{}, fmt.Errorf("PostgreSQL: %w", err)
	}
	query := base.Query()
	query.Set("search_path", name)
	base.RawQuery = query.Encode()
	return newDatabase("PostgreSQL", base.String(), func(ctx context.Context) error {
		return execute(ctx, of, "DROP SCHEMA "+name+" CASCADE")
	}), nil
}

func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
