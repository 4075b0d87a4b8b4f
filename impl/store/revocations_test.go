package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a user with the name of a deleted one, created before the rows of that one are swept, has no column of
// the deleted user: all are as in the row of a new name, except the epochs, and the prefix that hides the row from
// servers without epochs.
func TestInsertUser_AfterDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it only reads, and fills a temporary file
	update := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := st.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: "taken", Enabled: true}) })

	// Every column is as different as can be. In order: no user has a realm without a name there, and a new password
	// makes its setter unknown.
	columns := columnsOf(t, db, "users")
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		kind := columns[column]
		statement := map[string]string{"TEXT": ` = '{"a":"taken"}'`, "BIGINT": " = 7", "BOOLEAN": " = TRUE"}[kind]
		switch column {
		case "name", "sweeping", "deleted":
			continue
		case "roles":
			statement = ` = '["taken"]'`
		case "name_id":
			statement = " = '  taken'"
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE users SET "+column+statement); err != nil {
			t.Fatal(column, err)
		}
	}
	update(func(tx *store.Tx) error {
		for i := range 1100 {
			if err := tx.Keys.Insert(store.APIKey{ID: fmt.Sprint(i), UserName: "taken"}); err != nil {
				return err
			}
		}
		return nil
	})
	update(func(tx *store.Tx) error {
		_, err := tx.Users.Delete("taken")
		fresh := store.User{Enabled: true, Roles: []identity.Role{identity.PlatformViewer}, FullName: "New",
			PasswordHash: "h"}
		taken := fresh
		fresh.Name, taken.Name = "fresh", "taken"
		return errors.Join(err, tx.Users.Insert(fresh), tx.Users.Insert(taken))
	})
	for column := range columnsOf(t, db, "users") {
		var taken, fresh string
		query := "SELECT CAST(t." + column + " AS TEXT), CAST(f." + column +
			" AS TEXT) FROM users t, users f WHERE t.name = 'taken' AND f.name = 'fresh'"
		if err := db.QueryRowContext(t.Context(), query).Scan(&taken, &fresh); err != nil {
			t.Fatal(column, err)
		}
		switch column {
		case "name", "key_epoch", "first_key_epoch", "session_epoch", "sweeping":
			continue
		case "roles":
			fresh = "sweeping: " + fresh
		}
		if taken != fresh {
			t.Errorf("%s is %q, want %q", column, taken, fresh)
		}
	}
}

// columnsOf returns the types of a table's columns by their names.
func columnsOf(t *testing.T, db *sql.DB, table string) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT name, type FROM pragma_table_info('"+table+"')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	columns := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		columns[name] = kind
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// Ensures that nothing personal is kept of a deleted user with rows that wait for the sweep, because the wait can
// take minutes, and a backup can be made meanwhile.
func TestDeleteUser_KeepsNameOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		u := store.User{Name: "gone", FullName: "a secret", Email: "a secret", Metadata: `{"a":"secret"}`,
			PasswordHash: "a secret"}
		if err := tx.Users.Insert(u); err != nil {
			return err
		}
		for i := range 1100 {
			if err := tx.Keys.Insert(store.APIKey{ID: fmt.Sprint(i), UserName: "gone"}); err != nil {
				return err
			}
		}
		_, err := tx.Users.Delete("gone")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it only reads
	var kept string
	if err := db.QueryRowContext(t.Context(),
		"SELECT full_name || email || metadata || password_hash FROM users WHERE deleted").Scan(&kept); err != nil ||
		kept != "" {
		t.Errorf("kept are %q, %v", kept, err)
	}
}
