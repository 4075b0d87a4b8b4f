package store_test

import (
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// beforeIdentities is the last version of the schema in which SAML users are known by the text of their NameID alone.
const beforeIdentities = 7

// Statements of servers that know that version, as they send them.
const (
	oldExternalUser = `SELECT COUNT(*) FROM users WHERE realm = $1 AND name_id = $2`
	oldInsertUser   = `INSERT INTO users (name, builtin, enabled, roles, full_name, email, metadata, password_hash,
		created_at, updated_at,
		created_by, updated_by, realm, name_id) VALUES ($1, FALSE, TRUE, '[]', '', '', '', '', 1, 1, '', '', $2, $3)`
)

// Ensures that users of before are found by their text, and once they have a format, by both only; that a server of
// before finds none of them beside this one, adds no SAML user, and adds its own users as ever.
func TestMigrate_ExternalIdentities(t *testing.T) {
	for name, database := range map[string]func(*testing.T) (dsn string, dialect goose.Dialect, db *sql.DB){
		"SQLite": func(t *testing.T) (string, goose.Dialect, *sql.DB) {
			t.Helper()
			path := made(t, 1)
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			return "sqlite:" + path, goose.DialectSQLite3, db
		},
		"PostgreSQL": func(t *testing.T) (string, goose.Dialect, *sql.DB) {
			t.Helper()
			dsn := postgrestest.Database(t) // in a shared one, the migration waits for transactions of other tests
			return dsn, goose.DialectPostgres, connect(t, dsn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn, dialect, db := database(t)
			defer db.Close() //nolint:errcheck // nothing is written through it at the end
			checkIdentities(t, dsn, dialect, db)
		})
	}
}

func checkIdentities(t *testing.T, dsn string, dialect goose.Dialect, db *sql.DB) {
	t.Helper()
	provider, err := goose.NewProvider(dialect, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), beforeIdentities); err != nil {
		t.Fatal(err)
	}
	for _, u := range [][3]string{{"erin", "corporate", "id-1"}, {"frank", "corporate", " frank"}, {"native", "", ""}} {
		if _, err := db.ExecContext(t.Context(), oldInsertUser, u[0], u[1], u[2]); err != nil {
			t.Fatal(err)
		}
	}
	st := open(t, dsn, time.Now)
	erin := store.ExternalIdentity{NameID: "id-1", Format: "urn:persistent"}
	if err := st.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Users.FindExternal("corporate", store.ExternalIdentity{NameID: "id-1"})
		before, beforeErr := tx.Users.FindUnqualified("corporate", "id-1")
		frank, frankErr := tx.Users.FindUnqualified("corporate", " frank")
		_, nativeErr := tx.Users.FindUnqualified("", "")
		if !errors.Is(err, store.ErrNotFound) || before.Name != "erin" || before.Identity.NameID != "id-1" ||
			frank.Name != "frank" || !errors.Is(nativeErr, store.ErrNotFound) {
			t.Errorf("%v, %+v, %+v, %v", err, before, frank, nativeErr)
		}
		first, firstErr := tx.Users.Qualify("erin", erin)
		again, againErr := tx.Users.Qualify("erin", store.ExternalIdentity{NameID: "id-1", Format: "urn:other"})
		if !first || again {
			t.Errorf("the first is taken: %t, and another: %t", first, again)
		}
		after, afterErr := tx.Users.FindExternal("corporate", erin)
		_, goneErr := tx.Users.FindUnqualified("corporate", "id-1")
		if after.Name != "erin" || after.Identity != erin || !errors.Is(goneErr, store.ErrNotFound) {
			t.Errorf("%+v, %v", after, goneErr)
		}
		return errors.Join(beforeErr, frankErr, firstErr, againErr, afterErr)
	}); err != nil {
		t.Fatal(err)
	}
	for _, nameID := range []string{"id-1", " frank"} {
		var found int
		if err := db.QueryRowContext(t.Context(), oldExternalUser, "corporate", nameID).Scan(&found); err != nil ||
			found != 0 {
			t.Errorf("a server of before finds %q: %d, %v", nameID, found, err)
		}
	}
	if _, err := db.ExecContext(t.Context(), oldInsertUser, "grace", "corporate", "id-2"); err == nil {
		t.Error("a server of before adds a user without a format")
	}
	if _, err := db.ExecContext(t.Context(), oldInsertUser, "heidi", "", ""); err != nil {
		t.Errorf("a server of before adds no user of its own: %v", err)
	}
}
