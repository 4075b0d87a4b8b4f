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

// Ensures that a caller who names nobody, or two users, to act as is refused, and does not act as oneself or as one of them.
func TestRunAs_OneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := func(_ context.Context, r *http.Request) error {
		r.Header.Add("es-security-runas-user", "bob")
		return nil
	}
	for _, c := range []struct {
		name   string
		who    []client.RequestEditorFn
		status int
	}{
		{"one", []client.RequestEditorFn{bob, actingAs("alice")}, http.StatusOK},
		{"none", []client.RequestEditorFn{bob, actingAs("")}, http.StatusForbidden},
		{"two", []client.RequestEditorFn{bob, actingAs("alice"), second}, http.StatusBadRequest},
		{"one twice", []client.RequestEditorFn{bob, actingAs("bob"), second}, http.StatusBadRequest},
	} {
		if r, text := w.do(http.MethodGet, "/_security/_authenticate", "", c.who...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, text)
		}
	}
}

// Ensures that nobody with a second factor gets around it to another's account: neither by the operation that changes that
// user's password, nor, acting as the user, by the one that changes one's own.
func TestRunAs_PasswordNeedsElevation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r, text := w.do(http.MethodPut, "/_security/user/eve", `{"password":"eve's own passphrase","roles":["superuser"]}`, bob); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", r.StatusCode, text)
	}
	d := w.enroll(bob)
	plain := w.login("bob", bobPassword)
	elevated := w.mustElevate(plain, d.code())
	for _, c := range []struct {
		name, path string
		who        []client.RequestEditorFn
		status     int
	}{
		{"another's", "/_security/user/eve/_password", []client.RequestEditorFn{bob}, http.StatusForbidden},
		{"acting, with a password", "/_security/user/_password", []client.RequestEditorFn{bob, actingAs("eve")}, http.StatusForbidden},
		{"acting, with a session", "/_security/user/_password", []client.RequestEditorFn{bearer(plain), actingAs("eve")}, http.StatusForbidden},
		{"acting, elevated", "/_security/user/_password", []client.RequestEditorFn{bearer(elevated), actingAs("eve")}, http.StatusOK},
	} {
		if r, text := w.do(http.MethodPost, c.path, `{"password":"taken by somebody else"}`, c.who...); r.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, r.StatusCode, text)
		}
	}
}
