package http_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

// alive reports whether credentials work.
func (w *world) alive(caller client.RequestEditorFn) bool {
	w.Helper()
	r, err := w.client.GetAuthenticationInfoWithResponse(w.Context(), caller)
	if err != nil {
		w.Fatal(err)
	}
	if r.JSON200 == nil && r.JSON401 == nil {
		w.Fatalf("neither alive nor dead: %s", r.Body)
	}
	return r.JSON200 != nil
}

func (w *world) refresh(token string) *client.RefreshTokenResult {
	w.Helper()
	r, err := w.client.RefreshTokenWithResponse(w.Context(), bearer(token))
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// Ensures that a sign-in gives a token that works until the idle time has passed, to the second.
func TestLogin(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{Username: "alice", Password: alicePassword})
	if err != nil || r.JSON200 == nil {
		t.Fatalf("login: %v %v", r, err)
	}
	if want := w.clock.Now().Add(30 * time.Minute); !r.JSON200.SessionExpirationTime.Equal(want) {
		t.Errorf("the session expires at %s, want %s", r.JSON200.SessionExpirationTime, want)
	}

	w.clock.advance(30*time.Minute - time.Second)
	if !w.alive(bearer(r.JSON200.Token)) {
		t.Error("the token is dead a second early")
	}

	w.clock.advance(time.Second)
	if w.alive(bearer(r.JSON200.Token)) {
		t.Error("the token outlives the idle time")
	}
}

// Ensures that all sign-ins that fail look the same.
func TestLogin_Failed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	if err := w.app.Users.SetEnabled(t.Context(), "bob", false); err != nil {
		t.Fatal(err)
	}

	var first string
	for name, password := range map[string]string{
		"alice":     "wrong",
		"bob":       bobPassword,
		"unknown":   alicePassword,
		"":          "",
		"ALICE":     alicePassword,
		"admin":     strings.Repeat("x", 5000),
		"nul\u0000": "x",
	} {
		r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{Username: name, Password: password})
		if err != nil || r.JSON401 == nil {
			t.Fatalf("login of %q: %v %s", name, err, r.Body)
		}
		if r.JSON401.Errors[0].Code != "root.unauthenticated" {
			t.Errorf("login of %q: %s", name, r.Body)
		}
		if first == "" {
			first = string(r.Body)
		}
		if string(r.Body) != first {
			t.Errorf("login of %q has another answer: %s", name, r.Body)
		}
	}
}

// Ensures that with a path to return to the answer leads to the page, the token in the fragment.
func TestLogin_State(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	path := "/deployments/a b?x=1&y=ü#+%2F"
	r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{
		Username: "alice", Password: alicePassword, LoginState: &client.LoginState{Path: &path},
	})
	if err != nil || r.StatusCode() != http.StatusFound {
		t.Fatalf("login: %v %v", r, err)
	}

	location := r.HTTPResponse.Header.Get("Location")
	fragment, ok := strings.CutPrefix(location, "/sso/token#")
	token, state, found := strings.Cut(fragment, "?state=")
	if !ok || !found || !w.alive(bearer(token)) {
		t.Errorf("the Location %s holds no token that works", location)
	}
	if decoded, err := url.PathUnescape(state); err != nil || decoded != path {
		t.Errorf("the Location returns to %q (%v), want %q", decoded, err, path)
	}
	if strings.ContainsAny(state, "/?&=#+ ") {
		t.Errorf("the path %q is not percent-encoded", state)
	}
}

// Ensures that a sign-in leads nowhere but to this server, and that a login_state without a path is none.
func TestLogin_StateRefused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, path := range []string{
		"", "deployments", "//evil.example", "https://evil.example", "javascript:alert(1)", `\evil`, `/\evil`, "/a\nb",
		"/\t/evil", "/\u0000",
		"/\u0085", " /a", "/\\/evil", "/a\\b", "/\u007f",
	} {
		r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{
			Username: "alice", Password: alicePassword, LoginState: &client.LoginState{Path: &path},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.refused(r.HTTPResponse, string(r.Body), http.StatusBadRequest, "root.invalid_data", "login_state.path")
	}

	r, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{
		Username: "alice", Password: alicePassword, LoginState: &client.LoginState{},
	})
	if err != nil || r.JSON200 == nil {
		t.Errorf("login with an empty login_state: %v %s", err, r.Body)
	}

	long := "/" + strings.Repeat("x", 1024)
	response, body := w.do(http.MethodPost, "/api/v1/users/auth/_login",
		`{"username":"alice","password":"x","login_state":{"path":"`+long+`"}}`)
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "login_state.path")
}

// Ensures that a refreshed token lives through its grace and not longer, and the new one on.
func TestRefresh_Grace(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	old := w.login("alice", alicePassword)
	w.clock.advance(20 * time.Minute)
	r := w.refresh(old)
	if r.JSON200 == nil || r.JSON200.Token == old {
		t.Fatalf("refresh: %s", r.Body)
	}
	if want := w.clock.Now().Add(30 * time.Minute); !r.JSON200.SessionExpirationTime.Equal(want) {
		t.Errorf("the session expires at %s, want %s", r.JSON200.SessionExpirationTime, want)
	}

	w.clock.advance(10*time.Second - time.Millisecond)
	if !w.alive(bearer(old)) || !w.alive(bearer(r.JSON200.Token)) {
		t.Error("a token is dead within the grace time")
	}

	second := w.refresh(old)
	if second.JSON200 == nil {
		t.Errorf("an overlapping refresh failed: %s", second.Body)
	}

	w.clock.advance(time.Millisecond)
	if w.alive(bearer(old)) {
		t.Error("the old token outlives the grace time")
	}
	if !w.alive(bearer(r.JSON200.Token)) || !w.alive(bearer(second.JSON200.Token)) {
		t.Error("a new token is dead")
	}
	if got := w.refresh(old); got.JSON401 == nil || got.JSON401.Errors[0].Code != "root.unauthorized" {
		t.Errorf("refresh of a dead token: %s", got.Body)
	}
}

// Ensures that no number of refreshes carries a session past its absolute end.
func TestRefresh_AbsoluteEnd(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	end := w.clock.Now().Add(12 * time.Hour)
	for w.clock.Now().Add(25 * time.Minute).Before(end) {
		w.clock.advance(25 * time.Minute)
		r := w.refresh(token)
		if r.JSON200 == nil {
			t.Fatalf("refresh at %s: %s", w.clock.Now(), r.Body)
		}
		if r.JSON200.SessionExpirationTime.After(end) {
			t.Fatalf("a refresh at %s reaches to %s", w.clock.Now(), r.JSON200.SessionExpirationTime)
		}
		token = r.JSON200.Token
	}

	w.clock.advance(end.Sub(w.clock.Now()) - time.Millisecond)
	if !w.alive(bearer(token)) {
		t.Error("the session ends early")
	}

	w.clock.advance(time.Millisecond)
	if w.alive(bearer(token)) || w.refresh(token).JSON401 == nil {
		t.Error("the session outlives its absolute end")
	}
}

// Ensures that only a session can be refreshed.
func TestRefresh_NoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.newKey(alice, "a key", "")
	for _, caller := range []client.RequestEditorFn{alice, apiKey(*key.Key)} {
		r, err := w.client.RefreshTokenWithResponse(t.Context(), caller)
		if err != nil || r.JSON401 == nil {
			t.Errorf("refresh without a session: %v %s", err, r.Body)
		}
	}
}

// Ensures that signing out ends every token of the session and no other session, and may be done twice.
func TestLogout(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	other := w.login("alice", alicePassword)
	first := w.login("alice", alicePassword)
	second := w.refresh(first).JSON200.Token
	r, err := w.client.LogoutWithResponse(t.Context(), bearer(first))
	if err != nil || r.JSON200 == nil {
		t.Fatalf("logout: %v %v", r, err)
	}
	if w.alive(bearer(first)) || w.alive(bearer(second)) {
		t.Error("a token of the session is alive after the logout")
	}
	if !w.alive(bearer(other)) {
		t.Error("the logout ended another session")
	}
	if r, err := w.client.LogoutWithResponse(t.Context(), bearer(first)); err != nil || r.JSON401 == nil {
		t.Errorf("logout with a dead token: %v %s", err, r.Body)
	}
	if r, err := w.client.LogoutWithResponse(t.Context(), alice); err != nil || r.JSON200 == nil {
		t.Errorf("logout without a session: %v %s", err, r.Body)
	}
}

// Ensures that callers receive the expiration of their credentials, and none if these do not expire.
func TestAuthenticationInfo(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	now := w.clock.Now()
	forever, short := w.newKey(alice, "forever", ""), w.newKey(alice, "short", "2h")
	for name, c := range map[string]struct {
		caller  client.RequestEditorFn
		expires time.Time
	}{
		"basic":       {alice, time.Time{}},
		"session":     {bearer(w.login("alice", alicePassword)), now.Add(30 * time.Minute)},
		"key forever": {apiKey(*forever.Key), time.Time{}},
		"key":         {apiKey(*short.Key), now.Add(2 * time.Hour)},
	} {
		r, err := w.client.GetAuthenticationInfoWithResponse(t.Context(), c.caller)
		if err != nil || r.JSON200 == nil {
			t.Fatalf("%s: %v %v", name, r, err)
		}
		info := r.JSON200
		switch {
		case info.ExpiresAt == nil && !c.expires.IsZero(), info.ExpiresAt != nil && !info.ExpiresAt.Equal(c.expires):
			t.Errorf("%s: expires_at is %v, want %s", name, info.ExpiresAt, c.expires)
		case info.HasElevatedPermissions || info.HasTOTPDevice == nil || *info.HasTOTPDevice:
			t.Errorf("%s: %s", name, r.Body)
		case info.RefreshTokenURL != "/api/v1/users/auth/_refresh":
			t.Errorf("%s: refresh_token_url is %s", name, info.RefreshTokenURL)
		}
	}
}

// Ensures that the ways to sign in are public.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.client.MethodsWithResponse(t.Context())
	if err != nil || r.JSON200 == nil || !r.JSON200.Password || r.JSON200.SAML || r.JSON200.Openid {
		t.Errorf("methods: %v %v", r, err)
	}
}

// Ensures that the page is one that a browser runs under its own policy, and that nothing else could run in it.
func TestSignInPage(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	r, err := w.client.SignInPageWithResponse(t.Context())
	if err != nil || r.StatusCode() != http.StatusOK {
		t.Fatalf("page: %v %v", r, err)
	}

	policy := r.HTTPResponse.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-",
		"frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %q", policy, part)
		}
	}

	if page := string(r.Body); strings.Count(page, "<script") != 1 || strings.Contains(page, "src=") ||
		strings.Contains(page, "http:") {
		t.Error("the page loads something")
	}
}

// Ensures that a change of password, or a disabled user, ends sessions at once, and disabling stops keys too.
func TestUserChanges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.newKey(alice, "a key", "")
	token := w.login("alice", alicePassword)
	if err := w.app.Users.SetPassword(t.Context(), "alice", "another passphrase"); err != nil {
		t.Fatal(err)
	}
	if w.alive(bearer(token)) || w.alive(alice) {
		t.Error("the old password or its session is alive")
	}
	if !w.alive(apiKey(*key.Key)) {
		t.Error("a change of password stopped a key")
	}

	token = w.login("alice", "another passphrase")
	if err := w.app.Users.SetEnabled(t.Context(), "alice", false); err != nil {
		t.Fatal(err)
	}
	if w.alive(bearer(token)) || w.alive(as("alice", "another passphrase")) || w.alive(apiKey(*key.Key)) {
		t.Error("a disabled user's credentials are alive")
	}
	if err := w.app.Users.SetEnabled(t.Context(), "alice", true); err != nil {
		t.Fatal(err)
	}
	if !w.alive(apiKey(*key.Key)) || w.alive(bearer(token)) {
		t.Error("enabling a user must bring back keys, and no session")
	}
}
