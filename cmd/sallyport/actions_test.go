package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to read a database directly
)

const (
	accountPath = "/api/v1/account"
	authPath    = "/api/v1/users/auth"
	keysPath    = authPath + "/keys"
	loginPath   = authPath + "/_login"
)

// newStore returns the DSN of a database that does not exist yet.
func newStore(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "sallyport.db")
}

// openDatabase opens the file of a store directly.
func openDatabase(t *testing.T, dsn, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+databaseFile(dsn)+"?"+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing is left to write
	return db
}

var servingAt = regexp.MustCompile(`"msg":"serving","url":"([^"]+)"`)

// serveIn starts a server in a folder, with settings from the environment.
func serveIn(t *testing.T, dir, dsn string, env ...string) *process {
	t.Helper()
	return start(t, invocation{
		args: []string{"serve", "--listen", "127.0.0.1:0", "--store", dsn},
		env:  append([]string{"SALLYPORT_LOG_FORMAT=json"}, env...),
		dir:  dir,
	}, servingAt)
}

func serveStore(t *testing.T, dsn string, env ...string) *process {
	t.Helper()
	return serveIn(t, "", dsn, env...)
}

// serving waits until a launched server serves.
func (p *process) serving() *process {
	p.t.Helper()
	p.url = p.waitFor(servingAt)
	return p
}

// Settings that servers on one store must share. The key is not a real secret.
const (
	chosenAdmin    = "SALLYPORT_ADMIN_PASSWORD=chosen by hand"
	chosenReadonly = "SALLYPORT_READONLY_PASSWORD=chosen by hand"
	sealed         = "SALLYPORT_KEY_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)

// person is a user with a password that the test knows.
type person struct{ name, password string }

func (p person) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.name+":"+p.password))
}

var alice = person{"alice", "correct horse battery"}

// runUser runs "sallyport user …" on a store.
func runUser(t *testing.T, dsn, stdin string, args ...string) outcome {
	t.Helper()
	return run(t, invocation{args: append([]string{"user", "--store", dsn}, args...), stdin: stdin})
}

// mustUser is runUser that must succeed.
func mustUser(t *testing.T, dsn, stdin string, args ...string) string {
	t.Helper()
	o := runUser(t, dsn, stdin, args...)
	if o.code != 0 {
		t.Fatalf("user %v: exit code %d: %s", args, o.code, o.stderr)
	}
	return o.stdout
}

func addUser(t *testing.T, dsn string, p person) {
	t.Helper()
	mustUser(t, dsn, p.password+"\n", "add", p.name, "--role", "ece_deployment_viewer", "--password-stdin")
}

// credentials reads the passwords that a first start wrote.
func credentials(t *testing.T, path string) map[string]person {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]person{}
	for line := range strings.Lines(string(data)) {
		name, password, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			t.Fatalf("%s has a line without a blank", path)
		}
		people[name] = person{name, password}
	}
	return people
}

// reply is an answer of a server.
type reply struct {
	status int
	header http.Header
	body   string
}

// direct keeps no idle connections, for which a server that stops would wait.
var direct = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func (p *process) send(method, path, authorization, body string) reply {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return do(p.t, request)
}

func do(t *testing.T, request *http.Request) reply {
	t.Helper()
	response, err := direct.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(data)}
}

// want sends a request and fails the test unless the status of the answer is the wanted one.
func (p *process) want(status int, method, path, authorization, body string) reply {
	p.t.Helper()
	r := p.send(method, path, authorization, body)
	if r.status != status {
		p.t.Errorf("%s %s: %d %s; want %d", method, path, r.status, r.body, status)
	}
	return r
}

// wantAuth fails the test unless a request with the credentials is answered with the status.
func (p *process) wantAuth(status int, authorization string) {
	p.t.Helper()
	p.want(status, http.MethodGet, authPath, authorization, "")
}

// logIn returns the Authorization header of a new session.
func (p *process) logIn(u person) string {
	p.t.Helper()
	return "Bearer " + member(p.t, p.want(http.StatusOK, http.MethodPost, loginPath, "", loginBody(u)), "token")
}

func loginBody(u person) string {
	body, _ := json.Marshal(map[string]string{"username": u.name, "password": u.password}) // cannot fail
	return string(body)
}

// createKey returns the Authorization header of a new API key.
func (p *process) createKey(authorization string) string {
	p.t.Helper()
	r := p.want(http.StatusCreated, http.MethodPost, keysPath, authorization, `{"description": "test"}`)
	return "ApiKey " + member(p.t, r, "key")
}

// member returns a string member of an answer's object.
func member(t *testing.T, r reply, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(r.body), &object); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	text, ok := object[name].(string)
	if !ok {
		t.Fatalf("%s has no text %q", r.body, name)
	}
	return text
}
