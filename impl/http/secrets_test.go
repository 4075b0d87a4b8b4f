package http_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"index/suffixarray"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/store"
)

// secrets are all values of a world's requests and answers that only their owner may see. Every world checks them when
// it ends, so the whole run of the tests is the test.
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
	"api_key": true, "encoded": true, "access_token": true, "refresh_token": true, "verifier": true,
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

// addSAML finds the RelayState and the code that an address has, and the RelayState and the response that a form has.
// Of the response's XML the signature stands for the whole: a copy of it would have that too.
func (s *secrets) addSAML(location, contentType string, body []byte) {
	if address, err := url.Parse(location); err == nil && address.Host != "" {
		s.add(address.Query().Get("RelayState"))
		s.add(address.Query().Get("code"))
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
			if member != "aggregations" { // there, keys are values of fields
				s.walk(member, each)
			}
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

// check fails the test if the log, a refusal, or the database shows a secret. It holds the audit trail too.
func (s *secrets) check(t *testing.T, dsn string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	places := map[string][]byte{"the log": s.log.Bytes(), "a refusal": s.failures.Bytes()}
	if dsn != store.None {
		places["a table"] = dump(t, dsn)
	}
	for place, text := range places {
		for _, secret := range s.shown(text, true) {
			t.Errorf("%s shows the secret %q", place, secret)
		}
	}
	s.checkFiles(t, strings.TrimPrefix(dsn, "sqlite:"))
}

// checkFiles looks at the bytes of an SQLite database as well, which keep what was deleted; numbers in them are no
// codes.
func (s *secrets) checkFiles(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
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

// Ensures that the search for secrets finds them: in a log, in a refusal, in a table and in a file.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const planted = "planted-secret"
	run := func(db *sql.DB, statements string) {
		if _, err := db.ExecContext(t.Context(), statements); err != nil {
			t.Fatal(err)
		}
	}
	const kept = "CREATE TABLE kept AS SELECT 1 AS number, 'x " + planted + "' AS words"
	plants := map[string]func(*secrets, *sql.DB){
		"log": func(s *secrets, _ *sql.DB) { _, _ = s.Write([]byte("x " + planted + " y")) },
		"log of codes": func(s *secrets, _ *sql.DB) {
			s.add("314159")
			_, _ = s.Write([]byte("code=314159 y"))
		},
		"refusal": func(s *secrets, _ *sql.DB) { s.failures.WriteString(planted) },
		"table":   func(_ *secrets, db *sql.DB) { run(db, kept) },
	}
	if !onPostgres { // its files are not ours to look at
		plants["file"] = func(_ *secrets, db *sql.DB) { run(db, kept+"; DROP TABLE kept") }
	}
	for name, plant := range plants {
		s, dsn := &secrets{found: map[string]bool{}}, newDSN(t)
		s.walk("", map[string]any{"a": []any{map[string]any{"password": planted}}})
		db := connect(t, dsn)
		plant(s, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		inner := &testing.T{}
		s.check(inner, dsn)
		if !inner.Failed() {
			t.Errorf("a secret in the %s is not found", name)
		}
	}
}
