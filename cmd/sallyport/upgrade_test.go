package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Versions that were replaced by this one or by another.
const (
	// oldCommit has schema 5: it has no epochs, and accepts metadata of up to 10,000 levels.
	oldCommit = "70660e3dd09f6ed9a636a05cdec722bb1e20fcba"
	// previousCommit has schema 14, and is the version before this one.
	previousCommit = "284d5a51f5bbc9aa747d9d2fe62618eda2578621"
)

// versions build the programs of commits from this repository's history, once, and return their paths.
var versions = map[string]func() (string, error){
	oldCommit:      sync.OnceValues(func() (string, error) { return build(oldCommit) }),
	previousCommit: sync.OnceValues(func() (string, error) { return build(previousCommit) }),
}

func build(commit string) (string, error) {
	folder := filepath.Join(filepath.Dir(program), commit)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "sallyport")
	script := `git -C "$(git rev-parse --show-toplevel)" archive "$1" | tar -x -C "$2" && cd "$2" && go build -buildvcs=false -o "$3" ./cmd/sallyport`
	if out, err := exec.Command("sh", "-c", script, "sh", commit, folder, path).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
}

// An upgrade is a database that servers of the old and of this version use.
type upgrade struct {
	*testing.T
	old string // path of the old program
	env []string
	// db is a direct connection to the database.
	db *sql.DB
}

// programOf returns the path of a commit's program.
func programOf(t *testing.T, commit string) string {
	t.Helper()
	if err := exec.Command("git", "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		t.Skipf("commit %s is not in this clone, or git is missing: fetch the whole history (%v)", commit, err)
	}
	path, err := versions[commit]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// onEachDatabase runs a test with the program of a commit, and a new database of each kind.
func onEachDatabase(t *testing.T, commit string, test func(u upgrade)) {
	t.Helper()
	old := programOf(t, commit)
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		dsn := newStore(t)
		env := []string{"SALLYPORT_STORE=" + dsn, "SALLYPORT_LOG_FORMAT=json", chosenAdmin, chosenReadonly, sealed}
		test(upgrade{t, old, env, nil}.connected("sqlite", "file:"+databaseFile(dsn)+"?_pragma=busy_timeout(10000)"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		r := newReplicas(t)
		test(upgrade{t, old, r.env, nil}.connected("pgx", r.dsn))
	})
}

func (u upgrade) connected(driver, dsn string) upgrade {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing was left to be written
	u.db = db
	return u
}

// serve starts a server of a version.
func (u upgrade) serve(program string) *process {
	u.Helper()
	env := append(slices.Clip(u.env), "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0")
	return launch(u.T,
		invocation{program: program, args: []string{"serve", "--listen", "127.0.0.1:0"}, env: env}).serving()
}

// add adds a user with the command line of a version.
func (u upgrade) add(program string, p person, role string) {
	u.Helper()
	o := run(u.T, invocation{
		program: program, args: []string{"user", "add", p.name, "--role", role, "--password-stdin"}, stdin: p.password + "\n",
		env: u.env,
	})
	if o.code != 0 {
		u.Fatalf("user add %s: %s", p.name, o.stderr)
	}
}

func (u upgrade) exec(statement string) {
	u.Helper()
	if _, err := u.db.ExecContext(u.Context(), statement); err != nil {
		u.Fatal(err)
	}
}

// bulkKeys gives a user n keys, and returns the one that is swept last.
func (u upgrade) bulkKeys(user string, n int) string {
	u.Helper()
	u.exec(fmt.Sprintf(`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at)
		WITH RECURSIVE n(i) AS (SELECT 100001 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT '%s-' || i, '%s', 'bulk', '%s', 1, 0 FROM n`, 100_000+n, user, user, secret.Digest("s")))
	return "ApiKey " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%d:s", user, 100_000+n))
}

// bulkSessions gives a user n sessions.
func (u upgrade) bulkSessions(user string, n int) {
	u.Helper()
	u.exec(fmt.Sprintf(`INSERT INTO sessions (id, user_name, created_at, expires_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT '%s-' || i, '%s', 1, %d FROM n`, n, user, user, time.Now().Add(time.Hour).UnixMilli()))
}

// refusesUntilSwept fails the test if, while rows of the user wait for the sweep, a server accepts a credential of
// the user or acknowledges that the user is disabled, or accepts the credential afterwards.
func (u upgrade) refusesUntilSwept(s *process, user, credential, admin string) {
	u.Helper()
	began, asked := time.Now(), 0
	for waiting := true; waiting; {
		if r := s.send(http.MethodGet, authPath, credential, ""); r.status == http.StatusOK {
			u.Fatalf("the old server accepts what was revoked %v before: %s", time.Since(began), r.body)
		}
		disable := s.send(http.MethodPatch, "/api/v1/users/"+user, admin, `{"security":{"enabled":false}}`)
		if err := u.db.QueryRowContext(u.Context(),
			"SELECT COUNT(*) > 0 FROM users WHERE sweeping").Scan(&waiting); err != nil {
			u.Fatal(err)
		}
		if waiting && disable.status == http.StatusOK {
			u.Fatalf("the old server acknowledges to have disabled the user: %s", disable.body)
		}
		if asked++; time.Since(began) > patience {
			u.Fatal("the rows are not swept")
		}
	}
	s.wantAuth(http.StatusUnauthorized, credential)
	u.Logf("the old server was asked %d times in %v", asked, time.Since(began))
}

// Ensures that an old server, without epochs, that still runs on the migrated database is not ready, always refuses
// what a new one revoked, and serves the user again once the rows are swept; and that it does not start again.
func TestUpgrade_BesideOldServer(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, oldCommit, func(u upgrade) {
		const keys, sessions = 10_000, 9000
		admin := person{"admin", "chosen by hand"}.basic()
		bob, carol := person{"bob", "bob's own passphrase"}, person{"carol", "carol's own passphrase"}
		old := u.serve(u.old)
		u.add(u.old, alice, "ece_deployment_viewer")
		u.add(u.old, bob, "ece_deployment_viewer")
		u.add(u.old, carol, "ece_deployment_viewer")
		key, session := old.createKey(alice.basic()), old.logIn(bob)
		last, deleted := u.bulkKeys("alice", keys), u.bulkKeys("carol", keys)
		u.bulkSessions("bob", sessions)
		old.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")

		current := u.serve("")
		old.adminListener().want(http.StatusServiceUnavailable, http.MethodGet, "/readyz", "", "")
		current.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
		for _, s := range []*process{old, current} {
			for _, credential := range []string{key, session, last, deleted} {
				s.wantAuth(http.StatusOK, credential)
			}
		}

		// An old server with a cache receives the invalidation in a moment.
		current.want(http.StatusOK, http.MethodDelete, "/api/v1/users/alice/auth/keys", admin, "")
		wantRefusedInTime(key, []limited{{current, 0}})
		u.notAccepted(old, key)
		u.refusesUntilSwept(old, "alice", last, admin)
		old.wantAuth(http.StatusUnauthorized, key)
		current.want(http.StatusOK, http.MethodPatch, "/api/v1/users/alice", admin, `{"security":{"enabled":true}}`)
		for _, made := range []string{old.createKey(alice.basic()), current.createKey(alice.basic())} {
			old.wantAuth(http.StatusOK, made)
			current.wantAuth(http.StatusOK, made)
		}

		current.want(http.StatusOK, http.MethodPut, "/_security/user/bob/_password", admin,
			`{"password":"another passphrase of bob"}`)
		wantRefusedInTime(session, []limited{{current, 0}})
		u.notAccepted(old, session)
		u.refusesUntilSwept(old, "bob", session, admin)
		current.want(http.StatusOK, http.MethodPatch, "/api/v1/users/bob", admin, `{"security":{"enabled":true}}`)
		current.wantAuth(http.StatusOK, old.logIn(person{"bob", "another passphrase of bob"}))

		current.want(http.StatusOK, http.MethodDelete, "/api/v1/users/carol", admin, "")
		u.notAccepted(old, deleted)
		u.refusesUntilSwept(old, "carol", deleted, admin)
		old.want(http.StatusNotFound, http.MethodGet, "/api/v1/users/carol", admin, "")
		u.add("", carol, "ece_deployment_viewer")
		old.wantAuth(http.StatusUnauthorized, deleted)
		current.wantAuth(http.StatusUnauthorized, deleted)
		old.wantAuth(http.StatusOK, carol.basic())

		// An old server does not record the setter of a password, so one that it stored counts as set by another
		// user.
		old.want(http.StatusOK, http.MethodPut, "/_security/user/carol/_password", admin,
			`{"password":"what another user chose"}`)
		current.want(http.StatusBadRequest, http.MethodPatch, "/api/v1/users/carol", admin,
			`{"security":{"roles":["ece_platform_admin"]}}`)
		current.want(http.StatusOK, http.MethodPatch, "/api/v1/users/carol", admin,
			`{"security":{"roles":["ece_platform_admin"],"password":"a new one with it"}}`)

		old.stop()
		o := run(u.T, invocation{program: u.old, args: []string{"serve", "--listen", "127.0.0.1:0"}, env: u.env})
		if o.code == 0 || !strings.Contains(o.stderr, "use a newer program") {
			u.Errorf("an old server that starts again: exit code %d, %s", o.code, o.stderr)
		}
	})
}

// notAccepted waits, for a second at most, until a server that may have cached a credential refuses it.
func (u upgrade) notAccepted(s *process, credential string) {
	u.Helper()
	for began := time.Now(); s.send(http.MethodGet, authPath, credential, "").status == http.StatusOK; {
		if time.Since(began) > time.Second {
			u.Fatal("the old server accepts what was revoked a second ago")
		}
	}
}

// Ensures that a database of an old version, with data at that version's limits, opens, migrates and serves.
func TestUpgrade_OldLimits(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, oldCommit, func(u upgrade) {
		const copies, sessions, depth = 50, 10_000, 5000
		admin := person{"admin", "chosen by hand"}.basic()
		chief := person{"chief", "the chief's own passphrase"}
		old := u.serve(u.old)
		u.add(u.old, chief, "ece_platform_admin")
		nested := `{"name":"deep","metadata":` + strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth) + "}"
		wide := `{"name":"wide","metadata":{"a":"` + strings.Repeat("x", 65_000) + `"}}`
		var keys []string
		for _, body := range []string{nested, wide} {
			keys = append(keys,
				"ApiKey "+
					member(u.T, old.want(http.StatusOK, http.MethodPost, "/_security/api_key", chief.basic(), body), "encoded"))
		}
		keys = append(keys, old.createKey(chief.basic()))
		session := old.logIn(chief)
		u.exec(fmt.Sprintf(`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at, assigned, limited_by, creator, metadata, version)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT 'copy-' || i || '-' || description, user_name, description, secret_digest, created_at, expires_at,
				assigned, limited_by, creator, metadata, version
			FROM n, api_keys WHERE description IN ('deep', 'wide')`, copies))
		u.bulkSessions("chief", sessions-1)
		u.exec(`INSERT INTO users (name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at, realm, name_id)
			VALUES ('dave', FALSE, TRUE, '["ece_deployment_viewer"]', 'Dave', '', '', 1, 1, 'corp', 'dave@corp.example')`)
		old.stop()

		s := u.serve("")
		for _, credential := range append(keys, session) {
			s.wantAuth(http.StatusOK, credential)
		}
		plain := s.want(http.StatusOK, http.MethodGet, "/_security/api_key", chief.basic(), "")
		if n := count(u.T, plain.body, "api_keys"); n != 2*copies+3 {
			u.Errorf("there are %d keys, want %d", n, 2*copies+3)
		}
		if pretty := s.want(http.StatusOK, http.MethodGet, "/_security/api_key?pretty", chief.basic(),
			""); len(pretty.body) > 6*len(plain.body) {
			u.Errorf("?pretty makes %d bytes into %d", len(plain.body), len(pretty.body))
		}
		s.want(http.StatusOK, http.MethodPost, "/_security/_query/api_key", chief.basic(),
			`{"size":10,"query":{"prefix":{"name":"dee"}}}`)
		s.want(http.StatusOK, http.MethodPatch, "/api/v1/users/dave", admin, `{"security":{"enabled":false}}`)
		s.wantAuth(http.StatusOK, s.logIn(chief)) // the oldest of 10,000 sessions end
		ended := s.want(http.StatusOK, http.MethodDelete, "/_security/api_key", chief.basic(), `{"owner":true}`)
		if n := count(u.T, ended.body, "invalidated_api_keys"); n != 2*copies+3 {
			u.Errorf("%d keys were invalidated, want %d", n, 2*copies+3)
		}
		for _, key := range keys {
			s.wantAuth(http.StatusUnauthorized, key)
		}
		s.stop()
	})
}

// count returns the length of a list in an answer.
func count(t *testing.T, body, name string) int {
	t.Helper()
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(object[name], &list); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return len(list)
}
