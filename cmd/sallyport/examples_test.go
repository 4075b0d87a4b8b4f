package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/cobra"
)

// exampleWorld is what the examples of the commands find: a folder with a database and files, and a server.
type exampleWorld struct {
	t      *testing.T
	folder string
	keyID  string
	env    []string
	// server and operator are the addresses of a server of another database.
	server, operator string
}

func newExampleWorld(t *testing.T) exampleWorld {
	t.Helper()
	folder := t.TempDir()
	serveIn(t, folder, "sqlite:sallyport.db").stop()
	command := func(stdin string, args ...string) string {
		t.Helper()
		o := run(t, invocation{args: args, stdin: stdin, dir: folder})
		if o.code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, o.code, o.stderr)
		}
		return o.stdout
	}
	command(alice.password, "user", "add", alice.name, "--role", "ece_deployment_viewer", "--password-stdin")
	command("{}", "role", "put", "logs-reader", "--file", "-")
	created := command("", "key", "create", "example", "--user", alice.name)
	w := exampleWorld{t: t, folder: folder, keyID: strings.Fields(strings.Split(created, "\n")[1])[0]}
	for name, text := range map[string]string{
		"password": alice.password + "\n", "descriptors.json": `{"one": {"cluster": ["monitor"]}}`,
		"sallyport.yaml": "log.level: debug\n", "seed.yaml": "users:\n- {name: joe, password: long-enough, roles: []}\n",
	} {
		writeFile(t, filepath.Join(folder, name), text)
	}

	serving := []string{"dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	s := start(t, invocation{args: serving}, devServesAt)
	w.server, w.operator = s.url, s.adminListener().url
	w.env = append(realmsFile(t), "PASSWORD="+s.waitFor(regexp.MustCompile(`demo user +\S+ +(\S+)`)))
	return w
}

// Ensures that the examples in the help of each command work as they are.
func TestExamples(t *testing.T) {
	t.Parallel()
	w := newExampleWorld(t)
	for _, cmd := range commands() {
		if cmd.Example == "" {
			continue
		}
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			t.Parallel()
			for _, example := range examplesOf(cmd) {
				w.try(t, example)
			}
		})
	}
}

// examplesOf returns the lines of a command's example, or all of them in one if they follow from each other.
func examplesOf(cmd *cobra.Command) []string {
	var lines []string
	for line := range strings.Lines(cmd.Example) {
		lines = append(lines, strings.TrimSpace(line))
	}
	if slices.Contains([]string{"restore", "conformance", "totp"}, cmd.Name()) {
		return []string{strings.Join(lines, "\n")}
	}
	return lines
}

// serves matches the examples that serve until they are stopped.
var serves = regexp.MustCompile(`sallyport (serve|dev)\b`)

// try runs an example in a copy of the folder.
func (w exampleWorld) try(t *testing.T, example string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(w.folder)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sallyport.db", "sallyport.db.key", "password"} {
		if err := os.Chmod(filepath.Join(folder, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasPrefix(w.keyID, "-") {
		example = strings.ReplaceAll(example, `"$KEY_ID"`, `-- "$KEY_ID"`)
	}
	text := strings.NewReplacer("http://127.0.0.1:12400", w.server, "http://127.0.0.1:12490", w.operator,
		"=PASSWORD", `="$PASSWORD"`, "--realm corporate", "--realm good",
		"0.0.0.0:12400", "0.0.0.0:0",
		"/var/lib/sallyport/", folder+"/").Replace(example)
	shell := invocation{
		program: "sh",
		args:    []string{"-e", "-c", "sallyport() { \"$PROGRAM\" \"$@\"; }\n" + text},
		dir:     folder,
		env: append([]string{"PROGRAM=" + program, "KEY_ID=" + w.keyID, "SALLYPORT_LISTEN=127.0.0.1:0",
			"SALLYPORT_ADMIN_LISTEN=" + strings.TrimPrefix(w.operator, "http://"), "TMPDIR=" + t.TempDir(),
			"HOME=" + folder}, w.env...),
	}
	if serves.MatchString(text) {
		w.serve(t, shell, text)
		return
	}

	o := run(t, shell)
	// The bad realm is misconfigured, and conformance may find differences.
	allowed := []int{0}
	switch {
	case strings.Contains(text, "saml check"):
		allowed = append(allowed, exitFailed)
	case strings.Contains(text, "sallyport conformance"):
		allowed = append(allowed, exitDifferent)
	}
	if !slices.Contains(allowed, o.code) {
		t.Errorf("%s\nexit code %d: %s%s", text, o.code, o.stdout, o.stderr)
	}
}

// serve runs an example that serves, and stops it.
func (w exampleWorld) serve(t *testing.T, shell invocation, text string) {
	t.Helper()
	shell.args = []string{"-c", strings.Replace(text, "sallyport", `exec "$PROGRAM"`, 1)}
	shell.env = append(shell.env, "SALLYPORT_ADMIN_LISTEN=")
	start(t, shell, regexp.MustCompile(`(http://[^"\s]+:\d+)`)).stop()
}

// Ensures that the profiles in the reference can be read.
func TestProfiles_Example(t *testing.T) {
	t.Parallel()
	profiles, err := parseProfiles([]byte(profilesExample), "/home/alice/.config/sallyport")
	if err != nil || len(profiles) != 2 {
		t.Fatalf("%v, %v", profiles, err)
	}
	if got := profiles[0].source(); got != "API key from /home/alice/.config/sallyport/production.key" {
		t.Errorf("the credentials are %q", got)
	}
}

// Ensures that a mistake in the file of profiles is named, and no secret has a place there.
func TestProfiles_Mistakes(t *testing.T) {
	t.Parallel()
	for text, saying := range map[string]string{
		"profiles:\n- {name: a}":                                          "url: this is missing",
		"profiles:\n- {name: a, url: b, password: secret}":                "password: there is no such setting",
		"profiles:\n- {name: a, url: b}\n- {name: a, url: c}":             "another profile has this name",
		"profiles:\n- {name: a, url: b, api_key_env: X, api_key_file: y}": "set this or api_key_file",
		"profiles:\n- {name: a, url: b, api_key_env: X, username: y}":     "username: set an API key, or a user",
		"profiles:\n- {name: a, url: b, password_env: X}":                 "username: this is missing beside the password",
		"profiles:\n- {name: a, url: 'https://u:p@b'}":                    "url: this must not contain a user or a password",
	} {
		_, err := parseProfiles([]byte(text), "")
		if err == nil || !strings.Contains(err.Error(), saying) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q", text, err, saying)
		}
	}
}

// Ensures that a profile leads to its server, with credentials from a file that only its owner can read.
func TestProfile(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	s := serveStore(t, dsn, chosenAdmin)
	addUser(t, dsn, alice)
	folder := t.TempDir()
	path, key := filepath.Join(folder, "profiles.yaml"), filepath.Join(folder, "key")
	created := read[createdKey](target{t, []string{"--store", dsn}, nil}, "key", "create", "a", "--user", "alice")
	writeFile(t, key, created.Encoded+"\n")
	writeFile(t, path, "profiles:\n- {name: one, url: '"+s.url+"', api_key_file: key}\n- {name: two, url: '"+s.url+
		"', username: admin, password_env: SECRET}\n")
	command := func(args ...string) outcome {
		return run(t, invocation{args: args, env: []string{clientConfigVariable + "=" + path, "SECRET=chosen by hand"}})
	}
	o := command("key", "show", "--profile", "one", "--", created.ID)
	if o.code != 0 || !strings.Contains(o.stdout, "alice") {
		t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if o := command("user", "list", "--profile", "two"); o.code != 0 || !strings.Contains(o.stdout, "alice") {
		t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
	wantMistake(t, command("user", "list", "--profile", "tow"), `did you mean two?`)
	if o := command("profile", "list"); o.code != 0 || !strings.Contains(o.stdout, "admin, password from $SECRET") {
		t.Errorf("exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	wantMistake(t, command("key", "show", "--profile", "one", "--", created.ID), "run chmod 600 on it")

	// Otherwise any user could have the password sent to another server.
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"profile", "list"}, {"user", "list", "--profile", "two"}} {
		wantMistake(t, command(args...), "every user of this machine can write to "+path+": run chmod o-w "+path)
	}
}

// Ensures that a profile that names credentials uses no others, which may be for another server.
func TestProfile_OwnCredentials(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(new(r.Header.Get("Authorization") + string(body)))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "profiles.yaml")
	writeFile(t, path, strings.ReplaceAll(`profiles:
- {name: key, url: URL, api_key_env: PROFILE_KEY}
- {name: user, url: URL, username: alice, password_env: PROFILE_PASSWORD}
- {name: asks, url: URL, username: alice}
- {name: none, url: URL}
`, "URL", "'"+server.URL+"'"))
	other := []string{clientAPIKeyVariable + "=b3RoZXI6a2V5", clientPasswordVariable + "=other"}
	for name, c := range map[string]struct {
		profile string
		env     []string
		sent    string
		saying  string
	}{
		"a key":                {"key", []string{"PROFILE_KEY=bWluZTpr"}, "ApiKey bWluZTpr", ""},
		"no key":               {"key", nil, "", `profile "key": the variable PROFILE_KEY is not set`},
		"a password":           {"user", []string{"PROFILE_PASSWORD=long one"}, "long one", ""},
		"no password":          {"user", nil, "", `profile "user": the variable PROFILE_PASSWORD is not set`},
		"no terminal":          {"asks", nil, "", `profile "asks": the password of "alice" is missing: set password_file`},
		"the environment's":    {"none", nil, "ApiKey b3RoZXI6a2V5", ""},
		"too many credentials": {"none", []string{clientUsernameVariable + "=bob"}, "", `profile "none": an API key and the user`},
	} {
		t.Run(name, func(t *testing.T) {
			got.Store(new(""))
			o := run(t, invocation{
				args: []string{"user", "list", "--profile", c.profile},
				env:  slices.Concat(other, []string{clientConfigVariable + "=" + path}, c.env),
			})
			if sent := *got.Load(); !strings.Contains(sent, c.sent) || c.sent == "" && sent != "" {
				t.Errorf("the server got %q; want %q", sent, c.sent)
			}
			if c.sent == "" {
				wantMistake(t, o, c.saying)
			}
		})
	}
}

// Ensures that completion scripts are accepted by the shells that are installed.
func TestCompletion_Scripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: []string{"completion", shell}})
			if o.code != 0 || o.stdout == "" {
				t.Fatalf("exit code %d: %s", o.code, o.stderr)
			}
			path, err := exec.LookPath(shell)
			if errors.Is(err, exec.ErrNotFound) {
				t.Skip(shell + " is not installed: the syntax of its script is not checked")
			}
			check := exec.CommandContext(context.WithoutCancel(t.Context()), path, "-n")
			check.Stdin = bytes.NewBufferString(o.stdout)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
