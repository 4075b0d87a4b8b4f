package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/store"
)

// runOn runs a command on a store.
func runOn(t *testing.T, dsn string, args ...string) outcome {
	t.Helper()
	return run(t, invocation{args: append(args, "--store", dsn)})
}

func mustRunOn(t *testing.T, dsn string, args ...string) outcome {
	t.Helper()
	o := runOn(t, dsn, args...)
	if o.code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, o.code, o.stderr)
	}
	return o
}

// Ensures that neither command replaces a file without --force, nor a database in use, and that both report what to
// do.
func TestBackup_Refusals(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	backup := filepath.Join(t.TempDir(), "backup.db")
	mustRunOn(t, dsn, "backup", "--to", backup)
	wantRefusal(t, runOn(t, dsn, "backup", "--to", backup), "backup replaces no file")
	wantMistake(t, runOn(t, dsn, "backup"), "--to: name the file to create")
	wantMistake(t, runOn(t, newStore(t), "backup", "--to", backup+"2"), "does not exist; name another")
	wantMistake(t, runOn(t, "none", "backup", "--to", backup+"2"), "keeps no records")
	wantMistake(t, runOn(t, dsn, "restore"), "--from: name the backup")
	garbage := backup + ".garbage"
	writeFile(t, garbage, strings.Repeat("no database\n", 100))
	wantRefusal(t, runOn(t, newStore(t), "restore", "--no-checksum", "--from", garbage),
		garbage+" cannot be restored: the file is not a SQLite database\n")
	copied := filepath.Join(t.TempDir(), "copied.db") // without its checksum file
	data, _ := content(t, backup)
	writeFile(t, copied, string(data))
	wantRefusal(t, runOn(t, newStore(t), "restore", "--from", copied), "--no-checksum restores without it")
	mustRunOn(t, newStore(t), "restore", "--no-checksum", "--from", copied)
	wantRefusal(t, runOn(t, dsn, "restore", "--from", backup), "--force replaces it")
	wantRefusal(t, runOn(t, dsn, "restore", "--force", "--from", databaseFile(dsn)+".none"), "no such file")
	s := serveStore(t, dsn)
	wantRefusal(t, runOn(t, dsn, "restore", "--force", "--from", backup), "stop the server first")
	s.wantAuth(http.StatusOK, alice.basic())
	s.stop()
	if o := mustRunOn(t, dsn, "backup", "--to", backup+"3"); !strings.Contains(o.stderr,
		databaseFile(dsn)+".key, without which it cannot be used") {
		t.Errorf("it says %q; want what is not in the backup", o.stderr)
	}
	mustRunOn(t, dsn, "restore", "--force", "--from", backup)
	s = serveStore(t, dsn)
	s.wantAuth(http.StatusOK, alice.basic())
}

// Ensures that both commands report their result, also when a database is replaced.
func TestBackup_Output(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if o := mustRunOn(t, dsn, "backup", "--to", backup); o.stdout != "wrote "+backup+"\n" {
		t.Errorf("it says %q", o.stdout)
	}
	_, schema, err := store.Schema(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"restore", "--force", "--from", backup}, {"restore", "--from", backup}} {
		if o := mustRunOn(t, dsn, args...); o.stdout != fmt.Sprintf("restored %s from %s (schema %d)\n", databaseFile(dsn),
			backup, schema) {
			t.Errorf("it says %q", o.stdout)
		}
		dsn = newStore(t)
	}
}

// Ensures that "migrate status" prints the schema versions, and that only "up" migrates.
func TestMigrate(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	wantMistake(t, runOn(t, dsn, "migrate", "status"), "does not exist; name another")
	wantMistake(t, runOn(t, dsn, "migrate", "up"), "does not exist; name another")
	db := openDatabase(t, dsn, "")
	execute := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute("VACUUM") // creates an empty database
	status := func(want string) {
		t.Helper()
		if o := mustRunOn(t, dsn, "migrate", "status"); !strings.Contains(o.stdout, want) {
			t.Errorf("the status is %q; want %q", o.stdout, want)
		}
	}
	status("\n0 ")
	status("migrate up")
	if o := mustRunOn(t, dsn, "migrate", "up"); !strings.Contains(o.stdout, "the schema has version ") {
		t.Errorf("it says %q", o.stdout)
	}
	status("up to date")
	mustRunOn(t, dsn, "migrate", "up")
	execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	status("needs a newer program")
	if o := runOn(t, dsn, "migrate", "up"); o.code != exitUsage || !strings.Contains(o.stderr, "use a newer program") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}
