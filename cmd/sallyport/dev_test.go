package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

var devServesAt = regexp.MustCompile(`serves a temporary database at (\S+) (?s:.*)/_login\n`)

// startDev starts dev with its own folder for temporary files.
func startDev(t *testing.T, temporary string) *process {
	t.Helper()
	return start(t, invocation{args: []string{"dev", "--listen", "127.0.0.1:0"}, env: []string{"TMPDIR=" + temporary}},
		devServesAt)
}

// Ensures that dev prints all that a user needs, that the printed commands work as they are, and that no file is
// written.
func TestDev(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	s := startDev(t, temporary)
	commands := curlLines(s.output.String())
	if len(commands) != 5 {
		t.Fatalf("%d curl lines; want 5:\n%s", len(commands), s.output)
	}
	for _, line := range commands {
		if r := do(t, curl(t, line)); r.status/100 != 2 {
			t.Errorf("%s: %d %s; want success", line, r.status, r.body)
		}
	}

	s.signal(syscall.SIGINT)
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d after SIGINT; want 0", code)
	}
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("dev left behind %v, %v", entries, err)
	}
}

// Ensures that dev speaks the versions that its flags and the environment name.
func TestDev_Versions(t *testing.T) {
	t.Parallel()
	s := start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0", "--compatibility.ece", "4.2"},
		env:  []string{"SALLYPORT_COMPATIBILITY_ELASTICSEARCH=8.19"},
	}, devServesAt)
	password := s.waitFor(regexp.MustCompile(`demo user +demo +(\S+)`))
	caller := person{"demo", password}.basic()
	if info := s.want(http.StatusOK, http.MethodGet, "/", caller, ""); !strings.Contains(info.body, `"number":"8.19.0"`) {
		t.Errorf("GET /: %s", info.body)
	}
	s.want(http.StatusNotFound, http.MethodPost, "/api/v1/users/auth/_elevate", caller, "")
}

// Ensures that the printed passwords and key belong to the users that dev names.
func TestDev_Credentials(t *testing.T) {
	t.Parallel()
	s := startDev(t, t.TempDir())
	printed := func(pattern string) string { return s.waitFor(regexp.MustCompile(pattern)) }
	for _, name := range []string{"admin", "readonly", "demo user"} {
		password := printed(name + ` +(?:demo +)?(\S+)`)
		s.wantAuth(http.StatusOK, person{strings.TrimSuffix(name, " user"), password}.basic())
	}
	s.wantAuth(http.StatusOK, "ApiKey "+printed(`demo API key +(\S+)`))
}

// Ensures that the documentation's client program works against dev as it says.
func TestDev_ClientProgram(t *testing.T) {
	t.Parallel()
	s := startDev(t, t.TempDir())
	password := s.waitFor(regexp.MustCompile(`demo user +demo +(\S+)`))

	// It is built first, because go prints what it downloads among the lines of a program that it runs.
	binary := filepath.Join(t.TempDir(), "client")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary,
		"../../docs/client").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v: %s", err, out)
	}
	program := func(password string) (string, error) {
		out, err := exec.CommandContext(t.Context(), binary, s.url, "demo", password).CombinedOutput()
		return string(out), err
	}

	if out, err := program(password); err != nil || !strings.Contains(out, "created the key") ||
		strings.Count(out, "\n") != 3 {
		t.Errorf("the program says %q, %v; want the key it created and the two that there are", out, err)
	}
	if out, err := program("wrong"); err == nil || !strings.Contains(out, "401") ||
		!strings.Contains(out, "root.unauthenticated") {
		t.Errorf("with a wrong password it says %q, %v; want the refusal", out, err)
	}
}

// Ensures that dev refuses what it cannot use, names it, and leaves nothing behind.
func TestDev_Refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		seed   string
		saying string
	}{
		"all addresses without plain_http": {[]string{"--listen", "0.0.0.0:0"}, "", "plain_http"},
		"an address without a port":        {[]string{"--listen", "localhost"}, "", "listen: \"localhost\" is not an"},
		"an unknown output":                {[]string{"--output", "xml"}, "", "this must be one of text, env, json"},
		"a seed that is missing":           {[]string{"--seed", "missing.yaml"}, "", "--seed: open missing.yaml"},
		"a seed with an error":             {[]string{"--seed", "seed.yaml"}, "users:\n- name: joe\n", "password: this is missing"},
		"a ready file that cannot be made": {[]string{"--ready-file", "missing/ready"}, "", "--ready-file: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, temporary := t.TempDir(), t.TempDir()
			writeFile(t, filepath.Join(folder, "seed.yaml"), c.seed)
			args := append([]string{"dev", "--listen", "127.0.0.1:0"}, c.args...)
			o := run(t, invocation{args: args, dir: folder, env: []string{"TMPDIR=" + temporary}})
			want := exitUsage
			if strings.HasPrefix(name, "a ready file") {
				want = exitFailed
			}
			if o.code != want || !strings.Contains(o.stderr, c.saying) {
				t.Errorf("exit code %d: %s; want %d and %q", o.code, o.stderr, want, c.saying)
			}
			if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
				t.Errorf("dev left behind %v, %v", entries, err)
			}
		})
	}
}

// Ensures that dev has what a seed describes, prints it for scripts, creates the file that says that it is ready,
// removes it at SIGTERM, and exits with 0.
func TestDev_Seed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "seed.yaml"), deployed(t, "ci/seed.yaml"))
	s := start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0", "--seed", "seed.yaml", "--output", "json", "--ready-file", "ready"},
		env:  []string{"TMPDIR=" + t.TempDir(), "SALLYPORT_ADMIN_PASSWORD=chosen by hand", "SALLYPORT_STORE=sqlite:mine.db"},
		dir:  folder,
	}, regexp.MustCompile(`"url": "([^"]+)"`))
	s.waitFor(regexp.MustCompile(`(\n}\n)`))
	ready := filepath.Join(folder, "ready")
	for !exists(ready) {
		s.waitFor(regexp.MustCompile(`"url": "([^"]+)"`))
	}
	if text, err := os.ReadFile(ready); err != nil || string(text) != s.url+"\n" {
		t.Errorf("the file has %q, %v; want the URL", text, err)
	}

	key := s.waitFor(regexp.MustCompile(`"api_key": "([^"]+)"`))
	if want := base64.StdEncoding.EncodeToString([]byte("ci-pipeline:known-to-the-tests-of-ci")); key != want {
		t.Errorf("the key is %q; want %q", key, want)
	}
	s.wantAuth(http.StatusOK, "ApiKey "+key)
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
	s.wantAuth(http.StatusOK, person{"ci", "known-to-the-tests"}.basic())
	s.waitFor(regexp.MustCompile(`warning: (store): dev has a database of its own`))
	if exists(filepath.Join(folder, "mine.db")) {
		t.Error("dev made the database that it says it ignores")
	}

	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 || exists(ready) {
		t.Errorf("exit code %d after SIGTERM, and the file is there: %t; want 0 and no file", code, exists(ready))
	}
}

// Ensures that the text for people has no secret that was configured, and a command that works without it.
func TestDev_Configured(t *testing.T) {
	t.Parallel()
	s := start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0"},
		env: []string{
			"SALLYPORT_ADMIN_PASSWORD=chosen by hand", "SALLYPORT_READONLY_PASSWORD=chosen, too",
			controlTokenVariable + "=" + chosenToken,
		},
	}, devServesAt)
	printed := s.output.String()
	if strings.Contains(printed, "chosen") || strings.Count(printed, "(the configured one)") != 3 ||
		!strings.Contains(printed, "  curl -u admin "+s.url+"/api/v1/account\n") {
		t.Errorf("dev prints\n%s", printed)
	}
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
}

// Ensures that the ready file replaces a symbolic link, and that none with a name that can be guessed is followed.
func TestDev_ReadyFileLinks(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ready, victim := filepath.Join(folder, "ready"), filepath.Join(folder, "victim")
	writeFile(t, victim, "precious")
	for _, link := range []string{ready, ready + ".part"} {
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, invocation{args: []string{"dev", "--listen", "127.0.0.1:0", "--ready-file", ready}}, devServesAt)
	for text := ""; text != s.url+"\n"; {
		data, err := os.ReadFile(ready)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
		t.Errorf("the file that the links name has %q, %v", data, err)
	}
	info, err := os.Lstat(ready)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("the ready file is %v, %v", info, err)
	}
}

// Ensures that a shell can evaluate what dev prints for it.
func TestDev_Env(t *testing.T) {
	t.Parallel()
	s := start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0", "--output", "env"},
		env:  []string{"TMPDIR=" + t.TempDir(), "SALLYPORT_ADMIN_PASSWORD=it's chosen"},
	}, regexp.MustCompile(`export SALLYPORT_DEV_URL='([^']+)'`))
	s.waitFor(regexp.MustCompile(`SALLYPORT_DEV_(API_KEY_ID)`))
	var exports strings.Builder
	for line := range strings.Lines(s.output.String()) {
		if strings.HasPrefix(line, "export ") {
			exports.WriteString(line)
		}
	}
	script := exports.String() + `printf '%s\n' "$SALLYPORT_DEV_ADMIN_PASSWORD" "$SALLYPORT_DEV_API_KEY"`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	password, rest, _ := strings.Cut(string(out), "\n")
	if err != nil || password != "it's chosen" {
		t.Fatalf("the shell has the password %q, %v", password, err)
	}
	s.wantAuth(http.StatusOK, "ApiKey "+strings.TrimSpace(rest))
}

// Ensures that the documentation's commands for CI work as printed, and that the test for Node passes.
func TestDev_DocumentedCI(t *testing.T) {
	t.Parallel()
	page := deployed(t, "../docs/how-to/run-in-ci.md")
	block := func(language string) string {
		_, text, _ := strings.Cut(page, "```"+language+"\n")
		text, _, _ = strings.Cut(text, "```")
		return text
	}
	script := block("sh")
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "users.test.mjs"), block("js"))
	if _, err := exec.LookPath("node"); err == nil {
		script += "node --test > node.log || { cat node.log; exit 1; }\n"
	} else {
		t.Log("node is not installed: the test for Node is not run")
	}
	writeFile(t, filepath.Join(folder, "seed.yaml"), deployed(t, "ci/seed.yaml"))
	if err := os.Symlink(program, filepath.Join(folder, "sallyport")); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", script+`echo "$SALLYPORT_DEV_API_KEY"`)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	want := base64.StdEncoding.EncodeToString([]byte("ci-pipeline:known-to-the-tests-of-ci")) + "\n"
	if err != nil || string(out) != want {
		t.Errorf("the commands printed %q, %v; want the key, and exit code 0", out, err)
	}
}

// Ensures that a port in use is refused with a hint, and that no file is left.
func TestDev_PortTaken(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	s := serveStore(t, "none")
	o := run(t,
		invocation{
			args: []string{"dev", "--listen", strings.TrimPrefix(s.url, "http://")}, env: []string{"TMPDIR=" + temporary},
		})
	wantRefusal(t, o, "--listen 127.0.0.1:12401")
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("dev left behind %v, %v", entries, err)
	}
}

func curlLines(output string) []string {
	var found []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "curl ") {
			found = append(found, line)
		}
	}
	return found
}

// curl parses a curl command line with the options -u, -H and -d into a request.
func curl(t *testing.T, line string) *http.Request {
	t.Helper()
	words := shellWords(line)[1:]
	method, url, body := http.MethodGet, "", ""
	header := http.Header{}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if !strings.HasPrefix(word, "-") {
			url = word
			continue
		}
		value := words[0]
		words = words[1:]
		switch word {
		case "-u":
			name, password, _ := strings.Cut(value, ":")
			header.Set("Authorization", person{name, password}.basic())
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		case "-d":
			method, body = http.MethodPost, value
		default:
			t.Fatalf("%s: the test does not know the option %s", line, word)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	return request
}

var shellWord = regexp.MustCompile(`'[^']*'|\S+`)

// shellWords splits a command line as a shell would, with single quotes around whole words only.
func shellWords(line string) []string {
	words := shellWord.FindAllString(line, -1)
	for i, word := range words {
		words[i] = strings.Trim(word, "'")
	}
	return words
}
