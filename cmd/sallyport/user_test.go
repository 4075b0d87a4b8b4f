package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// wantRefusal fails the test unless the program exited with 1 and one line on standard error that contains the text.
func wantRefusal(t *testing.T, o outcome, saying string) {
	t.Helper()
	wantFailure(t, o, exitFailed, saying)
}

// wantMistake is wantRefusal for an invalid command line, setting or file.
func wantMistake(t *testing.T, o outcome, saying string) {
	t.Helper()
	wantFailure(t, o, exitUsage, saying)
}

// wantFailure fails the test unless the program exited with the code and one line on standard error that contains the
// text, and no code of a fault.
func wantFailure(t *testing.T, o outcome, code int, saying string) {
	t.Helper()
	if o.code != code || o.stdout != "" {
		t.Errorf("exit code %d and the output %q; want %d and none", o.code, o.stdout, code)
	}
	oneLine := strings.HasPrefix(o.stderr, "sallyport: ") && strings.Count(o.stderr, "\n") == 1
	if !oneLine || !strings.Contains(o.stderr, saying) {
		t.Errorf("standard error is %q; want one line that says %q", o.stderr, saying)
	}
	for _, code := range []string{"root.", "user.", "authc.", "user not found", "invalid data", "name conflict"} {
		if strings.Contains(o.stderr, code) {
			t.Errorf("standard error %q contains an error code", o.stderr)
		}
	}
}

// Ensures that disabling a user stops sessions, API keys and the password immediately while a server runs, and that
// enabling restores all but the sessions.
func TestUser_Disable(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	s := serveStore(t, dsn)
	session, key := s.logIn(alice), s.createKey(alice.basic())
	for _, authorization := range []string{session, key, alice.basic()} {
		s.wantAuth(http.StatusOK, authorization)
	}

	mustUser(t, dsn, "", "disable", alice.name)
	for _, authorization := range []string{session, key, alice.basic()} {
		s.wantAuth(http.StatusUnauthorized, authorization)
	}
	s.want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(alice))

	mustUser(t, dsn, "", "enable", alice.name)
	s.wantAuth(http.StatusOK, key)
	s.wantAuth(http.StatusOK, alice.basic())
	s.wantAuth(http.StatusUnauthorized, session)
}

// Ensures that a new password replaces the old one and ends the sessions immediately while a server runs.
func TestUser_Passwd(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	s := serveStore(t, dsn)
	session, key := s.logIn(alice), s.createKey(alice.basic())

	renewed := person{alice.name, "another long password"}
	mustUser(t, dsn, renewed.password, "passwd", alice.name, "--password-stdin")
	s.wantAuth(http.StatusUnauthorized, session)
	s.wantAuth(http.StatusUnauthorized, alice.basic())
	s.wantAuth(http.StatusOK, renewed.basic())
	s.wantAuth(http.StatusOK, s.logIn(renewed))
	s.wantAuth(http.StatusOK, key)
}

// Ensures that a user added while a server runs can sign in immediately.
func TestUser_Add(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn)
	s.wantAuth(http.StatusUnauthorized, alice.basic())
	out := mustUser(t, dsn, alice.password+"\r\n", "add", alice.name, "--role", "ece_platform_viewer",
		"--role", "ece_deployment_manager", "--full-name", "Alice A.", "--email", "alice@example.org", "--password-stdin")
	if out != "added the user alice\n" {
		t.Errorf("the output is %q", out)
	}
	s.wantAuth(http.StatusOK, alice.basic())
}

// Ensures that a user locked by failed attempts can sign in immediately after "user unlock" while a server runs.
func TestUser_Unlock(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	s := serveStore(t, dsn, "SALLYPORT_LOCKOUT_FAILURES=3")
	s.wantAuth(http.StatusOK, alice.basic())
	guess := func(n int) {
		for range n {
			s.wantAuth(http.StatusUnauthorized, person{alice.name, "a wrong password"}.basic())
		}
	}
	guess(2)
	s.wantAuth(http.StatusOK, alice.basic()) // clears them
	guess(3)
	s.wantAuth(http.StatusUnauthorized, alice.basic())
	s.want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(alice))

	if out := mustUser(t, dsn, "", "unlock", alice.name); out != "unlocked the user alice\n" {
		t.Errorf("the output is %q", out)
	}
	s.wantAuth(http.StatusOK, alice.basic())
	s.logIn(alice)
	guess(2)
	s.wantAuth(http.StatusOK, alice.basic()) // earlier attempts do not count
}

// Ensures that the list has every user with all columns.
func TestUser_List(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serveStore(t, dsn)
	addUser(t, dsn, alice)
	mustUser(t, dsn, "", "disable", alice.name)
	provisionJSON(t, dsn, alice.name)
	var rows [][]string
	for line := range strings.Lines(mustUser(t, dsn, "", "list")) {
		rows = append(rows, strings.Fields(line)[:5])
	}
	want := [][]string{
		{"NAME", "ENABLED", "BUILT", "IN", "SECOND"},
		{"admin", "true", "true", "false", "ece_platform_admin"},
		{"alice", "false", "false", "true", "ece_deployment_viewer"},
		{"readonly", "true", "true", "false", "ece_platform_viewer"},
	}
	if !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("the list is %q; want %q", rows, want)
	}
}

// Ensures that the built-in users cannot be changed.
func TestUser_Builtin(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn)
	admin := credentials(t, databaseFile(dsn)+".credentials")["admin"]
	session := s.logIn(admin)
	for _, args := range [][]string{
		{"passwd", "admin", "--password-stdin"}, {"disable", "admin"}, {"enable", "admin"}, {"disable", "readonly"},
	} {
		o := runUser(t, dsn, "another long password\n", args...)
		wantMistake(t, o, `"`+args[1]+`" is a built-in user and cannot be changed`)
	}
	s.wantAuth(http.StatusOK, admin.basic())
	s.wantAuth(http.StatusOK, session)
}

// Ensures that an error is reported in one line with its reason, and changes nothing.
func TestUser_Refusals(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	before := mustUser(t, dsn, "", "list")
	const viewer = "--role=ece_deployment_viewer"
	refused := []string{"name taken", "disable an unknown user", "enable an unknown user",
		"set an unknown user's password", "unlock an unknown user"}
	for name, test := range map[string]struct {
		args   []string
		stdin  string
		saying string
	}{
		"password elsewhere":     {[]string{"add", "bob", viewer}, "", "add --password-stdin"},
		"new password elsewhere": {[]string{"passwd", "alice"}, "", "add --password-stdin"},
		"password as a flag":     {[]string{"add", "bob", viewer, "--password=x"}, "", "unknown flag: --password"},
		"unknown role": {[]string{"add", "bob", "--role=king", "--password-stdin"}, "a long password",
			`no role "king"; roles are ece_`},
		"no role": {[]string{"add", "bob", "--password-stdin"}, "a long password", "at least one role; roles are ece_"},
		"two deployment roles": {
			[]string{"add", "bob", viewer, "--role=ece_deployment_manager", "--password-stdin"}, "a long password",
			"exclude each other",
		},
		"bad name": {[]string{"add", "bob:x", viewer, "--password-stdin"}, "a long password",
			"must not contain a colon"},
		"name taken": {[]string{"add", "alice", viewer, "--password-stdin"}, "a long password",
			`a user "alice" already`},
		"reserved name": {[]string{"add", "_bob", viewer, "--password-stdin"}, "a long password",
			"must not begin with an underscore"},
		"short password": {[]string{"add", "bob", viewer, "--password-stdin"}, "short\n",
			"at least 8 characters"},
		"no password": {[]string{"add", "bob", viewer, "--password-stdin"}, "", "at least 8 characters"},
		"long password": {[]string{"add", "bob", viewer, "--password-stdin"}, strings.Repeat("x", 5000),
			"at most 1024 bytes"},
		"two lines": {[]string{"add", "bob", viewer, "--password-stdin"}, "a long password\nand more\n",
			"more than one line"},
		"short new password": {[]string{"passwd", "alice", "--password-stdin"}, "short\n",
			"at least 8 characters"},
		"disable an unknown user":        {[]string{"disable", "bob"}, "", `no user "bob"`},
		"enable an unknown user":         {[]string{"enable", "bob"}, "", `no user "bob"`},
		"set an unknown user's password": {[]string{"passwd", "bob", "--password-stdin"}, "a long password", `no user "bob"`},
		"unlock an unknown user":         {[]string{"unlock", "bob"}, "", `no user "bob"`},
		"no name":                        {[]string{"unlock"}, "", "this takes one NAME"},
		"unknown flag":                   {[]string{"list", "--nope"}, "", "unknown flag: --nope"},
		"no store":                       {[]string{"list", "--store=none"}, "", "--store none keeps no records"},
		"a store that is not": {[]string{"unlock", "alice", "--store=sqlite:nothing.db"}, "",
			"the database nothing.db does not exist"},
		"a store of another sort": {[]string{"list", "--store=mysql:x"}, "",
			"store: this is not sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or none"},
	} {
		t.Run(name, func(t *testing.T) {
			want := exitUsage
			if slices.Contains(refused, name) {
				want = exitFailed
			}
			wantFailure(t, runUser(t, dsn, test.stdin, test.args...), want, test.saying)
		})
	}
	if after := mustUser(t, dsn, "", "list"); after != before {
		t.Errorf("the users were\n%s and are\n%s", before, after)
	}
}
