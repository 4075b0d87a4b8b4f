package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Ensures that a first start generates passwords for both built-in users in a file that only its owner can read, and
// that a second start does not change them.
func TestServe_MadePasswords(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	path := databaseFile(dsn) + ".credentials"
	s := serveStore(t, dsn)
	wantPrivate(t, filepath.Dir(path), "sallyport.db", "sallyport.db.key", "sallyport.db.credentials")
	people := credentials(t, path)
	if len(people) != 2 {
		t.Errorf("%d passwords in the file; want 2", len(people))
	}
	for _, name := range []string{"admin", "readonly"} {
		s.want(http.StatusOK, http.MethodGet, accountPath, people[name].basic(), "")
	}
	wantSilence(t, s.output.String(), people["admin"].password, people["readonly"].password)
	s.stop()

	before, status := content(t, path)
	s = serveStore(t, dsn)
	s.want(http.StatusOK, http.MethodGet, accountPath, people["admin"].basic(), "")
	after, statusAfter := content(t, path)
	if !bytes.Equal(before, after) || !status.ModTime().Equal(statusAfter.ModTime()) {
		t.Error("the second start wrote the passwords again")
	}
}

// wantPrivate fails the test unless the folder has the named files and only their owner can access the files in it.
func wantPrivate(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has mode %v; want 0600", entry.Name(), mode)
		}
	}
}

func content(t *testing.T, path string) ([]byte, os.FileInfo) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, info
}

// wantSilence fails the test if the output contains a secret.
func wantSilence(t *testing.T, output string, secrets ...string) {
	t.Helper()
	for _, each := range secrets {
		if each == "" || strings.Contains(output, each) {
			t.Errorf("the output holds the secret %q, or the test does not know it", each)
		}
	}
}

// Ensures that the start fails if generated passwords cannot be written, with a hint that works.
func TestServe_PasswordsNotKept(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	if err := os.Mkdir(databaseFile(dsn)+".credentials", 0o700); err != nil {
		t.Fatal(err)
	}
	o := run(t, invocation{args: []string{"serve", "--listen", "127.0.0.1:0", "--store", dsn}})
	wantMistake(t, o, "set SALLYPORT_ADMIN_PASSWORD")
	admin := person{"admin", "chosen by hand"}
	s := serveStore(t, dsn, "SALLYPORT_ADMIN_PASSWORD="+admin.password, "SALLYPORT_READONLY_PASSWORD="+admin.password)
	s.wantAuth(http.StatusOK, admin.basic())
}

// Ensures that a missing key file is reported, and that no new one is created.
func TestServe_KeyLost(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serveStore(t, dsn).stop()
	path := databaseFile(dsn) + ".key"
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--store", dsn}
	wantMistake(t, run(t, invocation{args: args}), path+" is missing")
	if exists(path) {
		t.Error("another key was made")
	}
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(secret.NewKey())), 0o600); err != nil {
		t.Fatal(err)
	}
	wantMistake(t, run(t, invocation{args: args}), "the key in "+path+" is not the one")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	serveStore(t, dsn)
}

// Ensures that SALLYPORT_ADMIN_PASSWORD takes effect at a later start, ends the sessions of the old password, and
// stays in effect without the variable.
func TestServe_AdminPassword(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn)
	people := credentials(t, databaseFile(dsn)+".credentials")
	session := s.logIn(people["admin"])
	s.stop()

	chosen := person{"admin", "chosen by hand"}
	s = serveStore(t, dsn, "SALLYPORT_ADMIN_PASSWORD="+chosen.password)
	s.wantAuth(http.StatusUnauthorized, people["admin"].basic())
	s.wantAuth(http.StatusUnauthorized, session)
	s.wantAuth(http.StatusOK, chosen.basic())
	s.wantAuth(http.StatusOK, people["readonly"].basic())
	s.stop()
	if got := s.output.String(); strings.Count(got,
		`"level":"INFO","msg":"password changed by the configuration","user":"admin"`) != 1 {
		t.Error("the changed password is not logged")
	}

	s = serveStore(t, dsn, "SALLYPORT_ADMIN_PASSWORD="+chosen.password)
	s.wantAuth(http.StatusOK, chosen.basic())
	s.stop()
	if strings.Contains(s.output.String(), "password changed by the configuration") {
		t.Error("an unchanged password is logged as changed")
	}

	s = serveStore(t, dsn)
	s.wantAuth(http.StatusOK, chosen.basic())
}

// Ensures that of two servers with different files for the password of a built-in user, the one that starts last sets
// it, and says so without the password.
func TestServe_AdminPasswordsDiffer(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serve := func(password string) *process {
		t.Helper()
		path := filepath.Join(t.TempDir(), "password")
		writeFile(t, path, password+"\n")
		return serveStore(t, dsn, "SALLYPORT_ADMIN_PASSWORD_FILE="+path)
	}
	first, second := person{"admin", "chosen for one"}, person{"admin", "chosen for two"}

	one := serve(first.password)
	one.wantAuth(http.StatusOK, first.basic())
	session := one.logIn(first)
	two := serve(second.password)
	two.waitFor(regexp.MustCompile(`"msg":"password changed by the configuration","user":"admin"`))
	for _, s := range []*process{one, two} {
		s.wantAuth(http.StatusUnauthorized, first.basic())
		s.wantAuth(http.StatusUnauthorized, session)
		s.wantAuth(http.StatusOK, second.basic())
	}
	wantSilence(t, two.output.String(), first.password, second.password)

	one.stop()
	three := serve(first.password)
	three.waitFor(regexp.MustCompile(`"msg":"password changed by the configuration","user":"admin"`))
	two.wantAuth(http.StatusUnauthorized, second.basic())
	two.wantAuth(http.StatusOK, first.basic())
}

// Ensures that no secret, configured or issued, is in the log, at any level.
func TestServe_SecretsStayHidden(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	admin, readonly := person{"admin", secret.Text(12)}, person{"readonly", secret.Text(12)}
	key := base64.StdEncoding.EncodeToString(secret.NewKey())
	s := serveStore(t, dsn, "SALLYPORT_LOG_LEVEL=debug", "SALLYPORT_KEY_ENCRYPTION_KEY="+key,
		"SALLYPORT_ADMIN_PASSWORD="+admin.password, "SALLYPORT_READONLY_PASSWORD="+readonly.password)
	wrong := person{"alice", "a wrong password"}
	s.want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(wrong))
	s.want(http.StatusBadRequest, http.MethodPost, loginPath, "", `{"username": 1, "password": "`+alice.password+`"}`)
	session, apiKey := s.logIn(alice), s.createKey(alice.basic())
	s.wantAuth(http.StatusOK, session)
	s.wantAuth(http.StatusOK, apiKey)
	s.wantAuth(http.StatusOK, readonly.basic())
	s.stop()
	wantSilence(t, s.output.String(), admin.password, readonly.password, alice.password, wrong.password, key,
		strings.TrimPrefix(session, "Bearer "), strings.TrimPrefix(apiKey, "ApiKey "))
	for _, name := range []string{".key", ".credentials"} {
		if _, err := os.Stat(databaseFile(dsn) + name); !os.IsNotExist(err) {
			t.Errorf("there is a file %s, but all secrets were given: %v", name, err)
		}
	}
}

// Ensures that without a store the built-in users sign in and read, until the server ends, and that all else needs an
// authentication cluster.
func TestServe_WithoutStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serveIn(t, dir, "none")
	wantPrivate(t, dir, "sallyport.credentials")
	admin := credentials(t, filepath.Join(dir, "sallyport.credentials"))["admin"]
	s.want(http.StatusOK, http.MethodGet, accountPath, admin.basic(), "")
	s.want(http.StatusUnauthorized, http.MethodGet, accountPath, person{"admin", "a wrong password"}.basic(), "")
	session := s.logIn(admin)
	s.want(http.StatusOK, http.MethodGet, accountPath, session, "")
	s.want(http.StatusNotImplemented, http.MethodPut, accountPath, session, `{"trust": {"trust_all": false}}`)
	s.want(http.StatusUnauthorized, http.MethodGet, accountPath, "ApiKey YTpi", "")

	again := serveIn(t, dir, "none")
	admin = credentials(t, filepath.Join(dir, "sallyport.credentials"))["admin"]
	again.want(http.StatusOK, http.MethodGet, accountPath, admin.basic(), "")
	again.want(http.StatusUnauthorized, http.MethodGet, accountPath, session, "")
}

// Ensures that a store failure is answered with 502, and that the server serves again without a restart when the
// store works.
func TestServe_StoreFails(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn, "SALLYPORT_ADMIN_PASSWORD=chosen by hand")
	admin := person{"admin", "chosen by hand"}
	session := s.logIn(admin)
	db := openDatabase(t, dsn, "_pragma=busy_timeout(30000)")
	execute := func(statement string) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}

	execute(`ALTER TABLE users RENAME TO users_gone`)
	for _, authorization := range []string{admin.basic(), session} {
		r := s.want(http.StatusBadGateway, http.MethodGet, accountPath, authorization, "")
		if got := r.header.Get("X-Cloud-Error-Codes"); got != "authc.authentication_cluster_error" {
			t.Errorf("X-Cloud-Error-Codes: %q", got)
		}
		wantSilence(t, r.body, "users", "SQL")
	}

	execute(`ALTER TABLE users_gone RENAME TO users`)
	s.want(http.StatusOK, http.MethodGet, accountPath, admin.basic(), "")
	s.want(http.StatusOK, http.MethodGet, accountPath, session, "")
}

// Ensures that an unknown environment variable is reported, whether the server starts or not.
func TestServe_UnknownVariable(t *testing.T) {
	t.Parallel()
	s := serveStore(t, newStore(t), "SALLYPORT_LISTN=1")
	if got := s.output.String(); !regexp.MustCompile(`"level":"WARN",.*"variable":"SALLYPORT_LISTN"`).MatchString(got) {
		t.Error("it does not warn")
	}
	s.stop()
	o := run(t, invocation{args: []string{"serve"}, env: []string{"SALLYPORT_LISTN=1", "SALLYPORT_LISTEN=nowhere"}})
	if o.code != exitUsage ||
		!strings.HasPrefix(o.stderr, "warning: unknown setting: SALLYPORT_LISTN; did you mean SALLYPORT_LISTEN?") {
		t.Errorf("exit code %d and %q", o.code, o.stderr)
	}
}
