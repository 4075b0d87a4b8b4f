package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that a database is ready while it has a schema that this program can serve: its own, or a newer one to which
// migrations have only added something.
func TestReady(t *testing.T) {
	for _, test := range []struct {
		name, statement string
		wantErr         string // none if it is empty
	}{
		{"its own schema", "SELECT 1", ""},
		{"newer", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)", ""},
		{
			"something is being taken away", "UPDATE schema_compatibility SET oldest = 9999",
			"which programs from version 9999 on can serve; this program's is",
		},
		{"older", "DELETE FROM goose_db_version WHERE version_id > 22", "the schema has version 22, "},
		{"unknown compatibility", "DELETE FROM schema_compatibility", "read the schema's version"},
		{"no schema", "DROP TABLE goose_db_version", "read the schema's version"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			st := open(t, "sqlite:"+path, time.Now)
			execute(t, path, test.statement)
			err := st.Ready(t.Context())
			if test.wantErr == "" && err != nil ||
				test.wantErr != "" && (err == nil || !strings.Contains(err.Error(), test.wantErr)) {
				t.Errorf("got %v; want %q", err, test.wantErr)
			}
		})
	}
}

// Ensures that a database is ready during a write.
func TestReady_DuringWrite(t *testing.T) {
	st := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	if err := st.Update(t.Context(), func(*store.Tx) error { return st.Ready(t.Context()) }); err != nil {
		t.Error(err)
	}
}

// Ensures that a migration that takes something away, which older programs may use, says so before it does: they are
// not ready then.
func TestMigrations_Compatible(t *testing.T) {
	const first = 23 // the migration since which there is a table of compatibility
	names, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	texts := map[string]string{
		"migrations/9998_bad.sql": "-- +goose Up\nALTER TABLE users DROP COLUMN email;\n",
		"migrations/9999_good.sql": "-- +goose Up\nUPDATE schema_compatibility SET oldest = 9999;\n" +
			"ALTER TABLE users RENAME COLUMN email TO mail;\n",
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}

	removes := regexp.MustCompile(`(?i)\bDROP (TABLE|COLUMN)\b|\bRENAME\b|\bALTER COLUMN\b`)
	var bad []string
	for name, text := range texts {
		version, err := goose.NumericComponent(name)
		if err != nil {
			t.Fatal(err)
		}
		_, up, _ := strings.Cut(text, "-- +goose Up\n")
		says := strings.HasPrefix(up, fmt.Sprintf("UPDATE schema_compatibility SET oldest = %d;", version))
		if version > first && removes.MatchString(up) && !says {
			bad = append(bad, name)
		}
	}
	if want := []string{"migrations/9998_bad.sql"}; !slices.Equal(bad, want) {
		t.Errorf("%q take something away, and do not begin with an update of schema_compatibility; want %q", bad, want)
	}
}

// Ensures that Ready can be cancelled.
func TestReady_NoAnswer(t *testing.T) {
	st := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.Ready(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Ensures that every transaction is reported, also one that fails.
func TestObserve(t *testing.T) {
	st := open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), time.Now)
	var kinds []string
	st.Observe(func(kind string, took time.Duration) {
		if took <= 0 {
			t.Errorf("it took %s", took)
		}
		kinds = append(kinds, kind)
	})
	failed := errors.New("failed")
	for _, err := range []error{
		st.View(t.Context(), func(*store.Tx) error { return failed }),
		st.Update(t.Context(), func(*store.Tx) error { return failed }),
	} {
		if !errors.Is(err, failed) {
			t.Error(err)
		}
	}
	if !slices.Equal(kinds, []string{"view", "update"}) {
		t.Errorf("reported %q", kinds)
	}
}
