package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// replicas is the settings of servers that share a PostgreSQL database.
type replicas struct {
	*testing.T
	dsn string
	// env includes the database with a password, which the tests' PostgreSQL does not check.
	env []string
}

const databasePassword = "hunter2-of-the-database"

func newReplicas(t *testing.T) replicas {
	t.Helper()
	dsn := postgrestest.Database(t)
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, given := address.User.Password(); !given {
		address.User = url.UserPassword(address.User.Username(), databasePassword)
	}
	return replicas{t, dsn, []string{
		"SALLYPORT_STORE=" + address.String(), "SALLYPORT_LOG_FORMAT=json", "SALLYPORT_LOG_LEVEL=debug",
		"SALLYPORT_KEY_ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(secret.NewKey()),
		"SALLYPORT_ADMIN_PASSWORD=chosen by hand", "SALLYPORT_READONLY_PASSWORD=chosen by hand too",
	}}
}

// begin starts a replica without waiting.
func (r replicas) begin() *process {
	r.Helper()
	return launch(r.T, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: r.env})
}

// command runs the program until it exits. Later variables override those of the replicas.
func (r replicas) command(stdin string, env []string, args ...string) outcome {
	r.Helper()
	o := run(r.T, invocation{args: args, stdin: stdin, env: append(slices.Clip(r.env), env...)})
	wantSilence(r.T, o.stdout+o.stderr, databasePassword)
	return o
}

// wantWell fails the test unless a command exits with 0 and its output matches.
func (r replicas) wantWell(stdin, pattern string, args ...string) {
	r.Helper()
	if o := r.command(stdin, nil, args...); o.code != 0 || !regexp.MustCompile(pattern).MatchString(o.stdout) {
		r.Errorf("%v: exit code %d, %s%s; want %q", args, o.code, o.stdout, o.stderr, pattern)
	}
}

// Ensures that replicas that start concurrently on an empty database all serve, with one set of users and keys, and
// that no output has the database's password.
func TestPostgres_StartAtOnce(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	var servers []*process
	for range 3 {
		servers = append(servers, r.begin())
	}
	admin, readonly := person{"admin", "chosen by hand"}, person{"readonly", "chosen by hand too"}
	var sessions []string
	for _, s := range servers {
		s.serving()
		s.wantAuth(http.StatusOK, readonly.basic())
		sessions = append(sessions, s.logIn(admin))
	}
	for _, s := range servers {
		for _, session := range sessions {
			s.wantAuth(http.StatusOK, session)
		}
	}
	o := r.command("", nil, "audit", "export")
	for event, count := range map[string]int{"user.created": 2, "user.password_changed": 0, "signing_key.created": 1} {
		if got := strings.Count(o.stdout, `"event":"`+event+`"`); got != count {
			t.Errorf("%s happened %d times; want %d", event, got, count)
		}
	}
	for _, s := range servers {
		s.stop()
		wantSilence(t, s.output.String(), databasePassword, admin.password, readonly.password)
	}
}

// Ensures that the commands work on PostgreSQL as on a file, beginning with an empty database.
func TestPostgres_Commands(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	wantMistake(t, r.command("", nil, "user", "list"), "is empty; start a server on it, or run migrate up")
	wantMistake(t, r.command("a long password\n", nil, "user", "add", "bob", "--role", "king", "--password-stdin"),
		`no role "king"`)
	r.wantWell("", `\n0 +\d+ +migrate up`, "migrate", "status")
	r.wantWell("", `^the schema has version [1-9]`, "migrate", "up")
	r.wantWell("", ` up to date\n$`, "migrate", "status")
	r.wantWell(alice.password+"\n", `^added the user alice`, "user", "add", "alice", "--role", "ece_deployment_viewer",
		"--password-stdin")
	r.wantWell("", `(?m)^alice +true +false +false +ece_deployment_viewer`, "user", "list")
	r.wantWell("", `(?m)^The user alice has a new second factor`, "user", "totp", "alice")
	r.wantWell("", `(?m)^alice +true +false +true `, "user", "list")
	r.wantWell("", `(?m)^store +postgres://[^:]+:xxxxx@`, "config", "check")
	r.wantWell("", `"event":"user.created","actor":"\(command line\)","subject":"alice"`, "audit", "export")

	s := r.begin().serving()
	s.wantAuth(http.StatusOK, alice.basic())
	r.wantWell("", `^disabled`, "user", "disable", "alice")
	s.wantAuth(http.StatusUnauthorized, alice.basic())
	r.wantWell("", `^enabled`, "user", "enable", "alice")
	r.wantWell("another password\n", `^set the password of the user alice`, "user", "passwd", "alice", "--password-stdin")
	s.wantAuth(http.StatusOK, person{"alice", "another password"}.basic())
	r.wantWell("", ``, "user", "unlock", "alice")

	r.wantWell("", `(?m) +nightly +alice +20`, "key", "create", "nightly", "--user", "alice", "--expires-in", "90d")
	r.wantWell("", `(?m) +nightly +alice +active `, "key", "list")
	r.wantWell("", `^invalidated 1 API key\n`, "key", "invalidate", "--user", "alice")
	r.wantWell(`{"cluster": ["monitor"]}`, `^added the role`, "role", "put", "monitoring", "--file", "-")
	r.wantWell("", `^deleted the role`, "role", "delete", "monitoring")
	r.wantWell("", `(?m) ece_platform_admin$`, "user", "role", "alice", "--set", "ece_platform_admin")
	r.wantWell("", ` user.promoted +\(command line\) +alice `, "audit", "list", "--event", "user.promoted")
	r.wantWell("", `^deleted the user alice`, "user", "delete", "alice")
	s.wantAuth(http.StatusUnauthorized, person{"alice", "another password"}.basic())
	s.stop()
}

// Ensures that errors about PostgreSQL name what is missing, or the tool to use.
func TestPostgres_Refusals(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	serve := []string{"serve", "--listen", "127.0.0.1:0"}
	const quiet = "SALLYPORT_LOG_LEVEL=error" // invalidation messages are logged at an earlier level
	wantMistake(t, r.command("", []string{"SALLYPORT_KEY_ENCRYPTION_KEY="}, serve...),
		"set SALLYPORT_KEY_ENCRYPTION_KEY_FILE")
	unknown := []string{"SALLYPORT_KEY_ENCRYPTION_KEY=", "SALLYPORT_KEY_ENCRYPTION_KEI=x"}
	if o := r.command("", unknown, "config", "check"); o.code == 0 ||
		!strings.Contains(o.stderr, ": key_encryption_key: ") ||
		!strings.Contains(o.stderr, "unknown setting: SALLYPORT_KEY_ENCRYPTION_KEI") {
		t.Errorf("config check: exit code %d, %s", o.code, o.stderr)
	}
	wantMistake(t, r.command("", []string{"SALLYPORT_READONLY_PASSWORD=", quiet}, serve...),
		"missing: readonly; set SALLYPORT_ADMIN_PASSWORD_FILE")
	if o := r.command("", []string{"SALLYPORT_STORE=postgres://u:" + databasePassword + "@127.0.0.1:1/x"},
		serve...); o.code != exitUnreachable || !strings.Contains(o.stderr, "connection refused") {
		t.Errorf("without a database: exit code %d, %s", o.code, o.stderr)
	}
	wantMistake(t, r.command("", nil, "user", "list", "--store", "postgres://u:"+databasePassword+"@127.0.0.1:1/x"),
		"SALLYPORT_STORE_FILE")
	wantMistake(t, r.command("", nil, "backup", "--to", "x.dump"), "pg_dump --format=custom --file=x.dump 'postgres://")
	wantMistake(t, r.command("", nil, "restore", "--from", "x.dump"), "pg_restore --clean")
	s := r.begin().serving()
	s.stop()
	wantMistake(t, r.command("", []string{"SALLYPORT_KEY_ENCRYPTION_KEY="}, "signing-key", "rotate"),
		"set SALLYPORT_KEY_ENCRYPTION_KEY_FILE")
	other := []string{quiet, "SALLYPORT_KEY_ENCRYPTION_KEY=" + base64.StdEncoding.EncodeToString(secret.NewKey())}
	wantMistake(t, r.command("", other, serve...), "is not the key that this database is encrypted with")
}

// Ensures that the commands that backup and restore name copy the database of a running server.
func TestPostgres_OwnTools(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	r := newReplicas(t)
	s := r.begin().serving()
	dir := t.TempDir()
	named := regexp.MustCompile(`such as: (pg_.*)`)
	as := func(args ...string) {
		t.Helper()
		o := r.command("", nil, args...)
		line := named.FindStringSubmatch(o.stderr)
		if line == nil {
			t.Fatalf("%v names no command: %s", args, o.stderr)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line[1])
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line[1], err, out)
		}
	}
	as("backup", "--to", "x.dump")
	r.wantWell(alice.password+"\n", ``, "user", "add", "alice", "--role", "ece_deployment_viewer", "--password-stdin")
	s.stop()
	as("restore", "--from", "x.dump")
	s = r.begin().serving()
	s.wantAuth(http.StatusUnauthorized, alice.basic())
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
}
