package main

import (
	"regexp"
	"testing"
)

// Ensures that keys of doubtful makers are listed, and that a database of this program has none.
func TestKey_Doubtful(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	command := invocation{args: []string{"key", "doubtful", "--store", dsn}}
	if o := run(t, command); o.code != 0 || o.stderr != "bound 0 API keys; 0 are doubtful\n" {
		t.Errorf("exit code %d, %q, %s", o.code, o.stdout, o.stderr)
	}
	db := openDatabase(t, dsn, "")
	for _, statement := range []string{
		`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at) VALUES ('k1', 'alice', 'a' || char(27), '', 1, 0)`,
		`INSERT INTO doubtful_api_keys (key_id) VALUES ('k1')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	want := regexp.MustCompile(`^ID +OWNER +CREATED +NAME\nk1 +alice +1970-01-01T00:00:00Z +a\\x1b\n$`)
	if o := run(t, command); o.code != 0 || !want.MatchString(o.stdout) {
		t.Errorf("exit code %d, %q, %s", o.code, o.stdout, o.stderr)
	}
}

// Ensures that the command line assigns roles to new users only.
func TestPromotion_CommandLine(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	o := run(t,
		invocation{
			args:  []string{"user", "--store", dsn, "add", "alice", "--role", "ece_platform_admin", "--password-stdin"},
			stdin: "another passphrase\n",
		})
	if o.code == 0 || o.stderr == "" {
		t.Errorf("exit code %d, %q", o.code, o.stdout)
	}
}
