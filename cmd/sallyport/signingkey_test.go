package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// runSigningKey runs "sallyport signing-key …" on a store.
func runSigningKey(t *testing.T, dsn string, args ...string) outcome {
	t.Helper()
	return run(t, invocation{args: append([]string{"signing-key", "--store", dsn}, args...)})
}

// mustSigningKey is runSigningKey that must succeed. It returns the group of a pattern that must match the whole
// output.
func mustSigningKey(t *testing.T, dsn, pattern string, args ...string) string {
	t.Helper()
	o := runSigningKey(t, dsn, args...)
	found := regexp.MustCompile(`^` + pattern + `\n$`).FindStringSubmatch(o.stdout)
	if o.code != 0 || found == nil {
		t.Fatalf("signing-key %v: exit code %d, %q, %s; want %q", args, o.code, o.stdout, o.stderr, pattern)
	}
	return found[1]
}

// signingKeys returns the ids and states in the output of "signing-key list".
func signingKeys(t *testing.T, dsn string) (list []string) {
	t.Helper()
	o := runSigningKey(t, dsn, "list")
	for i, line := range strings.Split(strings.TrimSpace(o.stdout), "\n") {
		fields := strings.Fields(line)
		if i > 0 && len(fields) == 5 {
			list = append(list, fields[0]+" "+fields[1])
		}
	}
	if o.code != 0 || !strings.HasPrefix(o.stdout, "ID ") {
		t.Fatalf("exit code %d, %q, %s", o.code, o.stdout, o.stderr)
	}
	return list
}

// Ensures that keys are rotated while two servers run: with an overlap, all sessions stay valid; with --now, existing
// sessions end on both servers, and a session created at either is valid at the other.
func TestSigningKey(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	servers := []*process{serveStore(t, dsn), serveStore(t, dsn)}
	var sessions []string
	for _, s := range servers {
		sessions = append(sessions, s.logIn(alice))
	}
	wantEverywhere := func(status int) {
		t.Helper()
		for _, s := range servers {
			for _, session := range sessions {
				s.wantAuth(status, session)
			}
		}
	}
	first, _, _ := strings.Cut(signingKeys(t, dsn)[0], " ")
	second := mustSigningKey(t, dsn, `generated the key (\S+), which signs from \S+Z; sessions stay valid`, "rotate")
	mustSigningKey(t, dsn, `the next key exists: (`+second+`) signs from \S+Z`, "rotate")
	if got, want := signingKeys(t, dsn), []string{second + " waits", first + " signs"}; !slices.Equal(got, want) {
		t.Errorf("the keys are %v; want %v", got, want)
	}
	wantMistake(t, runSigningKey(t, dsn, "rotate", "--now"),
		"--now ends all sessions, and all users have to sign in again; add --force to confirm")
	wantEverywhere(http.StatusOK)

	third := mustSigningKey(t, dsn,
		`generated the key (\S+), which signs immediately; deleted all other keys, and ended 2 sessions`, "rotate", "--now",
		"--force")
	wantEverywhere(http.StatusUnauthorized)
	for i, s := range servers {
		sessions[i] = s.logIn(alice)
	}
	wantEverywhere(http.StatusOK)
	if got, want := signingKeys(t, dsn), []string{third + " signs"}; !slices.Equal(got, want) {
		t.Errorf("the keys are %v; want %v", got, want)
	}
	trail := exportAudit(t, dsn)
	for _, test := range []struct{ subject, actor, want string }{
		{first, "(system)", "signing_key.created"},
		{first, "(command line)", "signing_key.retired signing_key.deleted"},
		{second, "(command line)", "signing_key.created signing_key.deleted"},
		{third, "(command line)", "signing_key.created"},
		{alice.name, "(command line)", "user.created session.ended"},
	} {
		if got := strings.Join(eventsOf(trail, test.subject, test.actor), " "); got != test.want {
			t.Errorf("of %s by %s the trail has %q; want %q", test.subject, test.actor, got, test.want)
		}
	}
}

// Ensures that no key is generated with another key-encryption key than the server's.
func TestSigningKey_WrongKeyFile(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serveStore(t, dsn).stop()
	path := databaseFile(dsn) + ".key"
	for _, args := range [][]string{{"rotate"}, {"rotate", "--now", "--force"}} {
		writeFile(t, path, base64.StdEncoding.EncodeToString(secret.NewKey()))
		wantMistake(t, runSigningKey(t, dsn, args...), "is not the one that this database is encrypted with")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wantMistake(t, runSigningKey(t, dsn, args...), "the key file "+path+" is missing")
	}
	if got := signingKeys(t, dsn); len(got) != 1 {
		t.Errorf("the keys are %v", got)
	}
}
