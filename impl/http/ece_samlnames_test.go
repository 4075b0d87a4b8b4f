package http_test

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/saml/samltest"
	"github.com/sallyport/sallyport/impl/store"
)

// lockedBuffer is a log that is written by a server and read by its test.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

// taken returns what was written since the last time.
func (b *lockedBuffer) taken() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	text := b.text.String()
	b.text.Reset()
	return text
}

// Ensures that users whom identity providers call by other names than this server's own users can have work like all
// others: in paths, lists, queries, headers, the log and the audit trail.
func TestSAML_Names(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	idp := samltest.New(noon)
	known := realms(t, idp, realm("corporate", "role_mappings: {default_roles: [keeper]}"))
	w := samlWorld{openWith(t, newDSN(t), &log, func(s *app.Settings) { s.Realms = known }), idp}
	w.addUsers()
	w.role("keeper", `{"cluster":["manage_own_api_key"]}`)
	w.role("runner", `{"run_as":["*"]}`)
	runner := w.native("runner", "runner")
	for nameID, name := range map[string]string{
		`CORP\dave`: `CORP\dave`, "o'neil": "o'neil", "Jos\u00e9": "Jos\u00e9", "Zoe\u0308": "Zo\u00eb", "山田 太郎": "山田 太郎",
		"urn:x:frank": "urn:x:frank", `q"u%2Fo?t&e;#`: `q"u%2Fo?t&e;#`,
	} {
		t.Run(name, func(t *testing.T) {
			w := w.on(t)
			session := bearer(w.signIn("", nameID, nil))
			escaped, shown := url.PathEscape(name), `"username":`+asJSON(name)
			if u := w.readUser(name); u.UserName != name {
				t.Errorf("the user is %q", u.UserName)
			}
			if found := w.must(http.MethodGet, "/_security/user/alice,"+escaped, "", bob); !strings.Contains(found,
				asJSON(name)+`:{`) || !strings.Contains(found, `"alice":{`) {
				t.Errorf("Elasticsearch's users are %s", found)
			}
			id, encoded := w.newKeyOf(session, `{"name":"k"}`)
			if found := w.must(http.MethodGet, "/_security/api_key?username="+url.QueryEscape(name), "",
				admin); !strings.Contains(found, `"id":"`+id+`"`) || !strings.Contains(found, shown) {
				t.Errorf("the user's keys are %s", found)
			}
			if caller := w.must(http.MethodGet, "/_security/_authenticate", "",
				both(runner, runAs(name))); !strings.Contains(caller, shown) {
				t.Errorf("run as the user: %s", caller)
			}
			log.taken()
			w.must(http.MethodGet, "/_security/_authenticate", "", apiKey(encoded))
			lines := regexp.MustCompile(`(?m)^.*msg=request.*$`).FindAllString(log.taken(), -1)
			if len(lines) != 1 || !strings.Contains(lines[0], "user=") {
				t.Errorf("the access log has %q", lines)
			}
			w.must(http.MethodPut, "/_security/user/"+escaped+"/_disable", "", bob)
			if w.alive(apiKey(encoded)) || w.alive(session) {
				t.Error("the key or the session of a disabled user works")
			}
			w.patchUser(usersPath+"/"+escaped, `{"security":{"enabled":true}}`, bob)
			if w.loginStatus(name, "x") != http.StatusUnauthorized || !w.alive(apiKey(encoded)) {
				t.Error("the user has a password, or the key does not work any more")
			}
			for _, event := range []string{"user.created", "session.started", "api_key.created", "user.disabled",
				"user.enabled"} {
				if n := w.count("SELECT COUNT(*) FROM audit_log WHERE event = $1 AND (subject = $2 OR actor = $2)", event,
					name); n != 1 {
					t.Errorf("%s is in the trail %d times", event, n)
				}
			}
		})
	}
	st, err := store.Open(t.Context(), w.dsn, w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // it is only read
	var trail bytes.Buffer
	if err := audit.Export(t.Context(), st, noon.AddDate(-1, 0, 0), &trail); err != nil ||
		strings.ContainsFunc(trail.String(), func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }) {
		t.Errorf("the exported trail is not one of ASCII: %v", err)
	}
	response, body := w.do(http.MethodGet, "/_security/_authenticate", "", runner, runAs("Jos\xe9"))
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("run as a name that is not UTF-8: %d %s", response.StatusCode, body)
	}
}

// Ensures that no user signs in under a name that resembles a built-in user's or that does not display as it is.
func TestSAML_NamesRefused(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, identified("corporate"))
	for name, c := range map[string]struct{ uid, reason string }{
		"built-in name in another case":     {"Admin", "reads as that of the built-in user \"admin\""},
		"built-in name in another alphabet": {"\u0430dmin", "reads as that of the built-in user \"admin\""},
		"built-in name in full width":       {"ｒｅａｄｏｎｌｙ", "reads as that of the built-in user \"readonly\""},
		"right-to-left override":            {"nimda\u202e", "invisible characters"},
		"zero-width space":                  {"ali\u200bce", "invisible characters"},
		"line break":                        {"alice\nbob", "invisible characters"},
		"comma":                             {"alice,bob", "slash or a comma"},
		"slash":                             {"a/b", "slash or a comma"},
		"native name":                       {"alice", "the realm default_native"},
	} {
		t.Run(name, func(t *testing.T) {
			w.on(t).tryIdentity("corporate",
				identityCase{name, func(r *samltest.Request) { r.NameID = "id of x" }, c.uid, "", c.reason})
		})
	}
}
