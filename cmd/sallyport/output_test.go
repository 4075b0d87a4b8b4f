package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// hostileName would clear a terminal, in two ways, and show its end in reverse.
const hostileName = "a\x1b[2Jb\u009b2Jc\u202ed"

// wantPrintable fails the test if the program printed what controls a terminal, or nothing of the name.
func wantPrintable(t *testing.T, o outcome) {
	t.Helper()
	all := o.stdout + o.stderr
	if printable.Lines(all) != all {
		t.Errorf("the output is %q", all)
	}
	// A table has \x1b, JSON has \u001b, and YAML has \e.
	if !regexp.MustCompile(`a\\(x1b|u001b|e)\[2Jb\\(u009b|x9B|U0000009B)2Jc\\(u202e|U0000202E)d`).MatchString(all) {
		t.Errorf("the output does not have the escaped name: %q", all)
	}
}

// Ensures that a server's answers, names as well as errors, cannot control the terminal, in any format.
func TestOutput_HostileServer(t *testing.T) {
	t.Parallel()
	name, err := json.Marshal(hostileName)
	if err != nil {
		t.Fatal(err)
	}
	replace := strings.NewReplacer("NAME", string(name)).Replace
	keys := replace(`{"api_keys": [{"id": NAME, "name": NAME, "type": "rest", "creation": 1, "username": NAME,
		"realm": NAME, "metadata": {NAME: NAME}, "role_descriptors": {NAME: {}}}]}`)
	refusal := replace(`{"errors": [{"code": NAME, "message": NAME}]}`)
	for title, c := range map[string]struct {
		status int
		answer string
		args   []string
		code   int
	}{
		"key list": {http.StatusOK, keys, []string{"key", "list"}, 0},
		"key show": {http.StatusOK, keys, []string{"key", "show", "x"}, 0},
		"JSON":     {http.StatusOK, keys, []string{"key", "list", "--output", "json"}, 0},
		"YAML":     {http.StatusOK, keys, []string{"key", "list", "--output", "yaml"}, 0},
		"roles":    {http.StatusOK, replace(`{NAME: {"cluster": [NAME]}}`), []string{"role", "list"}, 0},
		"error":    {http.StatusBadRequest, refusal, []string{"user", "list"}, exitUsage},
		"rotation": {http.StatusOK, strings.Replace(keys, `"rest"`, `"cross_cluster"`, 1), []string{"key", "rotate", "x"}, exitFailed},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				w.Write([]byte(c.answer)) //nolint:errcheck // the program reports it
			}))
			defer server.Close()
			o := run(t, invocation{
				args: append(c.args, "--url", server.URL), env: []string{clientAPIKeyVariable + "=eDp5"},
			})
			if o.code != c.code {
				t.Errorf("exit code %d: %s", o.code, o.stderr)
			}
			wantPrintable(t, o)
		})
	}
}

// Ensures that names in a database cannot control the terminal either, and that JSON and YAML keep their values.
func TestOutput_HostileDatabase(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	db := openDatabase(t, dsn, "")
	for statement, args := range map[string][]any{
		`UPDATE users SET full_name = ? WHERE name = 'alice'`: {hostileName},
		`INSERT INTO audit_log (id, at, event, actor, subject, address, request_id, details) VALUES (?, 1, ?, ?, ?, ?, ?, '{}')`: {
			hostileName, hostileName, hostileName, hostileName, hostileName, hostileName,
		},
		`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at) VALUES (?, 'alice', ?, '', 1, 0)`: {
			hostileName, hostileName,
		},
	} {
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}

	for _, args := range [][]string{
		{"key", "list"}, {"key", "show", hostileName}, {"user", "list"}, {"user", "show", "alice"}, {"audit", "list"},
		{"key", "invalidate", hostileName + hostileName},
	} {
		t.Run(args[0]+" "+args[1], func(t *testing.T) {
			t.Parallel()
			wantPrintable(t, run(t, invocation{args: append(args, "--store", dsn)}))
		})
	}
	for format, read := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": yaml.Unmarshal} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: []string{"key", "list", "--output", format, "--store", dsn}})
			wantPrintable(t, o)
			var keys []struct{ ID, Name string }
			if err := read([]byte(o.stdout), &keys); err != nil || len(keys) != 1 || keys[0].Name != hostileName {
				t.Errorf("the keys are %+v, %v", keys, err)
			}
		})
	}
}

// printers are the files that may write to the terminal, and why what they write cannot control it.
var printers = map[string]string{
	"files.go":    "writes a file",
	"health.go":   "writes a constant",
	"main.go":     "calls printError",
	"output.go":   "escapes everything",
	"summary.go":  "shows what the same command generated, or was given",
	"terminal.go": "writes the program's own sequences",
}

// Ensures that no command prints text around the functions that escape it.
func TestOutput_OnePlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	direct := regexp.MustCompile(`\b(fmt\.Fprint|fmt\.Print|cmd\.Print|io\.WriteString\(|os\.Std(out|err)\b)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := direct.FindString(string(text))
		if found != "" && printers[file] == "" && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s has %s: print with a function of output.go", file, found)
		}
	}
}
