package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

func TestNew_Refused(t *testing.T) {
	password, key := client.WithPassword("alice", "secret-1"), client.WithAPIKey("c2VjcmV0LTE6")
	for _, c := range []struct {
		name, address string
		options       []client.Option
		want          string
	}{
		{"no scheme", "sallyport.example", nil, "https://"},
		{"other scheme", "ftp://sallyport.example", nil, "https://"},
		{"no host", "https://", nil, "no host"},
		{"no URL", "https://sally port\x7f", nil, "not a URL"},
		{"password in the address", "https://alice:secret-1@sallyport.example", nil, "WithPassword"},
		{"broken address with a password", "https://alice:secret-1@sallyport.example:x", nil, "not a URL"},
		{"query", "https://sallyport.example/?a=secret-1", nil, "query"},
		{"fragment", "https://sallyport.example/#secret-1", nil, "fragment"},
		{"no region", "https://sallyport.example/api/v1/regions/", nil, "/api/v1"},
		{"path below a region", "https://sallyport.example/api/v1/regions/a/users", nil, "one region"},
		{"plain HTTP", "http://sallyport.example", []client.Option{password}, "unencrypted"},
		{"plain HTTP to an address", "http://192.0.2.1:12400", []client.Option{password}, "unencrypted"},
		{"two credentials", "https://sallyport.example", []client.Option{password, key}, "one of"},
		{"no password", "https://sallyport.example", []client.Option{client.WithPassword("alice", "")}, "empty"},
		{"no key", "https://sallyport.example", []client.Option{client.WithAPIKey("")}, "empty"},
		{"header in a key", "https://sallyport.example",
			[]client.Option{client.WithAPIKey("secret-1\r\nX: y")}, "characters"},
		{"header in a token", "https://sallyport.example",
			[]client.Option{client.WithSession("secret-1\n", time.Time{})}, "characters"},
		{"header in the user agent", "https://sallyport.example", []client.Option{client.WithUserAgent("a\r\nb")}, "ASCII"},
		{"timeout", "https://sallyport.example", []client.Option{client.WithTimeout(0)}, "positive"},
		{"elevation of a key", "https://sallyport.example", []client.Option{key, client.WithElevation(nil)}, ""},
		{"elevation without a user", "https://sallyport.example",
			[]client.Option{client.WithElevation(func(context.Context) (string, error) { return "", nil })}, "WithPassword"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.New(c.address, c.options...)
			if c.want == "" {
				if err != nil {
					t.Errorf("%v; without a callback there is nothing to refuse", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret-1") {
				t.Errorf("%v; want %q, and no secret", err, c.want)
			}
		})
	}
}

// Ensures that an address leads to the operations wherever a proxy has the server, and in the region that it names.
func TestNew_Address(t *testing.T) {
	for _, c := range []struct{ address, ece, elastic string }{
		{"https://s.example", "/api/v1/user", "/_security/_authenticate"},
		{"https://s.example/", "/api/v1/user", "/_security/_authenticate"},
		{"https://s.example/api/v1", "/api/v1/user", "/_security/_authenticate"},
		{"https://s.example/api/v1/regions/eu-1", "/api/v1/regions/eu-1/user", "/_security/_authenticate"},
		{"https://s.example/api/v1/regions/a%20b/", "/api/v1/regions/a%20b/user", "/_security/_authenticate"},
		{"https://s.example/below/it", "/below/it/api/v1/user", "/below/it/_security/_authenticate"},
		{"https://s.example/below/api/v1/regions/x", "/below/api/v1/regions/x/user", "/below/_security/_authenticate"},
		{"http://localhost:1/", "/api/v1/user", "/_security/_authenticate"},
		{"http://[::1]:1/", "/api/v1/user", "/_security/_authenticate"},
	} {
		t.Run(c.address, func(t *testing.T) {
			var paths []string
			server := roundTripper(func(r *http.Request) (*http.Response, error) {
				paths = append(paths, r.URL.EscapedPath())
				return nil, http.ErrSchemeMismatch // which is not tried again
			})
			ours, err := client.New(c.address, client.WithTransport(server))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = ours.Caller(t.Context())
			_, _ = ours.API().SecurityAuthenticateWithResponse(t.Context())
			if !slices.Equal(paths, []string{c.ece, c.elastic}) {
				t.Errorf("the paths are %q", paths)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClient_Region(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty+"/api/v1/regions/eu-1", client.WithPassword("alice", alicePassword))
	w.faults.set(pass, 0, "")
	if u, err := c.Caller(t.Context()); err != nil || u.UserName != "alice" {
		t.Errorf("%v, %v", u, err)
	}
	for _, err := range c.Users(t.Context()) {
		if !client.IsForbidden(err) {
			t.Errorf("%v; want a refusal", err)
		}
	}
	want := []string{"POST /api/v1/regions/eu-1/users/auth/_login", "GET /api/v1/regions/eu-1/user",
		"GET /api/v1/regions/eu-1/users?include_disabled=true"}
	if got := w.faults.requests(); !slices.Equal(got, want) {
		t.Errorf("the requests are %q; want %q", got, want)
	}
}

// Ensures that no form in which a program may log a client, its options or its errors shows the credentials.
func TestClient_NoSecrets(t *testing.T) {
	const secret = "c2VjcmV0LTE"
	for name, option := range map[string]client.Option{
		"password": client.WithPassword("alice", secret),
		"key":      client.WithAPIKey(secret),
		"session":  client.WithSession(secret, time.Time{}),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := client.New("https://sallyport.example", option, client.WithTransport(roundTripper(
				func(*http.Request) (*http.Response, error) { return nil, errors.New("no answer") })))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, failed := c.CreateKey(ctx, "x", 0)
			text, err := json.Marshal([]any{c, failed})
			if err != nil {
				t.Fatal(err)
			}
			for _, shown := range []any{c, *c, option, failed, []any{c, *c}, struct{ C *client.Client }{c},
				struct{ c *client.Client }{c}, struct{ c client.Client }{*c}} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
					text = append(text, fmt.Sprintf(verb, shown)...)
				}
			}
			for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%d", []byte(secret))} {
				if strings.Contains(string(text), form) {
					t.Errorf("%q is shown in %s", form, text)
				}
			}
		})
	}
}

// Ensures that an error that is kept or logged is small, whatever the server answers.
func TestError_Bounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	type failure struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Fields  []string `json:"fields"`
	}
	fields := append(slices.Repeat([]string{"a"}, 10_000), long)
	slices.Reverse(fields)
	body, err := json.Marshal(map[string]any{
		"errors": []failure{{long, long, fields}},
		"error":  map[string]string{"type": long, "reason": long},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New("https://sallyport.example", client.WithTransport(roundTripper(
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(bytes.NewReader(body)),
				Header: http.Header{"X-Request-Id": {long}}}, nil
		})))
	if err != nil {
		t.Fatal(err)
	}
	_, failed := c.Key(t.Context(), "x")
	if shown := fmt.Sprint(failed, errorMembers(failed)); len(shown) > 32<<10 {
		t.Errorf("the error has %d bytes", len(shown))
	}
}

// errorMembers returns the members of an error.
func errorMembers(err error) []any {
	e, _ := errors.AsType[*client.Error](err)
	return []any{e.Code, e.Message, e.Type, e.Reason, e.RequestID, e.Fields}
}

// Ensures that the user agent, and an id that the server logs, are in each request.
func TestClient_Headers(t *testing.T) {
	var seen []http.Header
	server := roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r.Header)
		return nil, errors.New("no answer")
	})
	w := newWorld(t)
	c := w.client("https://s.example", client.WithUserAgent("backup/1.2"), client.WithAPIKey("a2V5"),
		client.WithTransport(server))
	_, err := c.Caller(t.Context())
	if describe(t, err) != "0" || len(seen) != client.MaxRetries+1 {
		t.Fatalf("%v after %d attempts", err, len(seen))
	}
	id := seen[0].Get("X-Request-Id")
	for _, header := range seen {
		if header.Get("User-Agent") != "backup/1.2 sallyport-go" || header.Get("Authorization") != "ApiKey a2V5" ||
			id == "" || header.Get("X-Request-Id") != id {
			t.Errorf("the headers are %v", header)
		}
	}
	if !strings.Contains(err.Error(), id) {
		t.Errorf("%v does not name the request %s", err, id)
	}
}

// Ensures that a caller can tell refusals of both families apart.
func TestError_Refusals(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.client(w.direct, client.WithPassword("alice", alicePassword)), w.bob()
	anonymous := w.client(w.direct)
	for _, c := range []struct {
		name string
		call func(context.Context) error
		is   func(error) bool
		want client.Error
	}{
		{"ECE not found", func(ctx context.Context) error { _, err := bob.User(ctx, "carol"); return err },
			client.IsNotFound, client.Error{Status: 404, Code: "user.not_found", Fields: []string{"user_name"}}},
		{"ECE conflict", func(ctx context.Context) error {
			_, err := bob.CreateUser(ctx, "alice", "a passphrase of its own", "ece_deployment_viewer")
			return err
		}, client.IsConflict, client.Error{Status: 409, Code: "user.user_name.conflict", Fields: []string{"user_name"}}},
		{"ECE invalid", func(ctx context.Context) error { _, err := alice.CreateKey(ctx, "x", -time.Second); return err },
			client.IsInvalid, client.Error{Status: 400, Code: "api_keys.invalid_input", Fields: []string{"expiration"}}},
		{"no roles", func(ctx context.Context) error { _, err := bob.CreateUser(ctx, "carol", alicePassword); return err },
			client.IsInvalid, client.Error{Status: 400, Code: "user.roles.invalid", Fields: []string{"security.roles"}}},
		{"ECE forbidden", func(ctx context.Context) error { _, err := alice.User(ctx, "bob"); return err },
			client.IsForbidden, client.Error{Status: 403, Code: "root.unauthorized.rbac"}},
		{"ECE unauthenticated", func(ctx context.Context) error { _, err := anonymous.Caller(ctx); return err },
			client.IsUnauthenticated, client.Error{Status: 401, Code: "root.unauthorized", Fields: []string{"Authorization"}}},
		{"Elasticsearch not found", func(ctx context.Context) error {
			_, err := bob.API().SecurityGetAPIKeysWithResponse(ctx, &gen.SecurityGetAPIKeysParams{ID: new("x")})
			return err
		}, client.IsNotFound, client.Error{Status: 404}},
		{"Elasticsearch invalid", func(ctx context.Context) error {
			_, err := bob.CreateScopedKey(ctx, gen.SecurityCreateAPIKeyRequest{})
			return err
		}, client.IsInvalid, client.Error{Status: 400, Type: "action_request_validation_exception"}},
		{"Elasticsearch forbidden", func(ctx context.Context) error {
			_, err := alice.API().SecurityGetUsersWithResponse(ctx, nil)
			return err
		}, client.IsForbidden, client.Error{Status: 403, Type: "security_exception"}},
		{"Elasticsearch unauthenticated", func(ctx context.Context) error {
			_, err := anonymous.API().SecurityAuthenticateWithResponse(ctx)
			return err
		}, client.IsUnauthenticated, client.Error{Status: 401, Type: "security_exception"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.call(t.Context())
			var e *client.Error
			if !errors.As(err, &e) || !c.is(fmt.Errorf("wrapped: %w", err)) {
				t.Fatalf("the error is %v", err)
			}
			if e.Status != c.want.Status || e.Code != c.want.Code || e.Type != c.want.Type ||
				!slices.Equal(e.Fields, c.want.Fields) || e.RequestID == "" || e.Attempts != 1 || e.Uncertain {
				t.Errorf("got %#v; want %#v", *e, c.want)
			}
			if e.Type != "" && (e.Reason == "" || !strings.Contains(err.Error(), e.Reason)) {
				t.Errorf("%v has no reason", err)
			}
		})
	}
	if client.IsNotFound(nil) || client.IsUnavailable(errors.New("x")) || client.IsUncertain(nil) ||
		client.IsElevationNeeded(errors.New("x")) {
		t.Error("errors of others are taken for the client's")
	}
}

// Ensures that names that would change the path of a request are refused, and not sent.
func TestClient_Segments(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword))
	w.faults.set(pass, 0, "")
	for _, name := range []string{"", ".", ".."} {
		t.Run("name "+name, func(t *testing.T) {
			_, err1 := c.Key(t.Context(), name)
			_, err2 := c.User(t.Context(), name)
			_, err3 := c.UpdateUser(t.Context(), name, gen.UserPatch{})
			errs := []error{err1, err2, err3, c.DeleteKey(t.Context(), name), c.DeleteUser(t.Context(), name)}
			for _, err := range c.KeysOf(t.Context(), name) {
				errs = append(errs, err)
			}
			for i, err := range errs {
				var e *client.Error
				if !errors.As(err, &e) || len(e.Fields) != 1 || !client.IsInvalid(err) || client.IsUnavailable(err) {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	if seen := w.faults.requests(); len(seen) != 0 {
		t.Errorf("sent %v", seen)
	}
}

// Ensures that a redirect of a sign-in leads no password elsewhere, and that one that was asked for is an answer.
func TestClient_LoginRedirect(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.faults.set(status(http.StatusTemporaryRedirect, "Location", w.direct), 1, "_login")
	if err := errorOf(c.Caller(t.Context())); describe(t, err) != "307" {
		t.Errorf("got %v; want 307", err)
	}
	if seen := w.faults.requests(); len(seen) != 1 {
		t.Errorf("the requests are %v", seen)
	}

	w.faults.set(pass, 0, "")
	r, err := c.API().LoginWithResponse(t.Context(), gen.LoginRequest{Username: "alice", Password: alicePassword,
		LoginState: &gen.LoginState{Path: new("/x")}})
	if err != nil {
		t.Fatal(err)
	}
	location := r.HTTPResponse.Header.Get("Location")
	if r.StatusCode() != http.StatusFound || !strings.HasPrefix(location, "/sso/") {
		t.Errorf("%d to %s", r.StatusCode(), location)
	}
	if seen := w.faults.requests(); len(seen) != 1 {
		t.Errorf("the requests are %v", seen)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// Ensures that queries yield each key once, with any order and size of pages, also keys of the same millisecond.
func TestClient_QueryKeys(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.direct, client.WithPassword("alice", alicePassword))
	want := map[string]bool{}
	for i := range 7 {
		key, err := c.CreateKey(t.Context(), fmt.Sprintf("name %d", i%2), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want[key.ID] = true
	}
	for _, query := range []gen.QueryAPIKeysRequest{
		{},
		{Size: new(1)},
		{Size: new(2), Sort: "name"},
		{Size: new(3), Sort: map[string]any{"name": "desc"}},
		{Size: new(2), Sort: []any{"creation", map[string]any{"name": "desc"}}},
		{Size: new(2), Sort: []string{"name", "creation"}},
		{Size: new(7)},
	} {
		t.Run(fmt.Sprint(query.Sort), func(t *testing.T) {
			found := map[string]bool{}
			for key, err := range c.QueryKeys(t.Context(), query) {
				if err != nil {
					t.Fatal(err)
				}
				if found[key.ID] {
					t.Errorf("the key %s is yielded twice", key.ID)
				}
				found[key.ID] = true
			}
			if len(found) != len(want) {
				t.Errorf("%d keys; want %d", len(found), len(want))
			}
		})
	}

	t.Run("a part", func(t *testing.T) {
		n := 0
		for _, err := range c.QueryKeys(t.Context(), gen.QueryAPIKeysRequest{Size: new(2)}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 3 {
				break
			}
		}
	})

	t.Run("a page fails", func(t *testing.T) {
		faulty, n := w.client(w.faulty, client.WithPassword("alice", alicePassword)), 0
		for _, err := range faulty.QueryKeys(t.Context(), gen.QueryAPIKeysRequest{Size: new(4)}) {
			if n++; n == 4 {
				w.server.Fail("security-query-api-keys", sallyporttest.Status(500))
				defer w.endFaults()
			}
			if (n == 5) != (err != nil) {
				t.Errorf("after %d keys: %v", n-1, err)
			}
		}
		if n != 5 {
			t.Errorf("%d elements; want four keys and an error", n)
		}
	})
}

func TestClient_Lists(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.client(w.direct, client.WithPassword("alice", alicePassword)), w.bob()
	created, err := alice.CreateKey(t.Context(), "one", 90*time.Minute)
	if err != nil || created.ExpirationDate == nil || created.ExpirationDate.Sub(w.time()) != 90*time.Minute {
		t.Fatalf("%v, %v", created, err)
	}
	w.advance(time.Second)
	if err := errorOf(alice.CreateKey(t.Context(), "two", 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.UpdateUser(t.Context(), "alice", gen.UserPatch{
		Security: &gen.UserSecurityPatch{Enabled: new(false)}}); err != nil {
		t.Fatal(err)
	}

	var names []string
	for u, err := range bob.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, u.UserName)
	}
	if want := []string{"admin", "alice", "bob", "readonly"}; !slices.Equal(names, want) {
		t.Errorf("the users are %q; want %q", names, want)
	}

	var keys []string
	for key, err := range bob.KeysOf(t.Context(), "alice") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.Description)
	}
	if want := []string{"one", "two"}; !slices.Equal(keys, want) {
		t.Errorf("the keys are %q; want %q", keys, want)
	}
	for _, err := range bob.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break // it must not yield another one
	}
}

// Ensures that an API key works as credentials, and that it has no session.
func TestClient_APIKey(t *testing.T) {
	w := newWorld(t)
	created, err := w.client(w.direct, client.WithPassword("alice", alicePassword)).CreateKey(t.Context(), "one", 0)
	if err != nil {
		t.Fatal(err)
	}
	c := w.client(w.direct, client.WithAPIKey(*created.Key))
	if u, err := c.Caller(t.Context()); err != nil || u.UserName != "alice" {
		t.Errorf("%v, %v", u, err)
	}
	if _, _, err := c.Session(t.Context()); err == nil {
		t.Error("an API key has a session")
	}
	if err := c.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.DeleteKey(t.Context(), created.ID); err != nil {
		t.Error(err)
	}
	if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
		t.Errorf("with a deleted key: %v", err)
	}
}

// Ensures that waits grow, follow Retry-After, and are not made where they cannot help.
func TestRetry_Waits(t *testing.T) {
	w := newWorld(t)
	seconds := func(all ...float64) (waits []time.Duration) {
		for _, s := range all {
			waits = append(waits, time.Duration(s*float64(time.Second)))
		}
		return waits
	}
	forever := func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
	for _, c := range []struct {
		name  string
		ctx   func() (context.Context, context.CancelFunc)
		fault injection
		want  []time.Duration
	}{
		{"without advice", forever, answered(502), seconds(0.15, 0.3, 0.6, 1.2)},
		{"Retry-After", forever, answered(503, sallyporttest.RetryAfter(3*time.Second)),
			seconds(3.1, 3.2, 3.4, 3.8)},
		{"Retry-After with nonsense", forever, spoiled(status(503, "Retry-After", "soon"), always),
			seconds(0.15, 0.3, 0.6, 1.2)},
		{"Retry-After of a minute", forever, answered(503, sallyporttest.RetryAfter(time.Minute)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours := w.client(w.faulty, client.WithPassword("bob", bobPassword))
			c.fault(w, "get-current-user")
			defer w.endFaults()
			w.pauses = nil
			ctx, cancel := c.ctx()
			defer cancel()
			if _, err := ours.Caller(ctx); err == nil {
				t.Error("the request succeeded")
			}
			if !slices.Equal(w.pauses, c.want) {
				t.Errorf("the waits are %v; want %v", w.pauses, c.want)
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		w := newWorld(t) // its time is nearly that of the deadline
		ours := w.client(w.faulty, client.WithAPIKey("a2V5"))
		w.server.Fail("get-current-user", sallyporttest.Status(503), sallyporttest.RetryAfter(25*time.Second))
		ctx, cancel := context.WithDeadline(t.Context(), w.time().Add(20*time.Second))
		defer cancel()
		if err := errorOf(ours.Caller(ctx)); describe(t, err) != "503" || len(w.pauses) != 0 {
			t.Errorf("%v after %v; want the refusal at once", err, w.pauses)
		}
	})
}

// Ensures that the repetitions of all requests together have a limit, and that successes raise it again.
func TestRetry_Budget(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword))
	if err := errorOf(c.Caller(t.Context())); err != nil {
		t.Fatal(err)
	}
	repetitions := func(requests int) int {
		w.faults.set(pass, 0, "")
		w.server.Fail("get-current-user", sallyporttest.Status(502))
		defer w.server.ClearFaults()
		for range requests {
			if err := errorOf(c.Caller(t.Context())); describe(t, err) != "502" {
				t.Fatal(err)
			}
		}
		return len(w.faults.requests()) - requests
	}
	if n := repetitions(3 * client.BudgetSize); n != client.BudgetSize {
		t.Errorf("%d repetitions; want %d", n, client.BudgetSize)
	}
	for range 21 {
		if err := errorOf(c.Caller(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if n := repetitions(10); n != 2 {
		t.Errorf("%d repetitions after 21 successes; want 2", n)
	}
}
