package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// made returns a new database with the schema of an old version, and the records of some statements.
func made(t *testing.T, version int64, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a failure shows when it is opened again
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Ensures that users and keys from before Elasticsearch's API keys are kept, and have nothing of what is new.
func TestMigrate_APIKeys(t *testing.T) {
	path := made(t, 2,
		`INSERT INTO users (name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at)
			VALUES
			('none', FALSE, TRUE, '', '', '', '', 1, 1), ('one', FALSE, TRUE, 'a', '', '', '', 1, 1), 
			('two', FALSE, TRUE, 'a,b', 'Two', 'e', 'h', 1, 2)`,
		`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at)
			VALUES ('k', 'two', 'd', 's', 3, 4)`,
	)
	st := open(t, "sqlite:"+path, time.Now)
	err := st.View(t.Context(), func(tx *store.Tx) error {
		for name, want := range map[string][]identity.Role{"none": {}, "one": {"a"}, "two": {"a", "b"}} {
			u, err := tx.Users.Find(name)
			if err != nil || !slices.Equal(u.Roles, want) || u.Metadata != "" {
				t.Errorf("the user is %+v, %v; want the roles %v", u, err, want)
			}
		}
		key, owner, err := tx.Keys.FindWithOwner("k")
		want := store.APIKey{
			ID: "k", UserName: "two", Description: "d", SecretDigest: "s", CreatedAt: time.UnixMilli(3).UTC(),
			ExpiresAt: time.UnixMilli(4).UTC(), Type: condition.Rest,
		}
		if key != want || owner.FullName != "Two" || owner.Email != "e" || owner.PasswordHash != "h" ||
			!owner.UpdatedAt.Equal(time.UnixMilli(2)) {
			t.Errorf("the key is %+v of %+v", key, owner)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		return tx.Keys.Update([]string{"k"}, store.KeyChange{Creator: "c", Version: 1})
	})
	if err != nil {
		t.Error(err)
	}
}

// Ensures that the migration of an older database derives from the audit trail which role set each password, and
// checks its keys once.
func TestMigrate_Delegation(t *testing.T) {
	statements := []string{
		`INSERT INTO users (name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at)
			VALUES
			('own', FALSE, TRUE, '[]', '', '', 'h', 1, 1),
			('made', FALSE, TRUE, '[]', '', '', 'h', 1, 1),
			('reset', FALSE, TRUE, '[]', '', '', 'h', 1, 1),
			('cli', FALSE, TRUE, '[]', '', '', 'h', 1, 1),
			('boss', FALSE, TRUE, '["ece_platform_admin"]', '', '', 'h', 1, 1),
			('lost', FALSE, TRUE, '[]', '', '', 'h', 1, 1)`,
		`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at)
			VALUES ('k', 'own', 'd', 's', 3, 0)`,
	}
	for _, entry := range []string{
		`'1', 1, 'user.created', 'boss', 'own'`, `'2', 2, 'user.password_changed', 'own', 'own'`,
		`'3', 3, 'user.roles_changed', 'boss', 'own'`,
		`'4', 4, 'user.created', 'boss', 'made'`, `'5', 5, 'user.created', 'boss', 'reset'`,
		`'6', 6, 'user.password_changed', 'reset', 'reset'`,
		`'7', 7, 'user.password_changed', 'made', 'reset'`, `'8', 8, 'user.created', '(command line)', 'cli'`,
		`'9', 9, 'user.created', '(system)', 'boss'`,
	} {
		statements = append(statements, `INSERT INTO audit_log (id, at, event, actor, subject, address, request_id,
			details) VALUES (`+entry+`, '', '', '{}')`)
	}
	st := open(t, "sqlite:"+made(t, 5, statements...), time.Now)
	err := st.View(t.Context(), func(tx *store.Tx) error {
		for name, want := range map[string]store.PasswordSetter{
			"own": store.SetByUser, "made": store.SetByAdministrator, "reset": store.SetByOther,
			"cli": store.SetByOperator, "boss": store.SetByOperator, "lost": "",
		} {
			u, err := tx.Users.Find(name)
			if err != nil || u.PasswordSetBy != want || u.Tenure.Promotions != 0 || u.Tenure.Since != nil {
				t.Errorf("the user is %+v, %v; want a password set by %q", u, err, want)
			}
		}
		pending, err := tx.Repairs.Pending("api_key_makers")
		if !pending {
			t.Error("no repair is pending")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Ensures that a malformed list is reported, and not taken for an empty one.
func TestRoles_Broken(t *testing.T) {
	for _, roles := range []string{`''`, `'a,b'`, `'{}'`, `'[1]'`, `x'5b5d'`} {
		path := filepath.Join(t.TempDir(), "test.db")
		st := open(t, "sqlite:"+path, time.Now)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), `INSERT INTO users (name, builtin, enabled, roles, full_name, email,
			password_hash, created_at, updated_at)
			VALUES ('a', FALSE, TRUE, `+roles+`, '', '', '', 1, 1)`)
		if err != nil {
			t.Fatal(err)
		}
		err = st.View(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Users.Find("a")
			return err
		})
		if !fault.Has(err, fault.StoreUnavailable) {
			t.Errorf("roles %s: %v", roles, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
