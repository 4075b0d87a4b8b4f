package main

import (
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

// startDev starts dev with its own folder for temporary files, because a killed dev leaves some.
func startDev(t *testing.T, temporary string) *process {
	t.Helper()
	return start(t, invocation{args: []string{"dev", "--listen", "127.0.0.1:0"}, env: []string{"TMPDIR=" + temporary}},
		devServesAt)
}

// Ensures that dev prints all that a user needs, that the printed commands work as they are, and that no file is
// left.
func TestDev(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	s := startDev(t, temporary)
	folders, err := filepath.Glob(filepath.Join(temporary, "sallyport-dev-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("folders for the database: %q, %v; want one", folders, err)
	}
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

// Ensures that the client program in the README works against dev as the README says.
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

// Ensures that dev refuses any address that is not a loopback address, because it prints passwords.
func TestDev_Refusals(t *testing.T) {
	t.Parallel()
	for listen, saying := range map[string]string{
		"0.0.0.0:0":   "not a loopback address",
		"[::]:0":      "not a loopback address",
		"192.0.2.1:0": "not a loopback address",
		":0":          "not an address and a port",
		"localhost:0": "not an address and a port",
	} {
		o := run(t, invocation{args: []string{"dev", "--listen", listen}})
		wantRefusal(t, o, saying)
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
