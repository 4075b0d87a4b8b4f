package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Ensures that "serve" and "config check" name each secret file that every user of the machine can read, and refuse
// one that every user can write to.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	password, settings := filepath.Join(folder, "password"), filepath.Join(folder, "settings.yaml")
	certificate, key, _ := issue(t, folder)
	writeFile(t, password, "chosen by hand\n")
	writeFile(t, settings, "readonly_password: chosen by hand\n")
	files := map[string]string{
		"SALLYPORT_ADMIN_PASSWORD_FILE": password, "the configuration file": settings, "tls.key": key,
	}
	i := invocation{env: []string{
		"SALLYPORT_ADMIN_PASSWORD_FILE=" + password, "SALLYPORT_CONFIG=" + settings, "SALLYPORT_LOG_FORMAT=json",
		"SALLYPORT_TLS_CERTIFICATE=" + certificate, "SALLYPORT_TLS_KEY=" + key, "SALLYPORT_LISTEN=127.0.0.1:0",
		"SALLYPORT_STORE=none",
	}}
	with := func(args ...string) invocation { i.args = args; return i }
	change := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}

	if o := run(t, with("config", "check")); o.code != 0 || o.stderr != "" {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	for _, path := range files {
		change(path, 0o644)
	}
	checked := run(t, with("config", "check"))
	s := start(t, with("serve"), servingAt)
	for setting, path := range files {
		if want := setting + ": every user of this machine can read " + path; checked.code != 0 ||
			!strings.Contains(checked.stderr, want) {
			t.Errorf("exit code %d: %s; want %q", checked.code, checked.stderr, want)
		}
		s.waitFor(regexp.MustCompile(`every user of this machine can read a file with a secret","setting":"` + setting +
			`","file":"` + regexp.QuoteMeta(path) + `"`))
	}
	s.stop()
	for setting, path := range files {
		change(path, 0o646)
		for _, command := range []string{"config check", "serve"} {
			o := run(t, with(strings.Fields(command)...))
			if want := setting + ": every user of this machine can write to " + path; o.code != exitUsage ||
				!strings.Contains(o.stderr, want) {
				t.Errorf("%s: exit code %d: %s; want %q", command, o.code, o.stderr, want)
			}
		}
		change(path, 0o600)
	}
}

// Ensures that no server starts if every user of the machine can read the key beside the database, and that a group
// may.
func TestSecretFiles_KeyBesideDatabase(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	serveStore(t, dsn, chosenAdmin).stop()
	path := databaseFile(dsn) + ".key"
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	wantMistake(t, runOn(t, dsn, "serve", "--listen", "127.0.0.1:0"), "every user of this machine can read "+path)
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	serveStore(t, dsn, chosenAdmin).wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
}
