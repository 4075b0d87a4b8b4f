package http_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// actingAs makes a request one of another user's.
func actingAs(name string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("es-security-runas-user", name)
		return nil
	}
}

// Ensures that a request to act as two users, or as a user with an empty name, is refused, and is not served as the
// caller or as one of them.
func TestRunAs_OneName(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	second := func(_ context.Context, r *http.Request) error {
		r.Header.Add("es-security-runas-user", "bob")
		return nil
	}

	for _, c := range []struct {
		name   string
		caller []client.RequestEditorFn
		status int
	}{
		{"one", []client.RequestEditorFn{bob, actingAs("alice")}, http.StatusOK},
		{"none", []client.RequestEditorFn{bob, actingAs("")}, http.StatusForbidden},
		{"two", []client.RequestEditorFn{bob, actingAs("alice"), second}, http.StatusBadRequest},
		{"one twice", []client.RequestEditorFn{bob, actingAs("bob"), second}, http.StatusBadRequest},
	} {
		if r, text := w.do(http.MethodGet, "/_security/_authenticate", "", c.caller...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, text)
		}
	}
}

// Ensures that callers without elevation cannot reach another user's account: neither through the operation that
// changes that user's password, nor, acting as the user, through the one for the own password.
func TestRunAs_PasswordNeedsElevation(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	if r, text := w.do(http.MethodPut, "/_security/user/eve", `{"password":"eve's own passphrase","roles":["superuser"]}`,
		bob); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, text)
	}

	d := w.enroll(bob)
	plain := w.login("bob", bobPassword)
	elevated := w.mustElevate(plain, d.code())
	for _, c := range []struct {
		name, path string
		caller     []client.RequestEditorFn
		status     int
	}{
		{"another's", "/_security/user/eve/_password", []client.RequestEditorFn{bob}, http.StatusForbidden},
		{"acting, with a password", "/_security/user/_password", []client.RequestEditorFn{bob, actingAs("eve")},
			http.StatusForbidden},
		{"acting, with a session", "/_security/user/_password", []client.RequestEditorFn{bearer(plain), actingAs("eve")},
			http.StatusForbidden},
		{"acting, elevated", "/_security/user/_password", []client.RequestEditorFn{bearer(elevated), actingAs("eve")},
			http.StatusOK},
	} {
		if r, text := w.do(http.MethodPost, c.path, `{"password":"taken by another user"}`,
			c.caller...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, text)
		}
	}
}
