package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// deterministicStart is the time at which the clock stands at first.
var deterministicStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// startDeterministic starts dev with a seed for its ids and secrets.
func startDeterministic(t *testing.T, flag string) *process {
	t.Helper()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "seed.yaml"), deployed(t, "ci/seed.yaml"))
	return start(t, invocation{
		args: []string{"dev", "--listen", "127.0.0.1:0", "--output", "json", "--seed", "seed.yaml", flag},
		env:  []string{controlTokenVariable + "=" + chosenToken, "TMPDIR=" + t.TempDir()},
		dir:  folder,
	}, regexp.MustCompile(`(?s)"url": "([^"]+)".*\n}\n`))
}

// recording sends requests and keeps the whole answers, one text each.
type recording struct {
	*process

	answers []string
}

// call sends a request and keeps its answer.
func (r *recording) call(method, path, authorization, body string) reply {
	r.t.Helper()
	answer := r.send(method, path, authorization, body)
	text := fmt.Sprintf("%s %s: %d\n", method, path, answer.status)
	for _, name := range slices.Sorted(maps.Keys(answer.header)) {
		text += name + ": " + strings.Join(answer.header[name], ", ") + "\n"
	}
	r.answers = append(r.answers, text+answer.body)
	return answer
}

// record sends requests of both API families, the answers of which have ids, secrets, times and tokens.
func record(p *process) []string {
	p.t.Helper()
	r := &recording{process: p}
	ops := person{"ops", "known-to-the-tests"}
	factor := device{Secret: strings.Repeat("JBSWY3DPEHPK3PXP", 2)}
	post, get := http.MethodPost, http.MethodGet

	r.call(get, "/api/v1/account", ops.basic(), "")
	session := "Bearer " + member(p.t, r.call(post, loginPath, "", loginBody(ops)), "token")
	r.call(get, authPath, session, "")
	session = "Bearer " + member(p.t, r.call(post, authPath+"/_refresh", session, ""), "token")
	code := factor.codeAt(p.t, deterministicStart)
	r.call(post, "/api/v1/users", session, `{"user_name": "joe", "security": {"roles": ["ece_platform_viewer"]}}`)
	session = "Bearer " + member(p.t, r.call(post, elevatePath, session, `{"token": "`+code+`"}`), "token")
	r.call(post, "/api/v1/users", session,
		`{"user_name": "joe", "security": {"roles": ["ece_platform_viewer"], "password": "correct horse battery"}}`)
	joe := person{"joe", "correct horse battery"}
	key := r.call(post, keysPath, session, `{"description": "first"}`)
	r.call(get, keysPath, session, "")
	r.call(get, keysPath+"/_all", "ApiKey "+member(p.t, key, "key"), "")

	created := r.call(post, "/_security/api_key", session, `{"name": "second", "expiration": "1d", "role_descriptors": {}}`)
	id := member(p.t, created, "id")
	r.call(post, "/_security/api_key/_bulk_update", session, `{"ids": ["`+id+`"], "metadata": {"team": "search"}}`)
	r.call(post, "/_security/_query/api_key", session, `{"sort": ["creation"]}`)
	granted := r.call(post, "/_security/oauth2/token", session,
		`{"grant_type": "password", "username": "joe", "password": "correct horse battery"}`)
	r.call(post, "/_security/oauth2/token", session,
		`{"grant_type": "refresh_token", "refresh_token": "`+member(p.t, granted, "refresh_token")+`"}`)

	secret := member(p.t, r.call(post, totpPath, joe.basic(), ""), "secret")
	code = device{Secret: secret}.codeAt(p.t, deterministicStart)
	r.call(post, totpPath+"/_confirm", joe.basic(), `{"token": "`+code+`"}`)
	p.control(http.StatusOK, post, "/clock/_advance", `{"seconds": 172800}`)
	r.call(get, authPath, session, "")
	r.call(get, "/_security/api_key?id="+id, ops.basic(), "")
	r.call(http.MethodDelete, "/_security/api_key", ops.basic(), `{"ids": ["`+id+`"], "owner": true}`)
	r.call(get, "/api/v1/users", joe.basic(), "")
	return r.answers
}

// wantSame fails the test unless the answers are the same.
func wantSame(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("there are %d answers; want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("the answer\n%s\n\nis not\n%s", got[i], want[i])
		}
	}
}

var changing = regexp.MustCompile(`"url": "[^"]+"|time=\S+|msg=serving.*`)

// Ensures that two servers with the same flags print the same and answer the same requests with the same bytes, that a
// reset server does, too, and that another seed makes other ids.
func TestDev_Deterministic(t *testing.T) {
	t.Parallel()
	first, second := startDeterministic(t, "--deterministic"), startDeterministic(t, "--deterministic")
	printed := func(p *process) string { return changing.ReplaceAllString(p.output.String(), "") }
	if a, b := printed(first), printed(second); a != b || !strings.Contains(a, "can be predicted") {
		t.Errorf("one server prints %s, the other %s", a, b)
	}

	want := record(first)
	if len(want) < 20 || !strings.Contains(want[0], "Date: Thu, 01 Jan 2026 00:00:00 GMT\n") {
		t.Errorf("the %d answers begin with %s", len(want), want[0])
	}
	for _, answer := range want {
		status := regexp.MustCompile(`: (\d+)\n`).FindStringSubmatch(answer)[1]
		if status >= "500" || status == "400" || status == "404" {
			t.Errorf("the answer is %s", answer)
		}
	}
	t.Run("another process", func(t *testing.T) { wantSame(t, record(second), want) })
	t.Run("after a reset", func(t *testing.T) {
		first.control(http.StatusNoContent, http.MethodPost, "/_reset", "")
		wantSame(t, record(first), want)
	})
	t.Run("another seed", func(t *testing.T) {
		other := record(startDeterministic(t, "--deterministic=7"))
		if slices.Equal(other, want) || other[1] == want[1] {
			t.Error("another seed makes the same ids")
		}
	})
}

// Ensures that a server that continues from another's snapshot makes the same ids as that one, and none again.
func TestDev_DeterministicSnapshot(t *testing.T) {
	t.Parallel()
	first, second := startDeterministic(t, "--deterministic"), startDeterministic(t, "--deterministic")
	ci := person{"ci", "known-to-the-tests"}
	for range 3 {
		first.logIn(ci)
	}
	second.control(http.StatusNoContent, http.MethodPut, "/snapshot",
		first.control(http.StatusOK, http.MethodGet, "/snapshot", ""))
	if a, b := first.logIn(ci), second.logIn(ci); a != b {
		t.Errorf("the next tokens are %s and %s", a, b)
	}
}

// Ensures that no command opens the database of a deterministic server for real use, also after it was restored into a
// server that is not deterministic, and that none changes it.
func TestDev_DeterministicRefused(t *testing.T) {
	t.Parallel()
	s := startDeterministic(t, "--deterministic")
	snapshot := s.control(http.StatusOK, http.MethodGet, "/snapshot", "")
	other := startControlled(t)
	other.control(http.StatusNoContent, http.MethodPut, "/snapshot", snapshot)
	plain := startControlled(t).control(http.StatusOK, http.MethodGet, "/snapshot", "")

	folder := t.TempDir()
	save := func(name, snapshot string) string {
		t.Helper()
		var read struct {
			Records          []byte
			KeyEncryptionKey []byte `json:"key_encryption_key"`
		}
		if err := json.Unmarshal([]byte(snapshot), &read); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		writeFile(t, path, string(read.Records))
		writeFile(t, path+".key", base64.StdEncoding.EncodeToString(read.KeyEncryptionKey))
		return "sqlite:" + path
	}
	marked, restored := save("marked.db", snapshot), save("restored.db",
		other.control(http.StatusOK, http.MethodGet, "/snapshot", ""))
	before, err := os.ReadFile(filepath.Join(folder, "marked.db"))
	if err != nil {
		t.Fatal(err)
	}

	for name, args := range map[string][]string{
		"serve":               {"serve", "--listen", "127.0.0.1:0", "--store", marked},
		"serve, restored":     {"serve", "--listen", "127.0.0.1:0", "--store", restored},
		"user list":           {"user", "list", "--store", marked},
		"user add":            {"user", "add", "joe", "--role", "ece_platform_viewer", "--password-stdin", "--store", marked},
		"user totp":           {"user", "totp", "ci", "--store", marked},
		"key doubtful":        {"key", "doubtful", "--store", marked},
		"signing-key list":    {"signing-key", "list", "--store", marked},
		"audit export":        {"audit", "export", "--store", marked},
		"migrate up":          {"migrate", "up", "--store", marked},
		"backup":              {"backup", "--store", marked, "--to", filepath.Join(folder, "copy.db")},
		"restore of a backup": {"restore", "--no-checksum", "--from", filepath.Join(folder, "marked.db"), "--store", "sqlite:new.db"},
	} {
		t.Run(name, func(t *testing.T) {
			o := run(t, invocation{args: args, stdin: "correct horse battery"})
			if o.code == 0 || !strings.Contains(o.stderr, "its secrets can be predicted: sallyport dev --deterministic") {
				t.Errorf("exit code %d: %s", o.code, o.stderr)
			}
		})
	}
	if after, err := os.ReadFile(filepath.Join(folder, "marked.db")); err != nil || string(after) == "" ||
		len(after) != len(before) {
		t.Errorf("the database changed, %v", err)
	}

	// The test could not fail if no image of dev could be opened.
	if o := run(t, invocation{args: []string{"user", "list", "--store", save("plain.db", plain)}}); o.code != 0 {
		t.Errorf("the database of another server is refused: %s", o.stderr)
	}
}

// Ensures that serve has no flag and no setting for predictable secrets.
func TestServe_NotDeterministic(t *testing.T) {
	t.Parallel()
	o := run(t, invocation{args: []string{"serve", "--deterministic"}})
	if o.code == 0 || !strings.Contains(o.stderr, "unknown flag: --deterministic") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
}
