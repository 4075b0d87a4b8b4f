package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.yaml.in/yaml/v3"
)

// target runs commands on a database, or on a server.
type target struct {
	t    *testing.T
	args []string
	env  []string
}

func (g target) run(stdin string, args ...string) outcome {
	g.t.Helper()
	// An argument after -- may begin with a dash, as ids of keys do at times.
	words := slices.Concat(args[:2], g.args, args[2:])
	return run(g.t, invocation{args: words, stdin: stdin, env: g.env})
}

// must runs a command that must succeed, and returns its output.
func (g target) must(stdin string, args ...string) string {
	g.t.Helper()
	o := g.run(stdin, args...)
	if o.code != 0 {
		g.t.Fatalf("%v: exit code %d: %s", args, o.code, o.stderr)
	}
	return o.stdout
}

// read returns the JSON that a command prints.
func read[T any](g target, args ...string) (value T) {
	g.t.Helper()
	words := slices.Concat(args[:2], []string{"--output", "json"}, args[2:])
	if err := json.Unmarshal([]byte(g.must("", words...)), &value); err != nil {
		g.t.Fatal(err)
	}
	return value
}

// targets returns a database with the user alice, and a server on it, to which the same commands are given as admin,
// or as alice.
func targets(t *testing.T) (database, asAdmin, asAlice target, s *process) {
	t.Helper()
	dsn := newStore(t)
	s = serveStore(t, dsn, chosenAdmin)
	addUser(t, dsn, alice)
	as := func(name, password string) target {
		return target{t, []string{"--url", s.url}, []string{clientUsernameVariable + "=" + name,
			clientPasswordVariable + "=" + password}}
	}
	return target{t, []string{"--store", dsn}, nil}, as("admin", "chosen by hand"), as(alice.name, alice.password), s
}

// Ensures that commands for users do the same on the database and on a server.
func TestUser_Targets(t *testing.T) {
	t.Parallel()
	database, server, _, s := targets(t)
	for i, g := range []target{database, server} {
		name := []string{"bob", "carol"}[i]
		g.must("a long password\n", "user", "add", name, "--role", "ece_deployment_viewer", "--full-name", "X",
			"--password-stdin")
		s.wantAuth(http.StatusOK, person{name, "a long password"}.basic())
		got := read[listedUser](g, "user", "show", name)
		if got.Name != name || !got.Enabled || got.FullName != "X" || got.Realm != "native" ||
			!slices.Equal(got.Roles, []string{"ece_deployment_viewer"}) {
			t.Errorf("%+v", got)
		}
		g.must("", "user", "disable", name)
		s.wantAuth(http.StatusUnauthorized, person{name, "a long password"}.basic())
		g.must("", "user", "enable", name)
		g.must("another password\n", "user", "passwd", name, "--password-stdin")
		s.wantAuth(http.StatusOK, person{name, "another password"}.basic())
		g.must("", "user", "unlock", name)
		g.must("yet another password\n", "user", "role", name, "--add", "ece_platform_viewer", "--password-stdin")
		g.must("", "user", "role", name, "--remove", "ece_deployment_viewer")
		if got := read[listedUser](g, "user", "show", name); !slices.Equal(got.Roles, []string{"ece_platform_viewer"}) {
			t.Errorf("the roles are %v", got.Roles)
		}
		if list := read[[]listedUser](g, "user", "list"); len(list) != 4 {
			t.Errorf("there are the users %v", list)
		}
		g.must("", "user", "delete", name)
		wantRefusal(t, g.run("", "user", "delete", name), `there is no user "`+name+`"`)
	}
}

// Ensures that "user role" follows the rules of the API: for promotions, excluding roles, and built-in users.
func TestUserRole_Refusals(t *testing.T) {
	t.Parallel()
	database, server, _, s := targets(t)
	// The password that an administrator set by the API is shared.
	server.must("a long password\n", "user", "add", "bob", "--role", "ece_deployment_viewer", "--password-stdin")
	for _, g := range []target{database, server} {
		wantMistake(t, g.run("", "user", "role", "bob", "--add", "ece_platform_viewer"), "together with a new password")
		wantMistake(t, g.run("", "user", "role", "bob", "--add", "ece_deployment_manager"), "exclude each other")
		wantMistake(t, g.run("", "user", "role", "bob", "--set", "king"), `no role "king"`)
		wantMistake(t, g.run("", "user", "role", "bob", "--remove", "king"), `no role "king"`)
		wantMistake(t, g.run("", "user", "role", "bob", "--remove", "ece_deployment_viewer"), "at least one role")
		wantMistake(t, g.run("", "user", "role", "readonly", "--set", "ece_platform_admin"), "is a built-in user")
		wantMistake(t, g.run("", "user", "role", "bob"), "--set, --add or --remove")
		wantMistake(t, g.run("", "user", "role", "bob", "--set", "ece_platform_viewer", "--add", "ece_platform_viewer"),
			"leave out --add")
	}
	database.must("another password\n", "user", "role", "bob", "--set", "ece_platform_admin", "--password-stdin")
	s.wantAuth(http.StatusOK, person{"bob", "another password"}.basic())
	events := eventsOf(exportAudit(t, database.args[1]), "bob", "(command line)")
	if !slices.Contains(events, "user.promoted") {
		t.Errorf("the trail has %q", events)
	}
}

// Ensures that keys can be created, listed, shown, rotated and invalidated on the database and on a server.
func TestKey_Targets(t *testing.T) {
	t.Parallel()
	database, _, server, s := targets(t)
	descriptors := filepath.Join(t.TempDir(), "descriptors.yaml")
	writeFile(t, descriptors, "one:\n  cluster: [monitor]\n")
	for name, c := range map[string]struct {
		target

		owner, mine []string
	}{
		"database": {database, []string{"--user", alice.name}, []string{"--user", alice.name}},
		"server":   {server, nil, []string{"--mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := c.target
			g.t = t
			key := read[createdKey](g, append([]string{"key", "create", name, "--expires-in", "90d"}, c.owner...)...)
			if key.Owner != alice.name || key.Name != name || key.Expires == nil {
				t.Errorf("%+v", key)
			}
			s.wantAuth(http.StatusOK, "ApiKey "+key.Encoded)
			g.must("", append([]string{"key", "create", name + "-2", "--role-descriptors", descriptors}, c.owner...)...)

			list := slices.DeleteFunc(read[[]shownKey](g, append([]string{"key", "list"}, c.mine...)...),
				func(k shownKey) bool { return !strings.HasPrefix(k.Name, name) })
			if len(list) != 2 || list[0].ID != key.ID || !strings.Contains(string(list[1].RoleDescriptors), "monitor") {
				t.Errorf("the list is %+v", list)
			}

			rotated := read[createdKey](g, "key", "rotate", "--", key.ID)
			s.wantAuth(http.StatusUnauthorized, "ApiKey "+key.Encoded)
			s.wantAuth(http.StatusOK, "ApiKey "+rotated.Encoded)
			if rotated.Name != key.Name || rotated.Expires.Before(*key.Expires) {
				t.Errorf("%+v", rotated)
			}
			if old := read[shownKey](g, "key", "show", "--", key.ID); old.State != "invalidated" {
				t.Errorf("the old key is %+v", old)
			}
			wantRefusal(t, g.run("", "key", "rotate", "--", key.ID), "is invalidated: create another one")
			kept := read[createdKey](g, "key", "rotate", "--keep", "--expires-in", "1h", "--", rotated.ID)
			s.wantAuth(http.StatusOK, "ApiKey "+rotated.Encoded)
			s.wantAuth(http.StatusOK, "ApiKey "+kept.Encoded)

			g.must("", "key", "invalidate", "--", rotated.ID, kept.ID)
			s.wantAuth(http.StatusUnauthorized, "ApiKey "+kept.Encoded)
			if o := g.run("", "key", "invalidate", "--", rotated.ID); o.code != exitFailed ||
				!strings.Contains(o.stderr, "no valid API keys: "+rotated.ID) {
				t.Errorf("exit code %d: %s", o.code, o.stderr)
			}
			wantRefusal(t, g.run("", "key", "show", "nothing"), `there is no API key "nothing"`)
		})
	}
}

// Ensures that "user role" and "key rotate" do not report success if another command was faster on the server. The
// server's answers are those after the changes of others.
func TestTargets_ChangedMeanwhile(t *testing.T) {
	t.Parallel()
	shown := func(role string) string {
		return `{"user_name": "bob", "security": {"enabled": true, "roles": ["` + role + `"]}}`
	}
	var written atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := shown("ece_deployment_viewer")
		switch {
		case r.Method == http.MethodPatch:
			written.Store(true)
			answer = shown("ece_deployment_manager")
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/api_key"):
			answer = `{"api_keys": [{"id": "old", "name": "k", "type": "rest", "creation": 1, "username": "bob"}]}`
		case r.Method == http.MethodDelete:
			answer = `{"invalidated_api_keys": [], "previously_invalidated_api_keys": ["old"], "error_count": 0}`
		case strings.HasSuffix(r.URL.Path, "/api_key"):
			answer = `{"id": "new", "name": "k", "api_key": "x", "encoded": "eDp5"}`
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer) //nolint:errcheck // the program reports it
	}))
	defer server.Close()
	g := target{t, []string{"--url", server.URL}, []string{clientAPIKeyVariable + "=eDp5"}}
	wantRefusal(t,
		g.run("", "user", "role", "bob", "--remove", "ece_deployment_viewer", "--add", "ece_deployment_manager"),
		"another command changed the user bob meanwhile: its platform roles are ece_deployment_viewer, and not")
	if !written.Load() {
		t.Error("the roles were not set")
	}
	o := g.run("", "key", "rotate", "old")
	if o.code != exitFailed || !strings.Contains(o.stdout, "new") ||
		!strings.Contains(o.stderr, "the new key, new, is valid, but the old one, old, was invalidated by another command") {
		t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
}

// Ensures that keys on the database have the limits of the API, and its checks.
func TestKey_Refusals(t *testing.T) {
	t.Parallel()
	database, server, _, _ := targets(t)
	limited := database
	limited.env = []string{"SALLYPORT_API_KEYS_MAX_LIFETIME=24h"}
	bad := filepath.Join(t.TempDir(), "bad.json")
	writeFile(t, bad, `{"one": {"cluster": ["nonsense"]}}`)
	wantMistake(t, limited.run("", "key", "create", "a", "--user", "alice", "--expires-in", "2d"), "live for at most 24h")
	wantMistake(t, database.run("", "key", "create", "_a", "--user", "alice"), "may not begin with an underscore")
	wantMistake(t, database.run("", "key", "create", "a", "--user", "admin"), "built-in user")
	wantRefusal(t, database.run("", "key", "create", "a", "--user", "bob"), `there is no user "bob"`)
	wantMistake(t, database.run("", "key", "create", "a", "--user", "alice", "--role-descriptors", bad), "[nonsense]")
	wantMistake(t, server.run("", "key", "create", "a", "--user", "alice"), `a server creates keys of its caller, "admin"`)
	wantMistake(t, database.run("", "key", "create", "a"), "--user: name the owner")
	wantMistake(t, database.run("", "key", "create", "a", "--user", "alice", "--expires-in", "soon"), "such as 30m")
	wantMistake(t, database.run("", "key", "create", "a", "--user", "alice", "--role-descriptors", "missing.json"),
		"--role-descriptors: open missing.json")
	wantMistake(t, database.run("", "key", "invalidate"), "the ids of keys, or --user")
	wantMistake(t, database.run("", "key", "list", "--mine"), "--mine is for a server")
	if list := read[[]shownKey](database, "key", "list", "--all"); len(list) != 0 {
		t.Errorf("there are the keys %+v", list)
	}
}

// Ensures that a key that a command creates gains nothing by its owner's promotion.
func TestKey_Promotion(t *testing.T) {
	t.Parallel()
	database, _, _, s := targets(t)
	key := read[createdKey](database, "key", "create", "a", "--user", "alice")
	database.must("", "user", "role", "alice", "--set", "ece_platform_admin")
	s.want(http.StatusForbidden, http.MethodGet, "/api/v1/users", "ApiKey "+key.Encoded, "")
	s.want(http.StatusOK, http.MethodGet, "/api/v1/users", alice.basic(), "")
}

// Ensures that roles can be put, listed, shown and deleted on the database and on a server.
func TestRole_Targets(t *testing.T) {
	t.Parallel()
	database, server, _, _ := targets(t)
	for i, g := range []target{database, server} {
		name := []string{"one", "two"}[i]
		if out := g.must(`{"cluster": ["monitor"]}`, "role", "put", name, "--file", "-"); out != "added the role "+name+"\n" {
			t.Errorf("%q", out)
		}
		shown := g.must("", "role", "show", name, "--output", "json")
		var one shownRole
		if err := json.Unmarshal([]byte(shown), &one); err != nil {
			t.Fatal(err)
		}
		if out := g.must(string(one.Descriptor), "role", "put", name, "--file", "-"); out != "replaced the role "+name+"\n" {
			t.Errorf("%q", out)
		}
		if o := g.run("cluster: [nonsense]", "role", "put", name, "--file", "-"); o.code != exitUsage ||
			!strings.Contains(o.stderr, "[nonsense]") {
			t.Errorf("exit code %d: %s", o.code, o.stderr)
		}
		wantMistake(t, g.run("[]", "role", "put", name, "--file", "-"), "--file: ")
		wantMistake(t, g.run("", "role", "put", name), "--file: name the file")
		wantMistake(t, g.run("", "role", "delete", "superuser"), "reserved")
		list := read[[]shownRole](g, "role", "list")
		if !slices.ContainsFunc(list, func(r shownRole) bool { return r.Name == name && !r.Builtin }) ||
			!slices.ContainsFunc(list, func(r shownRole) bool { return r.Name == "superuser" && r.Builtin }) {
			t.Errorf("the roles are %+v", list)
		}
		g.must("", "role", "delete", name)
		wantRefusal(t, g.run("", "role", "show", name), `there is no role "`+name+`"`)
		wantRefusal(t, g.run("", "role", "delete", name), `there is no role "`+name+`"`)
	}
}

// Ensures that roles and keys look the same on the database and on a server, in every format, and that a shown role can
// be put again.
func TestTargets_SameOutput(t *testing.T) {
	t.Parallel()
	database, server, _, _ := targets(t)
	const descriptor = `{"cluster": ["monitor"], "description": "a < b", "metadata": {"z": 1.50, "a": [2, 1]},
		"indices": [{"names": ["b", "a"], "privileges": ["read"], "field_security": {"grant": ["x*"], "except": ["xy"]}}],
		"applications": [{"application": "shop", "privileges": ["read"], "resources": ["*"]}], "run_as": ["x"]}`
	database.must(descriptor, "role", "put", "one", "--file", "-")
	database.must(`{}`, "role", "put", "empty", "--file", "-")
	descriptors := filepath.Join(t.TempDir(), "descriptors.json")
	writeFile(t, descriptors, `{"r": `+strings.Replace(descriptor, `"description": "a < b", `, "", 1)+`}`)
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	writeFile(t, metadata, `{"z": 1.50, "a": {"y": [2, 1], "x": "<"}}`)
	key := read[createdKey](database, "key", "create", "k", "--user", alice.name, "--role-descriptors", descriptors,
		"--metadata", metadata)
	for _, args := range [][]string{
		{"role", "show", "one"}, {"role", "show", "empty"}, {"role", "show", "superuser"}, {"role", "list"},
		{"key", "show", "--", key.ID}, {"key", "list"}, {"audit", "list", "--event", "user.created"},
	} {
		for _, format := range []string{"table", "json", "yaml"} {
			t.Run(args[0]+" "+args[1]+" "+format, func(t *testing.T) {
				words := slices.Concat(args[:2], []string{"--output", format}, args[2:])
				if want, got := database.must("", words...), server.must("", words...); got != want {
					t.Errorf("the database has\n%s\nand the server\n%s", want, got)
				}
			})
		}
	}
	again := read[shownRole](server, "role", "show", "one").Descriptor
	server.must(string(again), "role", "put", "one", "--file", "-")
	if got := read[shownRole](database, "role", "show", "one").Descriptor; string(got) != string(again) {
		t.Errorf("the descriptor is %s; want %s", got, again)
	}
}

// Ensures that "audit list" shows the latest entries on the database and on a server.
func TestAuditList(t *testing.T) {
	t.Parallel()
	database, server, _, _ := targets(t)
	for _, g := range []target{database, server} {
		list := read[[]shownEntry](g, "audit", "list", "--event", "user.created", "--subject", "alice", "--since",
			"2020-01-01T00:00:00Z")
		if len(list) != 1 || list[0].Actor != "(command line)" {
			t.Errorf("the list is %+v", list)
		}
		if list := read[[]shownEntry](g, "audit", "list", "--limit", "2"); len(list) != 2 || list[0].At.Before(list[1].At) {
			t.Errorf("the list is %+v", list)
		}
		wantMistake(t, g.run("", "audit", "list", "--limit", "0"), "--limit: ")
		wantMistake(t, g.run("", "audit", "list", "--until", "noon"), `--until: "noon" is not a time`)
	}
}

// Ensures that YAML has what JSON has, and that an empty list is one.
func TestOutput_YAML(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	mustUser(t, dsn, "a long password", "add", "yes", "--role", "ece_platform_viewer", "--full-name", "a: \"b\" #c ü",
		"--password-stdin")
	var fromJSON, fromYAML []map[string]any
	if err := json.Unmarshal([]byte(mustUser(t, dsn, "", "list", "--output", "json")), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(mustUser(t, dsn, "", "list", "--output", "yaml")), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if len(fromJSON) != 2 || fromJSON[1]["full_name"] != fromYAML[1]["full_name"] || fromYAML[1]["name"] != "yes" {
		t.Errorf("JSON has %v, and YAML %v", fromJSON, fromYAML)
	}
	for format, want := range map[string]string{"json": "[]\n", "yaml": "[]\n"} {
		if o := runOn(t, dsn, "key", "list", "--output", format); o.code != 0 || o.stdout != want {
			t.Errorf("no keys are %q", o.stdout)
		}
	}
}

// Ensures that a command that fails creates no database and no key, and leaves an empty one empty.
func TestUserAdd_NothingLeft(t *testing.T) {
	t.Parallel()
	const long = "a long password\n"
	for name, c := range map[string]struct {
		stdin  string
		args   []string
		saying string
	}{
		"a short password": {"short\n", []string{"bob", "--role", "ece_platform_viewer"}, "8 characters"},
		"an unknown role":  {long, []string{"bob", "--role", "king"}, `no role "king"`},
		"no role":          {long, []string{"bob"}, "at least one role"},
		"a built-in user":  {long, []string{"admin", "--role", "ece_platform_viewer"}, `"admin" is the name of a built-in user`},
		"a reserved name":  {long, []string{"elastic", "--role", "ece_platform_viewer"}, "is reserved"},
		"a wrong name":     {long, []string{"a/b", "--role", "ece_platform_viewer"}, "a slash"},
		"no text":          {long, []string{"bob", "--role", "ece_platform_viewer", "--email", "a\nb"}, "control characters"},
		"no password":      {"", []string{"bob", "--role", "ece_platform_viewer"}, "8 characters"},
		"in memory": {
			long, []string{"bob", "--role", "ece_platform_viewer", "--store", "sqlite::memory:"}, "database in memory",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := run(t, invocation{
				args: append([]string{"user", "add", "--password-stdin"}, c.args...), stdin: c.stdin, dir: dir,
			})
			if o.code == 0 || o.stdout != "" || strings.Contains(o.stderr, "created") ||
				!strings.Contains(o.stderr, c.saying) {
				t.Errorf("exit code %d: %s%s; want %q", o.code, o.stdout, o.stderr, c.saying)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("%v, %v; want nothing", files, err)
			}
		})
	}
}
