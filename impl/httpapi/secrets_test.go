package httpapi_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"index/suffixarray"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// secrets are all that a world's requests and answers held and nobody else may see. Every world checks them when it ends,
// so the whole run of the tests is the test.
type secrets struct {
	mu       sync.Mutex
	found    map[string]bool
	log      bytes.Buffer
	failures bytes.Buffer
}

// Write collects the log.
func (s *secrets) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(line)
}

// secretMembers are the names of what is secret in bodies.
var secretMembers = map[string]bool{
	"password": true, "token": true, "key": true, "secret": true, "recovery_codes": true, "uri": true,
	"api_key": true, "encoded": true, "access_token": true, "refresh_token": true,
}

// shortest is the length of what is searched for byte by byte: a code of six digits is part of many a number.
const shortest = 8

var oneTimeCode = regexp.MustCompile(`^[0-9]{6}$`)

func (s *secrets) add(text string) {
	if len(text) >= shortest || oneTimeCode.MatchString(text) {
		s.found[text] = true
	}
}

var standsAlone = regexp.MustCompile(`\b[0-9]{6}\b`)

// shown returns the secrets that a text shows. One-time codes must stand alone in it.
func (s *secrets) shown(text []byte, codes bool) []string {
	var found []string
	index := suffixarray.New(text) // there are many secrets, and much text
	for secret := range s.found {
		if len(secret) >= shortest && len(index.Lookup([]byte(secret), 1)) > 0 {
			found = append(found, secret)
		}
	}
	if codes {
		for _, code := range standsAlone.FindAll(text, -1) {
			if s.found[string(code)] {
				found = append(found, string(code))
			}
		}
	}
	return found
}

// dump returns all texts in all tables of a database, a line each.
func dump(t *testing.T, database string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+database+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing to lose
	var text bytes.Buffer
	for _, table := range texts(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		text.WriteString(strings.Join(texts(t, db, "SELECT * FROM "+table), "\n") + "\n")
	}
	return text.Bytes()
}

// texts returns the texts among the values of a query.
func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	var found []string
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			if text, ok := value.(string); ok {
				found = append(found, text)
			}
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return found
}

// collect finds the secrets of a request and its answer, and keeps the answer if it is a refusal.
func (s *secrets) collect(r *http.Request, requestBody []byte, response *http.Response, body []byte) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.add(credentials)
	_, fragment, _ := strings.Cut(response.Header.Get("Location"), "#")
	token, _, _ := strings.Cut(fragment, "?")
	s.add(token)
	for _, cookie := range append(r.Cookies(), response.Cookies()...) {
		s.add(cookie.Value)
	}
	s.addSAML(response.Header.Get("Location"), r.Header.Get("Content-Type"), requestBody)
	for _, text := range [][]byte{requestBody, body} {
		var value any
		if json.Unmarshal(text, &value) == nil {
			s.walk("", value)
		}
	}
	if response.StatusCode >= http.StatusBadRequest {
		s.failures.Write(body)
	}
}

var signatureValue = regexp.MustCompile(`SignatureValue>([^<]{64,})<`)

// addSAML finds the RelayState that an address has, and that and the response that a form has. Of the response's XML the
// signature stands for the whole: a copy of it would have that too.
func (s *secrets) addSAML(location, contentType string, body []byte) {
	if address, err := url.Parse(location); err == nil && address.Host != "" {
		s.add(address.Query().Get("RelayState"))
	}
	if !strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return
	}
	s.add(form.Get("RelayState"))
	s.add(form.Get("SAMLResponse"))
	if xml, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse")); err == nil {
		for _, found := range signatureValue.FindAllSubmatch(xml, -1) {
			s.add(string(found[1]))
		}
	}
}

func (s *secrets) walk(name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for member, each := range v {
			s.walk(member, each)
		}
	case []any:
		for _, each := range v {
			s.walk(name, each)
		}
	case string:
		if secretMembers[name] {
			s.add(v)
		}
	}
}

// check fails the test if the log, a refusal, or the database's files show a secret. The files hold the audit trail too.
func (s *secrets) check(t *testing.T, database string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	places := map[string][]byte{"the log": s.log.Bytes(), "a refusal": s.failures.Bytes()}
	if _, err := os.Stat(database); err == nil {
		places["a table"] = dump(t, database)
	}
	for place, text := range places {
		for _, secret := range s.shown(text, true) {
			t.Errorf("%s shows the secret %q", place, secret)
		}
	}
	s.checkFiles(t, database)
}

// checkFiles looks at the bytes of the database as well, which keep what was deleted; numbers in them are no codes.
func (s *secrets) checkFiles(t *testing.T, database string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(database + suffix)
		if err != nil {
			continue // not every database has every file
		}
		for _, secret := range s.shown(data, false) {
			t.Errorf("the file %s shows the secret %q", suffix, secret)
		}
	}
}

// readBody returns a request's body, and leaves it to be sent.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// Ensures that the search for secrets finds them: in a log, in a refusal and in a file.
func TestSecrets(t *testing.T) {
	const planted = "planted-secret"
	for name, plant := range map[string]func(*secrets, string){
		"log": func(s *secrets, _ string) { _, _ = s.Write([]byte("x " + planted + " y")) },
		"log of codes": func(s *secrets, _ string) {
			s.add("314159")
			_, _ = s.Write([]byte("code=314159 y"))
		},
		"refusal": func(s *secrets, _ string) { s.failures.WriteString(planted) },
		"file": func(_ *secrets, path string) {
			if err := os.WriteFile(path+"-wal", []byte("\x00"+planted), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		s := &secrets{found: map[string]bool{}}
		s.walk("", map[string]any{"a": []any{map[string]any{"password": planted}}})
		path := t.TempDir() + "/file"
		plant(s, path)
		inner := &testing.T{}
		s.check(inner, path)
		if !inner.Failed() {
			t.Errorf("a secret in the %s is not found", name)
		}
	}
}
