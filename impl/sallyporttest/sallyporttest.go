// Package sallyporttest runs whole Sallyport servers in Go tests: the API of Elastic Cloud Enterprise (ECE) and the
// API-key family of Elasticsearch, with a clock that tests advance, and faults to test clients against.
//
//	func TestRotation(t *testing.T) {
//		s := sallyporttest.New(t)
//		alice := s.User("alice", "ece_deployment_viewer")
//		s.Fail("create-api-key", sallyporttest.Status(502), sallyporttest.Times(3))
//		rotate(t, s.URL, alice.Name, alice.Password) // what is to be tested
//	}
//
// Each server has its own records, in memory, and a loopback port. A server starts within milliseconds, so each test
// can have its own, and tests can run in parallel. It ends with its test. What cannot be done, such as to add a user
// that exists, fails the test at once.
//
// Servers answer as Sallyport's own do, with two differences: their passwords are hashed at almost no cost, and their
// clock can be set. So this package works in tests only, and [New] panics in other programs.
package sallyporttest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/control"
	"github.com/sallyport/sallyport/impl/http/controlapi"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// cheap is the cost of password hashing. It protects nothing.
var cheap = secret.Cost{Memory: 8, Passes: 1, Threads: 1}

// Server is a server for one test. It is safe for concurrent use.
type Server struct {
	// URL is the address of the server, such as http://127.0.0.1:40123, without a path.
	URL string
	// Admin is the built-in user admin, a platform admin. Built-in users own no API keys.
	Admin User
	// Clock is the time of the server.
	Clock Clock
	// ControlToken authorizes requests to the control API below /_control/v1, the contract of which is api/control.yaml,
	// for a test that starts programs in other languages.
	ControlToken string

	t       testing.TB
	control *control.Server
	handler http.Handler
}

// starting limits how many servers start at once, so that none of hundreds of parallel tests waits for a time that the
// server finds too long.
var starting = make(chan struct{}, runtime.GOMAXPROCS(0))

// New starts a server, which ends with the test.
func New(t testing.TB, options ...Option) *Server {
	if !testing.Testing() {
		panic("sallyporttest: this is not a test")
	}
	t.Helper()

	starting <- struct{}{}
	s, err := start(t, options)
	<-starting
	if err != nil {
		t.Fatalf("sallyporttest: New: %v", err)
	}
	return s
}

func start(t testing.TB, options []Option) (*Server, error) {
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	settings, err := configure(options, log)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c, adminPassword, err := open(t.Context(), settings, seedOf(options))
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}

	token := secret.Text(18)
	handler, err := controlapi.New(controlapi.Config{Server: c, Token: token, Log: log})
	if err != nil {
		return nil, errors.Join(err, listener.Close(), c.Close())
	}

	s := &Server{
		URL:          "http://" + listener.Addr().String(),
		Admin:        User{Name: user.Admin, Password: adminPassword, Roles: []string{"ece_platform_admin"}},
		Clock:        Clock{t, c.Clock},
		ControlToken: token,
		t:            t,
		control:      c,
		handler:      handler,
	}
	server := edge.NewServer(handler, log)
	go server.Serve(listener) //nolint:errcheck // it returns an error when it is closed
	t.Cleanup(func() {
		// Closed connections end the requests in progress.
		if err := errors.Join(server.Close(), c.Close()); err != nil {
			t.Errorf("sallyporttest: the server cannot be closed: %v", err)
		}
	})
	return s, nil
}

// open opens a server, and returns it with the password of admin. It is deterministic unless the seed is nil.
func open(ctx context.Context, settings app.Settings, seed *uint64) (*control.Server, string, error) {
	configured := settings.Builtins.Passwords[user.Admin]
	if seed != nil {
		var generated map[string]string
		settings.Builtins.Keep = func(passwords map[string]string) error {
			generated = passwords
			return nil
		}
		c, err := control.OpenDeterministic(ctx, settings, *seed)
		return c, cmp.Or(configured, generated[user.Admin]), err
	}

	initial, err := template()
	if err != nil {
		return nil, "", err
	}
	c, err := control.Open(ctx, settings, initial.Snapshot)
	return c, cmp.Or(configured, initial.adminPassword), err
}

// Handler returns the server as a handler, for tests that need no port. A fault that drops the connection panics with
// [http.ErrAbortHandler].
func (s *Server) Handler() http.Handler { return s.handler }

// context returns the context of what the server does for the test, also in its Cleanup.
func (s *Server) context() context.Context { return context.WithoutCancel(s.t.Context()) }

// do calls f with the app, and fails the test if it returns an error.
func (s *Server) do(what string, f func(context.Context, *app.App) error) {
	s.t.Helper()
	if err := s.control.Do(func(a *app.App) error { return f(s.context(), a) }); err != nil {
		s.t.Fatalf("sallyporttest: %s: %v", what, err)
	}
}

// initialState is the state in which servers start.
type initialState struct {
	control.Snapshot

	adminPassword string
}

// template returns the initial state, which is created once per process: a database with the current schema, the
// built-in users and a signing key.
var template = sync.OnceValues(func() (initialState, error) {
	ctx := context.Background()
	settings, err := configure(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return initialState{}, err
	}
	initial := initialState{adminPassword: secret.Text(18)}
	settings.KeyEncryptionKey = secret.NewKey()
	settings.Builtins.Passwords = map[string]string{user.Admin: initial.adminPassword, user.Readonly: secret.Text(18)}

	s, err := control.Open(ctx, settings, control.Snapshot{})
	if err != nil {
		return initialState{}, err
	}
	initial.Snapshot, err = s.Snapshot(ctx)
	return initial, errors.Join(err, s.Close())
})

// Clock is the time of a server. It runs, and can be advanced. Everything that the server decides by time follows it:
// what expires, caches, limits of failed attempts and locks of users. Timeouts of connections and delays of faults are
// in real time.
type Clock struct {
	t     testing.TB
	clock *control.Clock
}

// Now returns the time.
func (c Clock) Now() time.Time { return c.clock.Now() }

// Advance moves the clock forward. It fails the test if d is negative.
func (c Clock) Advance(d time.Duration) {
	c.t.Helper()
	if d < 0 {
		c.t.Fatalf("sallyporttest: Advance: time does not go back, and %v is negative", d)
	}
	c.clock.Advance(d)
}

// Freeze stops the clock, until [Server.Reset]. It can still be advanced.
func (c Clock) Freeze() { c.clock.Freeze() }
