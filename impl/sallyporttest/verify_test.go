package sallyporttest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// verifyPage returns the code blocks of verify-a-key-or-token.md in a language: for a shell, those that a test runs.
func verifyPage(t *testing.T, language string, test ...string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/how-to/verify-a-key-or-token.md")
	if err != nil {
		t.Fatal(err)
	}
	start := "\n```" + language + "\n"
	for _, name := range test {
		start = "\n<!-- run by " + name + " -->" + start
	}
	for _, rest := range strings.Split(string(text), start)[1:] {
		block, _, _ := strings.Cut(rest, "\n```\n")
		blocks = append(blocks, block+"\n")
	}
	return blocks
}

// Ensures that the page's program is docs/service, which has a test of its own.
func TestVerifyPage_Go(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("../../docs/service/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if blocks := verifyPage(t, "go"); len(blocks) != 1 || blocks[0] != string(program) {
		t.Error("the Go code of verify-a-key-or-token.md is not docs/service/main.go")
	}
}

// runVerifyPage runs the page's commands that create a user and a key for a service and get credentials of alice, and
// then others, in a folder, and returns the lines that they print.
func runVerifyPage(t *testing.T, folder string, s *sallyporttest.Server, commands ...string) []string {
	t.Helper()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	blocks := verifyPage(t, "sh", "TestVerifyPage_Shell")
	if len(blocks) != 3 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	alice := s.User("alice", "ece_deployment_viewer")
	script := strings.Join(append(blocks, commands...), "\necho\n")
	command := exec.CommandContext(t.Context(), "sh", "-euc", script)
	command.Dir = folder
	command.Env = append(os.Environ(), "SALLYPORT_URL="+s.URL, "ADMIN_PASSWORD="+s.Admin.Password,
		"SERVICE_PASSWORD=a passphrase of the service", "CALLER=alice", "CALLER_PASSWORD="+alice.Password)
	var failure bytes.Buffer
	command.Stderr = &failure
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, output, &failure)
	}
	return slices.DeleteFunc(strings.Split(string(output), "\n"), func(line string) bool { return line == "" })
}

// Ensures that the page's commands create a user and a key for a service, and answer for a key and a token of another
// user.
func TestVerifyPage_Shell(t *testing.T) {
	t.Parallel()
	lines := runVerifyPage(t, "", sallyporttest.New(t))
	if len(lines) != 3 || !strings.Contains(lines[0], `"my-service"`) {
		t.Fatalf("the commands print %s", lines)
	}
	type answer struct {
		Active     bool
		Username   string
		Credential string
	}
	var alone answer
	if err := json.Unmarshal([]byte(lines[1]), &alone); err != nil || alone != (answer{true, "alice", "api_key"}) {
		t.Errorf("the key is %s (%v)", lines[1], err)
	}
	var batch struct{ Results []answer }
	want := []answer{alone, {true, "alice", "session"}, {}}
	if err := json.Unmarshal([]byte(lines[2]), &batch); err != nil || !slices.Equal(batch.Results, want) {
		t.Errorf("the batch is %s (%v)", lines[2], err)
	}
}

// Ensures that the page's commands for the Go service greet the key's owner, and refuse the key once it is deleted.
func TestVerifyPage_GoService(t *testing.T) {
	t.Parallel()
	blocks := verifyPage(t, "sh", "TestVerifyPage_GoService")
	if len(blocks) != 1 {
		t.Fatalf("the page has %d blocks for the Go service", len(blocks))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "service")
	commands := strings.NewReplacer("-o service", "-o "+binary, "./service &", binary+" > /dev/null 2>&1 &",
		"8080", port).Replace(blocks[0])
	const end = `trap '[ -z "${!:-}" ] || kill $! 2> /dev/null || true' EXIT` + "\n" // if the commands fail
	lines := runVerifyPage(t, "../..", sallyporttest.New(t), end+commands)
	want := []string{"hello alice, with the roles [ece_deployment_viewer]", "{}", "the credentials are not valid"}
	if !slices.Equal(lines[3:], want) {
		t.Errorf("the commands print %q, want %q", lines[3:], want)
	}
}

// startNode starts a module, and returns the first line that it prints.
func startNode(t *testing.T, module string, environment ...string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	path := filepath.Join(t.TempDir(), "page.mjs")
	if err := os.WriteFile(path, []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, path) // it is killed when the test ends
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it fails because the process is killed
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// wantServed sends a service a request, and fails the test unless the answer has the status, and the text if that is
// 200.
func wantServed(t *testing.T, client *http.Client, url, authorization string, status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Es-Security-Runas-User", "admin") // it must not get to the server
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || (string(body) == text) != (status == http.StatusOK) {
		t.Errorf("%d %s (%v), want %d", response.StatusCode, body, err, status)
	}
}

// Ensures that the page's service in Node accepts valid credentials, refuses others at once, and fails closed.
func TestVerifyPage_Node(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	own := s.Key(s.User("my-service", "ece_platform_viewer"))
	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice, sallyporttest.ExpiresIn(time.Hour))
	blocks := verifyPage(t, "js")
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks in JavaScript", len(blocks))
	}
	port := startNode(t, blocks[0], "SALLYPORT_URL="+s.URL, "SERVICE_KEY="+own.Encoded, "PORT=0")

	want := func(authorization string, status int) {
		t.Helper()
		wantServed(t, http.DefaultClient, "http://127.0.0.1:"+port, authorization, status, "hello alice")
	}
	want(key.Authorization(), http.StatusOK)
	want("Bearer "+key.Encoded, http.StatusUnauthorized)
	want(alice.Authorization(), http.StatusUnauthorized)
	want("", http.StatusUnauthorized)
	s.Clock.Advance(time.Hour)
	want(key.Authorization(), http.StatusUnauthorized)
	s.Fail("introspect-token", sallyporttest.Status(http.StatusBadGateway))
	want(key.Authorization(), http.StatusServiceUnavailable)
}

// Ensures that the page's function verifies a session's token with the published keys, and refuses forged and expired
// ones, and those for others.
func TestVerifyPage_Offline(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	body, err := json.Marshal(map[string]string{"username": alice.Name, "password": alice.Password})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(s.URL+"/api/v1/users/auth/_login", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	var login struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&login); err != nil || login.Token == "" {
		t.Fatal(err)
	}

	got := startNode(t, verifyPage(t, "js")[1]+`
const { keys } = await (await fetch(process.env.SALLYPORT_URL + "/.well-known/jwks.json")).json();
const token = process.env.TOKEN, now = Date.now, [header, claims, signature] = token.split(".");
const hs = Buffer.from(JSON.stringify({ ...decode(header), alg: "HS256" })).toString("base64url");
const results = [
  claimsOf(token, keys, "sallyport", "sallyport")?.sub,
  claimsOf(token, keys, "sallyport", "other"),
  claimsOf(token, keys, "other", "sallyport"),
  claimsOf(token, [], "sallyport", "sallyport"),
  claimsOf([header, claims, ""].join("."), keys, "sallyport", "sallyport"),
  claimsOf([hs, claims, signature].join("."), keys, "sallyport", "sallyport"),
  claimsOf("a.b.c", keys, "sallyport", "sallyport"),
];
Date.now = () => now() + 31 * 60 * 1000;
results.push(claimsOf(token, keys, "sallyport", "sallyport"));
console.log(JSON.stringify(results));
`, "SALLYPORT_URL="+s.URL, "TOKEN="+login.Token)
	if want := `["alice",null,null,null,null,null,null,null]`; got != want {
		t.Errorf("the function returns %s, want %s", got, want)
	}
}

// startNginx starts nginx with the page's configuration, and returns a client of it.
func startNginx(t *testing.T, server, upstream string) *http.Client {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	blocks := verifyPage(t, "nginx")
	if len(blocks) != 1 {
		t.Fatalf("the page has %d configurations of nginx", len(blocks))
	}
	addresses := strings.NewReplacer("http://127.0.0.1:12400", server, "http://127.0.0.1:8080", upstream)
	locations := addresses.Replace(blocks[0])

	folder := t.TempDir()
	configuration := "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr notice;\nevents {}\n" +
		"http {\naccess_log off;\n"
	for _, module := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		configuration += module + "_temp_path " + filepath.Join(folder, module) + ";\n"
	}
	socket := filepath.Join(folder, "nginx.sock")
	configuration += "server {\nlisten unix:" + socket + ";\n" + locations + "}\n}\n"
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}

	command := exec.CommandContext(t.Context(), nginx, "-p", folder, "-c", path, "-e", "stderr") // killed with the test
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // it fails because the process is killed
	lines := bufio.NewReader(log)
	for { // it listens before it writes its version
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("nginx ends: %s", line)
		}
		if strings.Contains(line, "nginx/") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// Ensures that the page's configuration of nginx passes requests with valid credentials on, and no others.
func TestVerifyPage_Nginx(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "served")
	}))
	t.Cleanup(service.Close)
	client := startNginx(t, s.URL, service.URL)

	alice := s.User("alice", "ece_deployment_viewer")
	key := s.Key(alice, sallyporttest.ExpiresIn(time.Hour))
	restricted := s.Key(alice, sallyporttest.RoleDescriptors(`{"none": {"cluster": []}}`))
	want := func(authorization string, status int) {
		t.Helper()
		wantServed(t, client, "http://service.example/x", authorization, status, "served")
	}
	want(key.Authorization(), http.StatusOK)
	want(restricted.Authorization(), http.StatusOK)
	want(alice.Authorization(), http.StatusUnauthorized)
	want("ApiKey unknown", http.StatusUnauthorized)
	want("", http.StatusUnauthorized)
	s.Clock.Advance(time.Hour)
	want(key.Authorization(), http.StatusUnauthorized)
	s.Fail("security-authenticate", sallyporttest.Status(http.StatusBadGateway))
	want(restricted.Authorization(), http.StatusInternalServerError)
}
