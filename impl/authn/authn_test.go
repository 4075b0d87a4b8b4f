package authn_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// basic returns a Basic credential.
func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// newAPIKey creates an API key of alice, and returns its id and its credential.
func (w *world) newAPIKey(expiration *string) (id, credential string) {
	w.Helper()
	key, created, err := w.keys.CreatePlain(w.Context(), identity.Principal{User: "alice"}, "key", expiration)
	if err != nil {
		w.Fatal(err)
	}
	return key.ID, "ApiKey " + created.Encoded()
}

// disable disables alice.
func (w *world) disable() {
	w.Helper()
	if err := w.users.SetEnabledNative(w.Context(), identity.Principal{}, "alice", false, user.Proof{}); err != nil {
		w.Fatal(err)
	}
}

// disableDirectly disables alice in the store, and leaves her keys and sessions alone.
func (w *world) disableDirectly() {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		if err != nil {
			return err
		}
		u.Enabled = false
		return tx.Users.Update(u)
	})
}

func (w *world) update(f func(*store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), f); err != nil {
		w.Fatal(err)
	}
}

// Ensures that an Authorization header that is missing, repeated or malformed is refused, and the response names the
// header.
func TestAuthenticate_Malformed(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	valid := basic("alice", passphrase)
	for name, values := range map[string][]string{
		"no header":         nil,
		"two headers":       {valid, valid},
		"empty header":      {""},
		"scheme alone":      {"Basic"},
		"scheme and blanks": {"Bearer   "},
		"unknown scheme":    {"Digest abc"},
		"scheme with colon": {"Basic: " + valid[6:]},
		"no base64":         {"Basic alice:secret"},
		"loose base64":      {"Basic YWxpY2U6YR=="},
		"no colon":          {"Basic " + base64.StdEncoding.EncodeToString([]byte("alice"))},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.Authenticate(t.Context(), values)
			var f *fault.Error
			if !fault.Has(err, fault.CredentialsInvalid) || !errors.As(err, &f) || p.User != "" {
				t.Fatalf("%+v, %v", p, err)
			}
			if len(f.Fields) != 1 || f.Fields[0] != "Authorization" {
				t.Errorf("the fields are %v", f.Fields)
			}
		})
	}
}

// Ensures that a name and a password authenticate an enabled user, whatever the case of the scheme.
func TestAuthenticate_Basic(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	valid := basic("alice", passphrase)
	for name, value := range map[string]string{
		"plain":           valid,
		"lower case":      "basic " + valid[6:],
		"several blanks":  "Basic   " + valid[6:],
		"blanks around":   " " + valid + " ",
		"case is ignored": "bAsIc " + valid[6:],
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.Authenticate(t.Context(), []string{value})
			if err != nil || p.User != "alice" || p.Method != identity.Basic || p.PasswordID == "" ||
				!p.AuthenticatedAt.Equal(w.store.Now()) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}

	for name, value := range map[string]string{
		"wrong password": basic("alice", "wrong"),
		"unknown user":   basic("mallory", passphrase),
		"no password":    basic("alice", ""),
		"colon in name":  basic("alice:x", passphrase),
	} {
		t.Run(name, func(t *testing.T) { w.wantRefused(t, value) })
	}

	w.disable()
	t.Run("disabled user", func(t *testing.T) { w.wantRefused(t, valid) })
}

// wantRefused fails the test unless a credential is refused with fault.CredentialsInvalid.
func (w *world) wantRefused(t *testing.T, authorization string) {
	t.Helper()
	if p, err := w.Authenticate(t.Context(), []string{authorization}); !fault.Has(err, fault.CredentialsInvalid) ||
		p.User != "" {
		t.Errorf("%+v, %v", p, err)
	}
}

// Ensures that an API key authenticates its owner until it expires.
func TestAuthenticate_APIKey(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	day := "1d"
	id, credential := w.newAPIKey(&day)

	p, err := w.Authenticate(t.Context(), []string{credential})
	if err != nil || p.User != "alice" || p.Method != identity.APIKey || p.Key.ID != id || p.Key.Name != "key" {
		t.Errorf("%+v, %v", p, err)
	}
	if !p.Expires.Equal(w.store.Now().Add(24*time.Hour)) || !p.AuthenticatedAt.IsZero() {
		t.Errorf("expires %v, authenticated at %v", p.Expires, p.AuthenticatedAt)
	}

	t.Run("wrong secret", func(t *testing.T) {
		w.wantRefused(t, "ApiKey "+base64.StdEncoding.EncodeToString([]byte(id+":wrong")))
	})
	w.advance(24 * time.Hour)
	t.Run("expired", func(t *testing.T) { w.wantRefused(t, credential) })
}

// Ensures that credentials that are still stored do not authenticate a disabled user.
func TestAuthenticate_DisabledUser(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	_, key := w.newAPIKey(nil)
	bearer := "Bearer " + w.grant("alice").Access.Value

	w.disableDirectly()

	t.Run("API key", func(t *testing.T) { w.wantRefused(t, key) })
	t.Run("session", func(t *testing.T) { w.wantRefused(t, bearer) })
	t.Run("password", func(t *testing.T) { w.wantRefused(t, basic("alice", passphrase)) })
}

// Ensures that signing in returns the token of a plain session, and records that the session started.
func TestLogin(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	token, err := w.Login(t.Context(), "alice", passphrase, "")
	if err != nil {
		t.Fatal(err)
	}

	p, err := w.Authenticate(t.Context(), []string{"Bearer " + token.Value})
	if err != nil || p.User != "alice" || p.Method != identity.Session || !p.ElevatedUntil.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if n := w.recorded("alice", "session.started", ""); n != 1 {
		t.Errorf("%d sessions are recorded", n)
	}
	if u, err := w.users.Get(t.Context(), "alice"); err != nil || !u.LastLoginAt.Equal(w.store.Now()) {
		t.Errorf("last login at %v, %v", u.LastLoginAt, err)
	}

	for name, credential := range map[string][2]string{
		"wrong password": {"alice", "wrong"},
		"unknown user":   {"mallory", passphrase},
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := w.Login(t.Context(), credential[0], credential[1], ""); !fault.Has(err, fault.LoginFailed) ||
				token.Value != "" {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
}

// Ensures that a sign-in is retried if the password's hash is replaced after the comparison, a limited number of times.
func TestLogin_HashReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		replacements int
		busy         bool
	}{
		"twice":       {2, false},
		"three times": {3, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, session.DefaultSettings)
			hasher := secret.NewHasher(secret.Cost{Memory: 64, Passes: 1, Threads: 1})
			var hashes []string
			for range test.replacements {
				hash, err := hasher.Hash(t.Context(), passphrase)
				if err != nil {
					t.Fatal(err)
				}
				hashes = append(hashes, hash)
			}

			// A check of a password reads the user twice: before and after the comparison.
			views, replacing := 0, false
			w.store.Observe(func(kind string, _ time.Duration) {
				if kind != "view" || replacing {
					return
				}
				if views++; views%2 == 1 || len(hashes) == 0 {
					return
				}
				replacing = true
				w.replaceHash(hashes[0])
				hashes, replacing = hashes[1:], false
			})

			_, err := w.Login(t.Context(), "alice", passphrase, "")
			if test.busy && !fault.Has(err, fault.ServerBusy) || !test.busy && err != nil {
				t.Error(err)
			}
			if len(hashes) > 0 {
				t.Errorf("%d hashes are left: the sign-in was not retried", len(hashes))
			}
		})
	}
}

func (w *world) replaceHash(hash string) {
	w.update(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		if err != nil {
			return err
		}
		u.PasswordHash = hash
		return tx.Users.Update(u)
	})
}

// Ensures that a session, and only a session, can be refreshed.
func TestRefresh(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	p, err := w.caller(w.grant("alice"))
	if err != nil {
		t.Fatal(err)
	}

	token, err := w.Refresh(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	next, err := w.Authenticate(t.Context(), []string{"Bearer " + token.Value})
	if err != nil || next.SessionID != p.SessionID || next.TokenID == p.TokenID {
		t.Errorf("%+v, %v", next, err)
	}

	for _, method := range []identity.Method{identity.Basic, identity.APIKey, identity.RunAs} {
		t.Run(string(method), func(t *testing.T) {
			other := p
			other.Method = method
			if token, err := w.Refresh(t.Context(), other); !fault.Has(err, fault.CredentialsInvalid) || token.Value != "" {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
	t.Run("ended session", func(t *testing.T) {
		if err := w.Logout(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if token, err := w.Refresh(t.Context(), p); !fault.Has(err, fault.CredentialsInvalid) || token.Value != "" {
			t.Errorf("%+v, %v", token, err)
		}
	})
}

// Ensures that signing out ends the caller's session only, and records it once.
func TestLogout(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	ended, other := w.grant("alice"), w.grant("alice")
	p, err := w.caller(ended)
	if err != nil {
		t.Fatal(err)
	}

	withoutSession := p
	withoutSession.Method = identity.Basic
	if err := w.Logout(t.Context(), withoutSession); err != nil {
		t.Error(err)
	}
	w.lives("before", ended, true)

	for range 2 {
		if err := w.Logout(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
	w.lives("the caller's session", ended, false)
	w.lives("the other session", other, true)
	if n := w.recorded("alice", "session.ended", ""); n != 1 {
		t.Errorf("%d ended sessions are recorded", n)
	}
}

// Ensures that a path to return to leads to this server in every browser.
func TestCheckReturnPath(t *testing.T) {
	for _, path := range []string{"/", "/deployments", "/a//b", "/a?b=c#d", "/é"} {
		t.Run("accepted "+path, func(t *testing.T) {
			if err := authn.CheckReturnPath(path); err != nil {
				t.Error(err)
			}
		})
	}
	for name, path := range map[string]string{
		"empty":                "",
		"relative":             "deployments",
		"absolute URL":         "https://example.com/",
		"URL without a scheme": "//example.com",
		"backslash":            `/\example.com`,
		"backslash later":      `/a\b`,
		"tab":                  "/\t/example.com",
		"line break":           "/a\nb",
		"DEL":                  "/\x7f",
		"C1 control":           "/\u0085",
	} {
		t.Run("refused "+name, func(t *testing.T) {
			if err := authn.CheckReturnPath(path); !fault.Has(err, fault.InvalidData) {
				t.Error(err)
			}
		})
	}
}
