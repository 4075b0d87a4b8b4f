package http_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// lateBody is a body that the client sends only after something else has happened.
type lateBody struct {
	io.Reader
	before func()
	once   sync.Once
}

// Read implements io.Reader.
func (b *lateBody) Read(p []byte) (int, error) {
	b.once.Do(b.before)
	return b.Reader.Read(p)
}

// underWay sends a request, calls before once the caller is authenticated, then sends the body, and returns the status.
// The server asks for the body (100 Continue) after it has authenticated the caller.
func (w *world) underWay(caller client.RequestEditorFn, request, body string, before func()) int {
	w.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path,
		&lateBody{Reader: strings.NewReader(body), before: before})
	if err != nil {
		w.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Expect", "100-continue")
	if err := caller(r.Context(), r); err != nil {
		w.Fatal(err)
	}
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // only the status is of interest
	return response.StatusCode
}

// Ensures that a request that was authenticated before a revocation, and sends its body after it, has no effect:
// otherwise a caller that always has one in flight could not be locked out.
func TestUnderWay_Revoked(t *testing.T) {
	t.Parallel()
	const backdoor = `{"password":"a backdoor's passphrase","roles":["ece_platform_admin"]}`
	requests := map[string]string{
		"POST /api/v1/users":            `{"user_name":"backdoor","security":` + backdoor + `}`,
		"PUT /_security/user/backdoor":  backdoor,
		"PUT /_security/api_key":        `{"name":"left behind","role_descriptors":{"none":{}}}`,
		"POST /api/v1/users/auth/keys":  `{"description":"left behind"}`,
		"PATCH /api/v1/users/sam":       `{"security":{"roles":["ece_platform_admin"]}}`,
		"PUT /_security/role/left":      `{"cluster":["all"]}`,
		"POST /_security/oauth2/token":  `{"grant_type":"client_credentials"}`,
		"DELETE /_security/api_key":     `{"username":"sam"}`,
		"PUT /_security/user/_password": `{"password":"left behind as well"}`,
	}
	revocations := map[string]func(w *world, key credential, session string){
		"the user is deleted": func(w *world, _ credential, _ string) { w.es(bob, "DELETE /_security/user/al", "").ok() },
		"the user is disabled": func(w *world, _ credential, _ string) {
			w.es(bob, "PUT /_security/user/al/_disable",
				"").ok()
		},
		"the user is created again": func(w *world, _ credential, _ string) {
			w.es(bob, "DELETE /_security/user/al", "").ok()
			w.es(bob, "PUT /_security/user/al",
				`{"password":"the passphrase of another al","roles":["ece_platform_admin"]}`).ok()
		},
		"the credential ends": func(w *world, key credential, session string) {
			w.es(bob, "POST /_security/user/al/_password", `{"password":"a new passphrase"}`).ok()
			w.es(bob, "DELETE /_security/api_key", `{"ids":["`+key.id+`"]}`).ok()
			w.es(bob, "DELETE /_security/oauth2/token", `{"token":"`+session+`"}`).ok()
		},
	}
	for revocation, revoke := range revocations {
		for _, method := range []string{"password", "session", "API key"} {
			t.Run(revocation+", "+method, func(t *testing.T) {
				t.Parallel()
				for request, body := range requests {
					t.Run(request, func(t *testing.T) { // its server ends with it: each has connections to PostgreSQL
						w := newWorld(t)
						al := w.native("al", "ece_platform_admin")
						w.native("sam", "watcher")
						key, session := w.esKey(al, `{"name":"k"}`), w.login("al", passwordOf("al"))
						w.sql("UPDATE users SET password_set_by = 'user'")
						caller := map[string]client.RequestEditorFn{
							"password": al, "session": bearer(session), "API key": key.editor(),
						}[method]
						before := w.state()
						if status := w.underWay(caller, request, body,
							func() { revoke(w, key, session); before = w.state() }); status != http.StatusUnauthorized {
							t.Errorf("%s: %d", request, status)
						}
						if after := w.state(); after != before {
							t.Errorf("%s left behind\n%s\nof\n%s", request, after, before)
						}
					})
				}
			})
		}
	}
}

// state is what requests of revoked callers could leave behind.
func (w *world) state() string {
	return w.rows("SELECT name || roles || password_hash FROM users ORDER BY name") +
		w.rows("SELECT id || invalidated_at FROM api_keys ORDER BY id") +
		w.rows("SELECT name FROM roles ORDER BY name") + w.rows("SELECT id FROM sessions ORDER BY id")
}

// Ensures that a platform admin that is demoted while a request is in flight has only the remaining roles.
func TestUnderWay_Demoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	al := w.native("al", "ece_platform_admin")
	status := w.underWay(al, "POST /api/v1/users",
		`{"user_name":"backdoor","security":{"password":"a backdoor's passphrase","roles":["ece_platform_admin"]}}`,
		func() { w.es(bob, "PUT /_security/user/al", `{"roles":["ece_platform_viewer"]}`).ok() })
	if status != http.StatusForbidden || w.count("SELECT COUNT(*) FROM users WHERE name = 'backdoor'") != 0 {
		t.Errorf("%d", status)
	}
}

// Ensures that the domain, too, looks at the caller in the transaction: a request can wait between, to hash a password.
func TestUnderWay_InTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.native("al", "ece_platform_admin")
	session := w.login("al", passwordOf("al"))
	p := identity.Principal{
		User: "al", Roles: []identity.Role{identity.PlatformAdmin}, Method: identity.Session,
		SessionID: w.rows("SELECT id FROM sessions"), AuthenticatedAt: noon,
	}
	w.es(bob, "DELETE /_security/oauth2/token", `{"token":"`+session+`"}`).ok()
	chosen := "a backdoor's passphrase"
	for name, f := range map[string]func() error{
		"a key": func() error { _, _, err := w.app.Keys.CreatePlain(t.Context(), p, "left behind", nil); return err },
		"a user": func() error {
			_, err := w.app.Users.Add(t.Context(),
				user.New{Name: "backdoor", Password: chosen, Roles: []string{"ece_platform_admin"}, By: p})
			return err
		},
		"a user by Elasticsearch's operation": func() error {
			_, err := w.app.Users.PutNative(t.Context(), p, "backdoor",
				user.Native{Password: &chosen, Roles: []string{"ece_platform_admin"}}, user.Proof{})
			return err
		},
		"another's roles": func() error {
			_, err := w.app.Users.Patch(t.Context(), p, "bob", map[string]any{"full_name": "x"}, user.Proof{})
			return err
		},
		"another's end":   func() error { return w.app.Users.Delete(t.Context(), p, "bob") },
		"a second factor": func() error { _, err := w.app.Elevation.Enroll(t.Context(), p); return err },
	} {
		if err := f(); err == nil {
			t.Errorf("a session that has ended left behind %s", name)
		}
	}
}
