package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/reference/command-line.md again")

const commandLinePage = "../../docs/reference/command-line.md"

// commands returns all commands of the program, in the order of their names, without those that cobra adds.
func commands() []*cobra.Command {
	return slices.DeleteFunc(allCommands(), func(cmd *cobra.Command) bool {
		path := cmd.CommandPath()
		return strings.HasPrefix(path, "sallyport completion") || path == "sallyport help"
	})
}

// allCommands returns all commands of the program, in the order of their names.
func allCommands() []*cobra.Command {
	var all []*cobra.Command
	var add func(*cobra.Command)
	add = func(cmd *cobra.Command) {
		all = append(all, cmd)
		for _, sub := range cmd.Commands() {
			add(sub)
		}
	}
	add(newRoot())
	return all
}

// Ensures that the reference has every command, flag and exit code as the program has them.
func TestCommandLine_Reference(t *testing.T) {
	t.Parallel()
	want := commandLine()
	if *update {
		if err := os.WriteFile(commandLinePage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(commandLinePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the program has: go test ./cmd/sallyport -run TestCommandLine_Reference -update",
			commandLinePage)
	}
}

// commandLine returns the text of the reference.
func commandLine() string {
	var page strings.Builder
	page.WriteString(`# Command line

` + "`sallyport COMMAND --help`" + ` shows the same with examples. Each setting of [the configuration](configuration.md) that is a
flag has dashes there; its name is accepted, too (` + "`--plain_http`" + `). A mistyped command, flag, setting or
environment variable gets a suggestion. An argument that begins with a dash, as ids of keys do at times, goes after
` + "`--`" + `.

- **Output**: what lists or shows has ` + "`--output table`, `json` or `yaml`" + `; results are on standard output, and all else
  on standard error. Colours and progress are for terminals only; ` + "`NO_COLOR`" + ` turns colours off. Control characters and
  marks that change the direction of text, in names or in a server's messages, are escaped.
- **Passwords** are asked for on a terminal, twice and without an echo, or read from standard input
  (` + "`--password-stdin`" + `) or a file (` + "`--password-file`" + `). No command takes a secret as an argument.
- **Database or server**: commands with ` + "`--url`" + ` work on the database that ` + "`--store`" + ` names, also while servers run on it,
  or on any server. The audit trail has changes on the database as those of ` + "`(command line)`" + `, with the
  operating system's user as ` + "`os_user`" + ` in the [details](audit-events.md#fields-of-an-entry). A server needs
  credentials: see [profiles](#profiles).
- **Completion**: ` + "`sallyport completion bash`" + `, ` + "`zsh`, `fish` or `powershell`" + ` prints a script for the shell. It completes
  commands, flags, formats, events and roles, the realms of the configuration, and from the database the names of users
  and roles and the ids of API keys, but nothing from a server.

## Exit codes

| code | meaning |
|---|---|
`)
	for _, code := range slices.Sorted(maps.Keys(exitMeanings)) {
		fmt.Fprintf(&page, "| %d | %s |\n", code, exitMeanings[code])
	}
	page.WriteString(`
## Profiles

A profile is a server in ` + "`sallyport/profiles.yaml`" + ` in the user's configuration folder (` + "`~/.config`" + ` on Linux), or in
the file that ` + "`SALLYPORT_CLIENT_CONFIG`" + ` names. ` + "`--profile`" + ` or ` + "`SALLYPORT_CLIENT_PROFILE`" + ` selects one. Paths are
relative to the file's folder. A file that every user of the machine can write to is refused, except on Windows.

` + "```yaml" + `
` + profilesExample + "```" + `

A profile that names credentials uses only these: it is an error if a variable or a file that it names has none. With
a profile that names none, and with ` + "`--url`" + `, these variables have them:

| variable | value |
|---|---|
| ` + "`SALLYPORT_CLIENT_API_KEY`" + ` | an encoded API key; with the suffix ` + "`_FILE`" + ` a file with it |
| ` + "`SALLYPORT_CLIENT_USERNAME`" + ` | a user's name |
| ` + "`SALLYPORT_CLIENT_PASSWORD`" + ` | the user's password; with the suffix ` + "`_FILE`" + ` a file with it. On a terminal it is asked for otherwise, and so is the code of a second factor |

## Commands
`)
	for _, cmd := range commands() {
		if cmd.HasParent() && !cmd.HasSubCommands() {
			describeCommand(&page, cmd)
		}
	}
	return page.String()
}

// profilesExample is the file of profiles in the reference.
const profilesExample = `profiles:
  - name: production
    url: https://sallyport.example.org
    ca: ca.pem                       # if the system does not trust the certificate
    api_key_file: production.key     # or api_key_env, the name of a variable
  - name: staging
    url: https://staging.example.org
    username: alice
    password_file: staging.password  # or password_env; without either the terminal asks
`

// describeCommand writes the section of a command.
func describeCommand(page *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(page, "\n### %s\n\n%s.\n", strings.TrimPrefix(cmd.CommandPath(), "sallyport "), cmd.Short)
	if cmd.Long != "" {
		fmt.Fprintf(page, "\n%s\n", cmd.Long)
	}
	fmt.Fprintf(page, "\n```text\n%s\n```\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"))

	rows := ""
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" {
			value = "`" + f.DefValue + "`"
		}
		rows += fmt.Sprintf("| `--%s` | %s | %s |\n", f.Name, value, strings.ReplaceAll(f.Usage, "|", "\\|"))
	})
	if rows != "" {
		fmt.Fprintf(page, "\n| flag | default | |\n|---|---|---|\n%s", rows)
	}
}

// Ensures that no command lacks a description or an example, and that flags have dashes.
func TestCommandLine_Complete(t *testing.T) {
	t.Parallel()
	for _, cmd := range allCommands() {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			t.Parallel()
			if cmd.Short == "" || strings.TrimSpace(cmd.Example) == "" {
				t.Error("there is no description, or no example")
			}
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				if strings.ContainsAny(f.Name, "_.") || f.Usage == "" {
					t.Errorf("the flag --%s has a wrong name, or no description", f.Name)
				}
			})
		})
	}
}

// ownFormats are the formats of the commands that print no table.
var ownFormats = map[string]string{
	"conformance": "text, json, junit", // a report for CI
	"dev":         "text, env, json",   // credentials for a script
	"user totp":   "text, json, yaml",  // with a QR code
	"version":     "text, json, yaml",
}

// withoutFormat are the commands that show no records.
var withoutFormat = []string{
	"audit export", // JSON, one object per line
	"backup", "health", "key invalidate", "key-encryption-key rotate", "migrate up", "restore", "role delete", "role put",
	"serve", "signing-key rotate", "user add", "user delete", "user disable", "user enable", "user passwd", "user role",
	"user unlock",
}

// Ensures that each command has the formats that the others have, or a reason for its own or none.
func TestCommandLine_Output(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands() {
		name := strings.TrimPrefix(cmd.CommandPath(), "sallyport ")
		f := cmd.Flags().Lookup("output")
		switch want := cmp.Or(ownFormats[name], "table, json, yaml"); {
		case cmd.HasSubCommands():
		case f == nil:
			if !slices.Contains(withoutFormat, name) {
				t.Errorf("%s has no --output", name)
			}
		case slices.Contains(withoutFormat, name), !strings.HasSuffix(f.Usage, ": "+want),
			!strings.HasPrefix(want, f.DefValue+","):
			t.Errorf("%s has --output %+v; want %s", name, f, want)
		}
	}
}

// Ensures that each table has titles, in its first row or its first column, and nothing above, and that JSON is JSON.
func TestCommandLine_Tables(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	serveStore(t, dsn)
	created := mustRunOn(t, dsn, "key", "create", "first", "--user", "alice", "--output", "json").stdout
	var key struct{ ID string }
	if err := json.Unmarshal([]byte(created), &key); err != nil {
		t.Fatal(err)
	}
	profiles := filepath.Join(t.TempDir(), "profiles.yaml")
	writeFile(t, profiles, profilesExample)
	env := append(realmsFile(t), clientConfigVariable+"="+profiles)
	arguments := map[string][]string{
		"key create": {"second", "--user", "alice"},
		"key rotate": {"--keep", "--", key.ID},
		"key show":   {"--", key.ID},
		"role show":  {"superuser"},
		"user show":  {"alice"},
	}
	titles := regexp.MustCompile(`^[A-Z][A-Z -]+(  |\n)`)
	for _, cmd := range commands() {
		f := cmd.Flags().Lookup("output")
		if f == nil || f.DefValue != "table" {
			continue
		}
		path := strings.TrimPrefix(cmd.CommandPath(), "sallyport ")
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			args := strings.Fields(path)
			if cmd.Flags().Lookup("store") != nil {
				args = append(args, "--store", dsn)
			}
			for _, format := range []string{"table", "json"} {
				o := run(t, invocation{args: slices.Concat(args, []string{"--output", format}, arguments[path]), env: env})
				right := titles.MatchString(o.stdout)
				if format == "json" {
					right = json.Valid([]byte(o.stdout))
				}
				if !right || strings.Contains(o.stderr, "Usage") {
					t.Errorf("%s: exit code %d: %s\n%s", format, o.code, o.stdout, o.stderr)
				}
			}
		})
	}
}

// Ensures that each kind of failure has its exit code.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	s := serveStore(t, dsn)
	as := func(password string) []string {
		return []string{clientUsernameVariable + "=" + alice.name, clientPasswordVariable + "=" + password}
	}
	password, role := filepath.Join(t.TempDir(), "password"), filepath.Join(t.TempDir(), "role.json")
	writeFile(t, password, "a long password\n")
	writeFile(t, role, `{"clusters": ["all"]}`)
	for name, c := range map[string]struct {
		args   []string
		env    []string
		code   int
		saying string
	}{
		"success":            {[]string{"user", "list", "--store", dsn}, nil, 0, ""},
		"refused":            {[]string{"user", "show", "bob", "--store", dsn}, nil, exitFailed, `no user "bob"`},
		"no role":            {[]string{"user", "add", "bob", "--password-file", password, "--store", dsn}, nil, exitUsage, "at least one role"},
		"unknown field":      {[]string{"role", "put", "a", "--file", role, "--store", dsn}, nil, exitUsage, "clusters"},
		"unknown command":    {[]string{"usr"}, nil, exitUsage, "did you mean user?"},
		"no typing error":    {[]string{"nope"}, nil, exitUsage, "unknown command \"nope\" for \"sallyport\"\n"},
		"unknown subcommand": {[]string{"user", "dissable"}, nil, exitUsage, "did you mean disable?"},
		"unknown flag":       {[]string{"user", "list", "--sotre", dsn}, nil, exitUsage, "did you mean --store?"},
		"unknown format":     {[]string{"user", "list", "--output", "xml"}, nil, exitUsage, "one of table, json, yaml"},
		"no argument":        {[]string{"key", "show"}, nil, exitUsage, "this takes one ID"},
		"unreachable server": {
			[]string{"user", "list", "--url", "http://127.0.0.1:1"}, as(alice.password), exitUnreachable, "connection refused",
		},
		"wrong password": {
			[]string{"user", "list", "--url", s.url}, as("a wrong password"), exitDenied, "the password is wrong",
		},
		"no URL":        {[]string{"user", "list", "--url", "foo"}, nil, exitUsage, "url: "},
		"no permission": {[]string{"user", "list", "--url", s.url}, as(alice.password), exitDenied, ""},
		"no credentials": {
			[]string{"user", "list", "--url", s.url}, nil, exitUsage, "credentials are missing: set " + clientAPIKeyVariable,
		},
		"database and server": {
			[]string{"user", "list", "--url", s.url, "--store", dsn}, nil, exitUsage, "set one of them",
		},
		"unencrypted": {
			[]string{"user", "list", "--url", "http://sallyport.example"}, as("x"), exitUsage, "would send credentials unencrypted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: c.args, env: c.env})
			if o.code != c.code || !strings.Contains(o.stderr, c.saying) || strings.Contains(o.stderr, "root.") {
				t.Errorf("exit code %d: %s; want %d and %q", o.code, o.stderr, c.code, c.saying)
			}
		})
	}
}

// Ensures that each command names a missing database, and no other cause, in the same words.
func TestExitCodes_NoDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"user list", "key list", "role list", "audit list", "audit export", "signing-key list", "signing-key rotate",
		"key-encryption-key list", "key-encryption-key rotate --force", "backup --to copy.db", "migrate status", "migrate up",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: append(strings.Fields(args), "--store", "sqlite:nothing.db")})
			wantMistake(t, o, "sallyport: the database nothing.db does not exist; ")
		})
	}
}

// Ensures that every command that reads settings warns of a variable that no setting has.
func TestUnknownVariable(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	for name, args := range map[string][]string{
		"a target":      {"user", "list", "--store", dsn},
		"records":       {"audit", "export", "--store", dsn},
		"a database":    {"migrate", "status", "--store", dsn},
		"configuration": {"config", "check", "--listen", "127.0.0.1:0"},
		"realms":        {"saml", "check"},
		"health":        {"health", "--admin-listen", "127.0.0.1:1"},
		"rotation":      {"key-encryption-key", "rotate", "--online", "--store", dsn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := run(t, invocation{args: args, env: []string{"SALLYPORT_STOER=sqlite:other.db"}})
			const want = "warning: unknown setting: SALLYPORT_STOER; did you mean SALLYPORT_STORE?\n"
			if strings.Count(o.stderr, want) != 1 {
				t.Errorf("standard error is %q; want %q once", o.stderr, want)
			}
		})
	}
}

// Ensures that settings' names are accepted as flags, and are not shown.
func TestFlags_SettingNames(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		{"--plain_http", "true", "--admin.listen", "127.0.0.1:1"}, {"--plain-http=true", "--admin-listen=127.0.0.1:1"},
	} {
		o := run(t, invocation{args: append([]string{"config", "check", "--output", "json"}, flags...)})
		if o.code != 0 && !strings.Contains(o.stderr, "permission denied") {
			t.Errorf("%v: exit code %d: %s", flags, o.code, o.stderr)
		}
	}
	o := run(t, invocation{args: []string{"serve", "--help"}})
	if !strings.Contains(o.stdout, "--plain-http") || strings.Contains(o.stdout, "--plain_http") ||
		strings.Contains(o.stdout, "--admin.listen") {
		t.Errorf("the help is\n%s", o.stdout)
	}
}

// Ensures that a shell completes formats, values of settings, roles, and names from the database, of which none is
// created.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	realms := realmsFile(t)
	db := openDatabase(t, dsn, "")
	for _, id := range []string{"k1", "-k2"} {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO api_keys
			(id, user_name, description, secret_digest, created_at, expires_at) VALUES (?, 'alice', 'nightly', '', 1, 0)`,
			id); err != nil {
			t.Fatal(err)
		}
	}
	const harmful = "s`touch here`1"
	if _, err := db.ExecContext(t.Context(), `INSERT INTO users
		(name, builtin, enabled, roles, full_name, email, password_hash, created_at, updated_at)
		VALUES (?, FALSE, TRUE, '[]', '', '', '', 1, 1)`, harmful); err != nil {
		t.Fatal(err)
	}
	role := filepath.Join(t.TempDir(), "role.json")
	writeFile(t, role, `{"cluster": ["monitor"]}`)
	if o := runOn(t, dsn, "role", "put", harmful, "--file", role); o.code != 0 {
		t.Fatal(o.stderr)
	}
	const server = "https://sallyport.example"
	stored := []string{"SALLYPORT_STORE=" + dsn}
	profiled := append(slices.Clone(stored), clientProfileVariable+"=x")
	for name, c := range map[string]struct {
		args []string
		want string
		env  []string
	}{
		"formats":                       {[]string{"user", "list", "--output", ""}, "table\njson\nyaml\n", nil},
		"a setting":                     {[]string{"serve", "--plain-http", ""}, "true\nfalse\n", nil},
		"roles":                         {[]string{"user", "add", "bob", "--role", "ece_platform_v"}, "ece_platform_viewer\n", nil},
		"users":                         {[]string{"user", "show", "--store", dsn, ""}, "alice\n", nil},
		"a second":                      {[]string{"user", "show", "--store", dsn, "alice", ""}, "", nil},
		"an owner":                      {[]string{"key", "list", "--store", dsn, "--user", ""}, "alice\n", nil},
		"stored role":                   {[]string{"role", "show", "--store", dsn, "superu"}, "superuser\n", nil},
		"a user here":                   {[]string{"user", "delete", ""}, "alice\n", stored},
		"another URL":                   {[]string{"user", "delete", "--url", server, ""}, "", stored},
		"a profile":                     {[]string{"user", "delete", "--profile", "x", ""}, "", stored},
		"an owner on a server":          {[]string{"key", "invalidate", "--url", server, "--user", ""}, "", stored},
		"the environment's profile":     {[]string{"role", "show", ""}, "", profiled},
		"a database beside the profile": {[]string{"user", "delete", "--store", dsn, ""}, "alice\n", profiled},
		"a command for databases":       {[]string{"user", "totp", ""}, "alice\n", profiled},
		"keys":                          {[]string{"key", "show", "--store", dsn, ""}, "k1\tnightly\n", nil},
		"more keys":                     {[]string{"key", "invalidate", "--store", dsn, "k3", ""}, "k1\tnightly\n", nil},
		"keys on a server":              {[]string{"key", "rotate", "--url", server, ""}, "", stored},
		"events":                        {[]string{"audit", "list", "--event", "user.cre"}, "user.created\n", nil},
		"actors":                        {[]string{"audit", "list", "--store", dsn, "--actor", ""}, "(command line)\n(system)\nalice\n", nil},
		"families":                      {[]string{"conformance", "--family", ""}, "ece\nelasticsearch\n", nil},
		"realms":                        {[]string{"saml", "check", "--realm", ""}, "good\nbad\n", realms},
		"no realms":                     {[]string{"saml", "check", "--realm", ""}, "", nil},
		"no database":                   {[]string{"user", "show", "--store", "sqlite:missing.db", ""}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := run(t, invocation{args: append([]string{"__complete"}, c.args...), dir: dir, env: c.env})
			got, _, _ := strings.Cut(o.stdout, ":4")
			if o.code != 0 || !strings.Contains(got, c.want) || c.want == "" && got != "" || strings.ContainsAny(got, "`$") ||
				strings.Contains(got, "-k2") {
				t.Errorf("exit code %d and %q; want %q", o.code, o.stdout, c.want)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("%v, %v; want nothing", files, err)
			}
		})
	}
}
