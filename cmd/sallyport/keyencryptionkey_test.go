package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// rekeyed is a database with a key to be rotated, and the credentials that must stay valid.
type rekeyed struct {
	*testing.T
	// env is the environment of all commands, including the database.
	env []string
	// session belongs to alice, a user with a second factor.
	session string
	factor  device
}

func newRekeyed(t *testing.T, env ...string) *rekeyed {
	t.Helper()
	r := &rekeyed{T: t, env: append(env, "SALLYPORT_LOG_FORMAT=json")}
	s := r.serve()
	r.well(alice.password+"\n", "user", "add", alice.name, "--role", "ece_deployment_viewer", "--password-stdin")
	var d device
	if err := json.Unmarshal([]byte(r.well("", "user", "totp", alice.name, "--output", "json")), &d); err != nil {
		t.Fatal(err)
	}
	r.session, r.factor = s.logIn(alice), d
	s.stop()
	return r
}

func onFile(t *testing.T) (r *rekeyed, path string) {
	t.Helper()
	dsn := newStore(t)
	return newRekeyed(t, "SALLYPORT_STORE="+dsn), databaseFile(dsn) + ".key"
}

func (r *rekeyed) serve() *process {
	r.Helper()
	return start(r.T, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: r.env}, servingAt)
}

func (r *rekeyed) run(stdin string, args ...string) outcome {
	r.Helper()
	return run(r.T, invocation{args: args, stdin: stdin, env: r.env})
}

func (r *rekeyed) well(stdin string, args ...string) string {
	r.Helper()
	o := r.run(stdin, args...)
	if o.code != 0 {
		r.Fatalf("%v: exit code %d, %s", args, o.code, o.stderr)
	}
	return o.stdout
}

func (r *rekeyed) rotate(args ...string) outcome {
	r.Helper()
	return r.run("", append([]string{"key-encryption-key", "rotate"}, args...)...)
}

// wantRotated fails the test unless the key is rotated, and the output has no secret.
func (r *rekeyed) wantRotated(saying string, secrets []string, args ...string) {
	r.Helper()
	o := r.rotate(append(args, "--force")...)
	if o.code != 0 || !strings.Contains(o.stdout, saying) {
		r.Fatalf("exit code %d, %s%s; want %q", o.code, o.stdout, o.stderr, saying)
	}
	wantSilence(r.T, o.stdout+o.stderr, secrets...)
}

// wantRefused fails the test unless a server refuses to start for the given reason.
func (r *rekeyed) wantRefused(saying string) {
	r.Helper()
	quiet := append(slices.Clip(r.env), "SALLYPORT_LOG_LEVEL=error")
	wantMistake(r.T, run(r.T, invocation{args: []string{"serve", "--listen", "127.0.0.1:0"}, env: quiet}), saying)
}

// wantOn fails the test unless a server starts and accepts what was valid before: a session, the second factor's
// code, if it was not used yet, and the recovery codes, one of which is used.
func (r *rekeyed) wantOn(code bool) {
	r.Helper()
	s := r.serve()
	s.wantAuth(http.StatusOK, r.session)
	session := r.session
	if code {
		session = s.elevate(http.StatusOK, session, r.factor.code(r.T))
	}
	r.session = s.elevate(http.StatusOK, session, r.factor.RecoveryCodes[0])
	r.factor.RecoveryCodes = r.factor.RecoveryCodes[1:]
	s.stop()
}

func keyText(t *testing.T, path string) string {
	t.Helper()
	data, info := content(t, path)
	if info.Mode() != 0o600 {
		t.Errorf("%s has the mode %v", path, info.Mode())
	}
	return strings.TrimSpace(string(data))
}

const resealed = "re-encrypted 1 signing keys and 1 second factors with the new key-encryption key in "

// Ensures that the key beside a database is rotated in place, only while no server runs, that credentials stay valid,
// that the old key starts no server any more, and that the trail records the rotation.
func TestKeyEncryptionKey_Rotate(t *testing.T) {
	t.Parallel()
	r, path := onFile(t)
	old := keyText(t, path)
	wantMistake(t, r.rotate(), "stop all servers, and keep a copy of the old key, which backups made before need")
	s := r.serve()
	wantRefusal(t, r.rotate("--force"), "is in use; stop the server first")
	s.stop()
	if keyText(t, path) != old {
		t.Fatal("the key was replaced while a server ran")
	}
	r.wantRotated(resealed+path, []string{old})
	next := keyText(t, path)
	if next == old || exists(path+".new") {
		t.Error("the key was not replaced, or the new one's file is still there")
	}
	r.wantOn(true)
	events := eventsOf(exportAudit(t, "sqlite:"+strings.TrimSuffix(path, ".key")), idOf(t, next), "(command line)")
	if !slices.Equal(events, []string{"key_encryption_key.replaced"}) {
		t.Errorf("the trail has %q", events)
	}
	writeFile(t, path, old)
	r.wantRefused("the key in " + path + " is not the one that this database is encrypted with; restore it")
	wantMistake(t, r.rotate("--force"),
		"the key in "+path+" is not the one that this database is encrypted with; restore it")
	if exists(path + ".new") {
		t.Error("an unused key was created")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantMistake(t, r.rotate("--force"), "the key file "+path+" is missing")
	writeFile(t, path, next)
	r.wantOn(false)
}

// Ensures that an interruption at any point loses nothing, and that the command continues from there.
func TestKeyEncryptionKey_RotateInterrupted(t *testing.T) {
	t.Parallel()
	r, path := onFile(t)
	old, next := keyText(t, path), base64.StdEncoding.EncodeToString(secret.NewKey())

	// The new key was written, and not used.
	writeFile(t, path+".new", next)
	r.wantOn(true)
	r.wantRotated(resealed+path, []string{old, next})
	if keyText(t, path) != next || exists(path+".new") {
		t.Fatal("the existing new key was not used")
	}

	// The database was re-encrypted, and the new key not moved.
	writeFile(t, path, old)
	writeFile(t, path+".new", next)
	r.wantRefused(path +
		".new exists: a rotation of the key was interrupted; finish it with: sallyport key-encryption-key rotate --force")
	r.wantRotated("finished an interrupted rotation: the new key-encryption key is in "+path, []string{old, next})
	if keyText(t, path) != next || exists(path+".new") {
		t.Fatal("the new key was not moved")
	}
	r.wantOn(false)

	// Neither key is the right one.
	writeFile(t, path, old)
	writeFile(t, path+".new", base64.StdEncoding.EncodeToString(secret.NewKey()))
	wantMistake(t, r.rotate("--force"), "neither the key of this server nor the one in "+path+".new is the one")
	if keyText(t, path) != old || !exists(path+".new") {
		t.Error("a key was replaced or removed")
	}
}

// Ensures that a configured key is rotated to that of a file, on both databases, and that the old one starts no
// server any more.
func TestKeyEncryptionKey_RotateConfigured(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(t *testing.T) []string{
		"SQLite":     func(t *testing.T) []string { return []string{"SALLYPORT_STORE=" + newStore(t)} },
		"PostgreSQL": func(t *testing.T) []string { return newReplicas(t).env },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := base64.StdEncoding.EncodeToString(secret.NewKey())
			r := newRekeyed(t, append(env(t), "SALLYPORT_KEY_ENCRYPTION_KEY="+old)...)
			file := filepath.Join(t.TempDir(), "key")
			refused := func(saying string, args ...string) {
				t.Helper()
				o := r.rotate(append(args, "--force")...)
				wantMistake(t, o, saying)
				wantSilence(t, o.stderr, old)
			}
			wantMistake(t, r.rotate("--force"), "name the file of the new one with --new-key-file")
			refused("no such file or directory", "--new-key-file", file+"/key")
			writeFile(t, file, old+"\n")
			refused("the key in "+file+" is the old one", "--new-key-file", file)
			writeFile(t, file, "no key")
			refused(file+" does not hold 32 bytes in base64", "--new-key-file", file)
			if err := os.Chmod(file, 0o604); err != nil {
				t.Fatal(err)
			}
			refused("every user of this machine can read "+file, "--new-key-file", file)
			refused("is a directory", "--new-key-file", private(t))
			r.wantOn(true)

			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			r.wantRotated(resealed+file, []string{old}, "--new-key-file", file)
			made := keyText(t, file)
			r.wantRefused("SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with")
			r.wantRotated("finished an interrupted rotation: the new key-encryption key is in "+file, []string{old, made},
				"--new-key-file", file)
			refused("SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with", "--new-key-file",
				file+"2")
			r.env = append(r.env, "SALLYPORT_KEY_ENCRYPTION_KEY="+made)
			r.wantOn(false)

			given := base64.StdEncoding.EncodeToString(secret.NewKey())
			writeFile(t, file, given+"\n")
			r.wantRotated(resealed+file, []string{made, given}, "--new-key-file", file)
			r.env = append(r.env, "SALLYPORT_KEY_ENCRYPTION_KEY="+given)
			r.wantOn(false)
		})
	}
}

// private returns a folder that only its owner can open.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Ensures that --new-key-file is refused if the key is beside the database.
func TestKeyEncryptionKey_RotateElsewhere(t *testing.T) {
	t.Parallel()
	r, path := onFile(t)
	old := keyText(t, path)
	file := filepath.Join(t.TempDir(), "key")
	wantMistake(t, r.rotate("--force", "--new-key-file", file), "--new-key-file is for a configured key")
	if exists(file) || keyText(t, path) != old {
		t.Error("a key was created or replaced")
	}
	wantMistake(t, r.rotate("--force", "--store", "sqlite:nothing.db"), "the database nothing.db does not exist")
	wantMistake(t, r.rotate("--force", "--store", "none"), "keeps no records")
}

// Ensures that a server on PostgreSQL that still uses the old key is not ready and accepts no enrollment that would
// be lost, and that one with the new key is ready and accepts it.
func TestKeyEncryptionKey_RotateUnderServer(t *testing.T) {
	t.Parallel()
	r := newRekeyed(t, append(newReplicas(t).env, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0")...)
	old := r.serve()
	old.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	file := filepath.Join(t.TempDir(), "key")
	r.wantRotated(resealed, []string{databasePassword}, "--new-key-file", file)
	bob := person{"bob", "correct horse battery too"}
	r.well(bob.password+"\n", "user", "add", bob.name, "--role", "ece_deployment_viewer", "--password-stdin")
	enrol := func(s *process, status int) {
		t.Helper()
		s.want(status, http.MethodPost, authPath+"/totp", bob.basic(), "")
	}
	enrol(old, http.StatusInternalServerError)
	old.adminListener().want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
	old.waitFor(regexp.MustCompile(`not ready.*was the key-encryption key replaced`))
	r.env = append(r.env, "SALLYPORT_KEY_ENCRYPTION_KEY="+keyText(t, file))
	fresh := r.serve()
	enrol(fresh, http.StatusCreated)
	fresh.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
}
