package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

const (
	login   = "POST /api/v1/users/auth/_login"
	refresh = "POST /api/v1/users/auth/_refresh"
	elevate = "POST /api/v1/users/auth/_elevate"
	caller  = "GET /api/v1/user"
)

// call asks for the caller, and returns the requests that this took.
func (w *world) call(c *client.Client) []string {
	w.Helper()
	w.faults.set(pass, 0, "")
	return w.callAgain(c)
}

// callAgain is call with the faults as they are.
func (w *world) callAgain(c *client.Client) []string {
	w.Helper()
	before := len(w.faults.requests())
	if err := errorOf(c.Caller(w.Context())); err != nil {
		w.Fatal(err)
	}
	return w.faults.requests()[before:]
}

func (w *world) wantRequests(got []string, want ...string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("the requests are %q; want %q", got, want)
	}
}

// Ensures that a session is refreshed in the middle of its token's time, until the session itself ends, and that then
// another one begins.
func TestSession_Lifetime(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.wantRequests(w.call(c), login, caller)
	w.wantRequests(w.call(c), caller)
	w.advance(14 * time.Minute)
	w.wantRequests(w.call(c), caller)
	w.advance(time.Minute)
	w.wantRequests(w.call(c), refresh, caller)
	w.wantRequests(w.call(c), caller)

	refreshes, signIns := 0, 0
	end := w.time().Add(13 * time.Hour)
	for w.time().Before(end) {
		w.advance(time.Minute)
		seen := w.call(c)
		refreshes += strings.Count(strings.Join(seen, "\n"), refresh)
		signIns += strings.Count(strings.Join(seen, "\n"), login)
	}
	if refreshes > 60 || refreshes < 40 || signIns != 1 {
		t.Errorf("%d refreshes and %d sign-ins in 13 hours; want about four an hour, and one", refreshes, signIns)
	}
}

// Ensures that a token that expires with its session is not refreshed again and again.
func TestSession_End(t *testing.T) {
	w := newWorld(t, sallyporttest.Setting("session.absolute", "45m"))
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.wantRequests(w.call(c), login, caller)
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{15 * time.Minute, []string{refresh, caller}},
		{15 * time.Minute, []string{refresh, caller}}, // the token got expires when the one before does: with the session
		{8 * time.Minute, []string{caller}},
		{6 * time.Minute, []string{caller}},
		{time.Minute, []string{caller, login, caller}},
	} {
		w.advance(step.after)
		w.wantRequests(w.call(c), step.want...)
	}
}

// Ensures that a client that was idle signs in again, with one request more than it needs.
func TestSession_Idle(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.call(c)
	w.advance(time.Hour)
	w.wantRequests(w.call(c), refresh, login, caller)
}

// Ensures that a refresh that fails does not fail a request, while the token is valid.
func TestSession_RefreshFails(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.call(c)
	w.advance(16 * time.Minute)
	w.server.Fail("refresh-token", sallyporttest.Status(500), once)
	w.wantRequests(w.callAgain(c), refresh, caller)
	w.wantRequests(w.callAgain(c), caller)
	w.advance(8 * time.Minute)
	w.wantRequests(w.callAgain(c), refresh, caller)
}

// Ensures that a lost answer to a sign-in or a refresh is asked for again.
func TestSession_LostAnswers(t *testing.T) {
	for path, operation := range map[string]string{"_login": "login", "_refresh": "refresh-token"} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(t)
			c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
			if path == "_refresh" {
				w.call(c)
				w.advance(16 * time.Minute)
			}
			w.server.Fail(operation, sallyporttest.Drop(), handled, sallyporttest.Times(2))
			again := "POST /api/v1/users/auth/" + path
			w.wantRequests(w.callAgain(c), again, again, again, caller)
		})
	}
}

// Ensures that a token of another process is refreshed, and that the client shows the one that it has got.
func TestSession_WithSession(t *testing.T) {
	w := newWorld(t)
	value, expires, err := w.client(w.direct, client.WithPassword("alice", alicePassword)).Session(t.Context())
	if err != nil || expires.Sub(w.time()) != 30*time.Minute {
		t.Fatal(expires, err)
	}
	c := w.client(w.faulty, client.WithSession(value, expires))
	w.wantRequests(w.call(c), caller)
	w.advance(16 * time.Minute)
	w.wantRequests(w.call(c), refresh, caller)
	next, later, err := c.Session(t.Context())
	if err != nil || next == value || !later.After(expires) {
		t.Errorf("the session is %v, %v", later, err)
	}

	w.advance(31 * time.Minute)
	w.faults.set(pass, 0, "")
	if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
		t.Errorf("with an expired token: %v", err)
	}

	t.Run("unknown expiry", func(t *testing.T) {
		value, _, err := w.client(w.direct, client.WithPassword("alice", alicePassword)).Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := w.client(w.faulty, client.WithSession(value, time.Time{}))
		w.advance(20 * time.Minute)
		w.wantRequests(w.call(c), caller)
		w.faults.set(unauthorized, 1, "/user")
		w.wantRequests(w.callAgain(c), caller, refresh, caller)
	})
}

// Ensures that a password that was refused is not sent with every request, because that would lock the user.
func TestSession_WrongPassword(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", "not alice's passphrase"))
	w.faults.set(pass, 0, "")
	guesses := func() int { return strings.Count(strings.Join(w.faults.requests(), "\n"), login) }
	for range 5 {
		err := errorOf(c.CreateKey(t.Context(), "x", 0))
		if describe(t, err) != "401" || !client.IsUnauthenticated(err) {
			t.Fatal(err)
		}
	}
	if n := guesses(); n != 1 {
		t.Errorf("%d guesses; want 1", n)
	}
	for range 600 {
		w.advance(time.Minute)
		if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
			t.Fatal(err)
		}
	}
	if n := guesses(); n < 10 || n > 20 {
		t.Errorf("%d guesses in ten hours; want about one an hour", n)
	}
}

func TestSession_SignOut(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.call(c)
	value, expires, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.server.Fail("logout", sallyporttest.Drop(), handled, once)
	if err := c.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	other := w.client(w.faulty, client.WithSession(value, expires))
	if err := errorOf(other.Caller(t.Context())); !client.IsUnauthenticated(err) {
		t.Errorf("after the session has ended: %v", err)
	}
	if err := other.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	w.faults.set(pass, 0, "")
	if err := errorOf(other.CreateKey(t.Context(), "x", 0)); err == nil || len(w.faults.requests()) != 0 {
		t.Errorf("without a session and a password: %v after %v", err, w.faults.requests())
	}
	if err := c.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantRequests(w.call(c), login, caller)
}

// Ensures that a new password is used from then on, and that the old one is proved again if that was too long ago.
func TestSession_SetPassword(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.call(c)
	w.advance(elevation.RecentPassword + time.Minute)
	const next = "alice's next passphrase"
	if err := c.SetPassword(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	w.wantRequests(w.call(c), login, caller)
	other := w.client(w.direct, client.WithPassword("alice", next))
	if err := errorOf(other.Caller(t.Context())); err != nil {
		t.Error(err)
	}
	if err := other.SetPassword(t.Context(), "short"); !client.IsInvalid(err) {
		t.Errorf("a short password: %v", err)
	}
}

// afterwards calls a function after each answer to a request with a method.
type afterwards struct {
	method string
	f      func()
}

// RoundTrip implements http.RoundTripper.
func (a afterwards) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if r.Method == a.method {
		a.f()
	}
	return answer, err
}

// Ensures that a new password is used even if the old one was refused to another request while it was being changed.
func TestSession_SetPasswordWhileOthersSignIn(t *testing.T) {
	w := newWorld(t)
	var c *client.Client
	c = w.client(w.direct, client.WithPassword("alice", alicePassword),
		client.WithTransport(afterwards{http.MethodPatch, func() {
			if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
				t.Errorf("the old password: %v", err)
			}
		}}))
	if err := c.SetPassword(t.Context(), "alice's next passphrase"); err != nil {
		t.Fatal(err)
	}
	if err := errorOf(c.Caller(t.Context())); err != nil {
		t.Errorf("the new password: %v", err)
	}
}

// Ensures that concurrent requests of one client sign in, refresh and elevate together.
func TestSession_Concurrent(t *testing.T) {
	w := newWorld(t)
	d := w.enroll("bob", bobPassword)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
	const callers, rounds = 20, 4
	w.faults.set(pass, 0, "")
	for round := range rounds {
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				if err := errorOf(c.CreateKey(t.Context(), fmt.Sprint(round, " ", i), 0)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		w.advance(16 * time.Minute)
	}

	seen := strings.Join(w.faults.requests(), "\n")
	for request, want := range map[string]int{login: 1, refresh: rounds - 1, elevate: rounds} {
		if n := strings.Count(seen, request); n != want {
			t.Errorf("%d times %s; want %d", n, request, want)
		}
	}
	if n, err := keysOf(t.Context(), w, d); err != nil || n != callers*rounds {
		t.Errorf("%d keys, %v; want %d", n, err, callers*rounds)
	}
}

func keysOf(ctx context.Context, w *world, d *device) (n int, err error) {
	c := w.client(w.direct, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
	for _, err := range c.Keys(ctx) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Ensures that a request that is canceled stops waiting for a sign-in that others wait for too, that it does not end
// with the first, and that it ends with the last.
func TestSession_Canceled(t *testing.T) {
	w := newWorld(t)
	arrived, release := make(chan context.Context, 1), make(chan struct{})
	w.faults.set(func(f *faults, rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // net/http notices a disconnect after the whole body only
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		arrived <- r.Context()
		select {
		case <-release:
			pass(f, rw, r)
		case <-r.Context().Done():
		}
	}, always, "_login")

	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	call := func(ctx context.Context) chan error {
		done := make(chan error, 1)
		go func() { done <- errorOf(c.Caller(ctx)) }()
		return done
	}
	first, cancelFirst := context.WithCancel(t.Context())
	firstDone := call(first)
	<-arrived
	secondDone := call(t.Context())
	waitUntil(t, func() bool { return client.Waiting(c) == 2 })

	cancelFirst()
	if err := <-firstDone; client.IsUncertain(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("the canceled request: %v", err)
	}
	close(release)
	if err := <-secondDone; err != nil {
		t.Errorf("the other request: %v", err)
	}

	release = make(chan struct{})
	alone := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- errorOf(alone.Caller(ctx)) }()
	signIn := <-arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-signIn.Done() // the sign-in is canceled
	close(release)
	if err := errorOf(alone.Caller(t.Context())); err != nil {
		t.Errorf("after a canceled sign-in: %v", err)
	}
}

// Ensures that a context that ends while a request is sent, or waits to be sent again, is the cause of the error.
func TestClient_Canceled(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword))
	w.call(c)
	for _, kind := range []struct {
		name  string
		fault func(cancel func()) fault
		want  string
	}{
		{"while it is sent", func(cancel func()) fault {
			return func(f *faults, _ http.ResponseWriter, r *http.Request) {
				f.carryOut(r)
				cancel()
				<-r.Context().Done()
			}
		}, "0? 1"},
		{"while it waits", func(cancel func()) fault {
			return func(f *faults, rw http.ResponseWriter, r *http.Request) {
				f.world.onPause(cancel)
				refusal(503, "root.overloaded", 1)(f, rw, r)
			}
		}, "503 0"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.faults.set(kind.fault(cancel), 1, "")
			defer w.onPause(func() {})
			err := errorOf(c.CreateKey(ctx, kind.name, 0))
			n, failed := keysNamed(t.Context(), w.bob(), kind.name)
			if failed != nil {
				t.Fatal(failed)
			}
			if got := fmt.Sprint(describe(t, err), " ", n); got != kind.want || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want %s", got, err, kind.want)
			}
		})
	}

	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.faults.set(pass, 0, "")
		err := errorOf(c.CreateKey(ctx, "x", 0))
		if !errors.Is(err, context.Canceled) || client.IsUncertain(err) || len(w.faults.requests()) != 0 {
			t.Errorf("%v after %v", err, w.faults.requests())
		}
	})
}

// Ensures that credentials of a request's own are sent as they are.
func TestClient_OwnCredentials(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.faults.set(pass, 0, "")
	r, err := c.API().GetCurrentUserWithResponse(t.Context(), func(_ context.Context, r *http.Request) error {
		r.SetBasicAuth("bob", bobPassword)
		return nil
	})
	if err != nil || r.JSON200.UserName != "bob" {
		t.Errorf("%v, %v", r, err)
	}
	w.wantRequests(w.faults.requests(), caller)
}

// Ensures that a demoted or disabled user's refusals are not repeated.
func TestSession_Disabled(t *testing.T) {
	w := newWorld(t)
	c := w.client(w.faulty, client.WithPassword("alice", alicePassword))
	w.call(c)
	if _, err := w.bob().UpdateUser(t.Context(), "alice", gen.UserPatch{
		Security: &gen.UserSecurityPatch{Enabled: new(false)}}); err != nil {
		t.Fatal(err)
	}
	w.faults.set(pass, 0, "")
	for range 3 {
		if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
			t.Error(err)
		}
	}
	w.wantRequests(w.faults.requests(), caller, login)
}

// waitUntil yields to other goroutines until a condition holds.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("the condition never held")
		}
		runtime.Gosched()
	}
}
