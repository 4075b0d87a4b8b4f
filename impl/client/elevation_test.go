package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// Ensures that an operation that needs elevated permissions takes them once, in both families, and where only a user
// with a second factor needs them.
func TestSession_Elevation(t *testing.T) {
	w := newWorld(t)
	d := w.enroll("bob", bobPassword)
	for i, c := range []struct {
		name string
		call func(context.Context, *client.Client) error
	}{
		{"ECE", func(ctx context.Context, c *client.Client) error { return errorOf(c.CreateKey(ctx, "x", 0)) }},
		{"Elasticsearch", func(ctx context.Context, c *client.Client) error {
			return errorOf(c.CreateScopedKey(ctx, gen.SecurityCreateAPIKeyRequest{Name: "x"}))
		}},
		{"unlock", func(ctx context.Context, c *client.Client) error {
			return errorOf(c.API().UnlockUserWithResponse(ctx, "alice"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.advance(30 * time.Second)
			without := w.client(w.direct, client.WithPassword("bob", bobPassword))
			if err := c.call(t.Context(), without); !client.IsElevationNeeded(err) {
				t.Errorf("without codes: %v", err)
			}
			ours := w.client(w.faulty, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
			for range 2 {
				if err := c.call(t.Context(), ours); err != nil {
					t.Fatal(err)
				}
			}
			if n := int(d.asked.Load()); n != i+1 {
				t.Errorf("%d codes were asked for; want %d", n, i+1)
			}
		})
	}

	t.Run("after its end", func(t *testing.T) {
		w.advance(30 * time.Second)
		ours := w.client(w.faulty, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
		d.asked.Store(0)
		for range 5 { // elevation ends in the meantime, and the token is refreshed
			if err := errorOf(ours.CreateKey(t.Context(), "x", 0)); err != nil {
				t.Fatal(err)
			}
			w.advance(elevation.DefaultSettings.Length + time.Second)
		}
		if n := d.asked.Load(); n != 5 {
			t.Errorf("%d codes were asked for; want 5", n)
		}
	})
}

// Ensures that a request with an elevation that ended takes another one, although the token was refreshed meanwhile.
func TestSession_ElevationAndRefresh(t *testing.T) {
	w := newWorld(t)
	d := w.enroll("bob", bobPassword)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
	if err := errorOf(c.CreateKey(t.Context(), "first", 0)); err != nil {
		t.Fatal(err)
	}
	w.advance(16 * time.Minute)
	w.faults.set(func(f *faults, rw http.ResponseWriter, r *http.Request) {
		answer := f.carryOut(r)
		w.advance(16 * time.Minute)
		if err := errorOf(c.Caller(r.Context())); err != nil {
			t.Error(err)
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
	}, 1, "/keys")
	if err := errorOf(c.CreateKey(t.Context(), "second", 0)); err != nil {
		t.Error(err)
	}
	if n := d.asked.Load(); n != 2 {
		t.Errorf("%d codes were asked for; want 2", n)
	}
}

// Ensures that a request does not fail because another one, which it began to wait with, was canceled.
func TestSession_Abandoned(t *testing.T) {
	w := newWorld(t)
	d := w.enroll("bob", bobPassword)
	asked, release := make(chan bool, 2), make(chan bool)
	c := w.client(w.faulty, client.WithPassword("bob", bobPassword),
		client.WithElevation(func(ctx context.Context) (string, error) {
			asked <- true
			<-release
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return d.code(ctx)
		}))
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- errorOf(c.CreateKey(ctx, "first", 0)) }()
	<-asked
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}

	go func() { second <- errorOf(c.CreateKey(t.Context(), "second", 0)) }()
	waitUntil(t, func() bool { return client.Waiting(c) == 1 })
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestSession_ElevationRefused(t *testing.T) {
	w := newWorld(t)
	w.enroll("bob", bobPassword)
	aborted := errors.New("the user gave none")
	for _, c := range []struct {
		name  string
		codes client.Codes
		want  func(error) bool
	}{
		{"wrong code", func(context.Context) (string, error) { return "000000", nil },
			func(err error) bool {
				e, ok := errors.AsType[*client.Error](err)
				return ok && e.Status == http.StatusBadRequest && e.Code == "authc.invalid_token"
			}},
		{"no code", func(context.Context) (string, error) { return "", aborted },
			func(err error) bool { return errors.Is(err, aborted) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			ours := w.client(w.faulty, client.WithPassword("bob", bobPassword),
				client.WithElevation(func(ctx context.Context) (string, error) {
					asked++
					return c.codes(ctx)
				}))
			err := errorOf(ours.CreateKey(t.Context(), "x", 0))
			if e, ok := errors.AsType[*client.Error](err); !ok || !c.want(err) || e.Uncertain || asked != 1 {
				t.Errorf("after %d codes: %v", asked, err)
			}
		})
	}

	t.Run("lost answer", func(t *testing.T) {
		ours := w.client(w.faulty, client.WithPassword("bob", bobPassword),
			client.WithElevation(func(context.Context) (string, error) { return "000000", nil }))
		w.faults.set(pass, 0, "")
		w.server.Fail("enable-elevated-permissions", sallyporttest.Drop(), handled, once)
		if err := errorOf(ours.CreateKey(t.Context(), "x", 0)); describe(t, err) != "0" {
			t.Errorf("%v; want that nothing was created", err)
		}
		seen := strings.Join(w.faults.requests(), "\n")
		if strings.Count(seen, elevate) != 1 {
			t.Errorf("a code was sent more than once: %s", seen)
		}
	})

	t.Run("no second factor", func(t *testing.T) {
		always := sallyporttest.New(t, sallyporttest.ElevationPolicy(sallyporttest.ElevationAlways))
		bob := always.User("bob", "ece_platform_admin")
		ours := w.client(always.URL, client.WithPassword(bob.Name, bob.Password),
			client.WithElevation(func(context.Context) (string, error) { return "000000", nil }))
		if err := errorOf(ours.CreateKey(t.Context(), "x", 0)); err == nil {
			t.Error("a key was created without a second factor")
		}
	})
}

// Ensures that a client signs in with a code where the server asks for one then, once for each session, and says what
// it lacks without one.
func TestSession_CodeAtSignIn(t *testing.T) {
	w := newWorld(t, sallyporttest.ECE("4.2"))
	d := w.enroll("bob", bobPassword)
	without := w.client(w.direct, client.WithPassword("bob", bobPassword))
	err := errorOf(without.CreateKey(t.Context(), "x", 0))
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "root.unauthenticated.second_factor_required" {
		t.Errorf("without codes: %v", err)
	}

	ours := w.client(w.direct, client.WithPassword("bob", bobPassword), client.WithElevation(d.code))
	for range 2 {
		if err := errorOf(ours.CreateKey(t.Context(), "x", 0)); err != nil {
			t.Fatal(err)
		}
		w.advance(20 * time.Minute)
	}
	if n := d.asked.Load(); n != 1 {
		t.Errorf("%d codes were asked for; want 1", n)
	}
	w.advance(13 * time.Hour)
	if err := errorOf(ours.CreateKey(t.Context(), "x", 0)); err != nil || d.asked.Load() != 2 {
		t.Errorf("after the session: %v, and %d codes were asked for", err, d.asked.Load())
	}

	t.Run("no code", func(t *testing.T) {
		none := errors.New("the user has no device at hand")
		c := w.client(w.direct, client.WithPassword("bob", bobPassword),
			client.WithElevation(func(context.Context) (string, error) { return "", none }))
		if err := errorOf(c.Caller(t.Context())); !errors.Is(err, none) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wrong code", func(t *testing.T) {
		asked := 0
		c := w.client(w.direct, client.WithPassword("bob", bobPassword),
			client.WithElevation(func(context.Context) (string, error) { asked++; return "000000", nil }))
		for range 3 {
			if err := errorOf(c.Caller(t.Context())); !client.IsUnauthenticated(err) {
				t.Errorf("got %v", err)
			}
		}
		if asked != 1 {
			t.Errorf("%d codes were asked for; want 1, because failed attempts lock the user", asked)
		}
	})
	t.Run("user without a second factor", func(t *testing.T) {
		c := w.client(w.direct, client.WithPassword("alice", alicePassword), client.WithElevation(d.code))
		if err := errorOf(c.CreateKey(t.Context(), "x", 0)); err != nil {
			t.Error(err)
		}
	})
}
