package client_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

const (
	alicePassword = "alice's own passphrase"
	bobPassword   = "bob's own passphrase"
)

// world is a server on two loopback ports: one is reached directly, the other through faults. Its users are alice, a
// viewer of deployments, and bob, a platform administrator. Its clock is also that of the clients.
type world struct {
	*testing.T

	app    *app.App
	direct string
	faulty string
	faults *faults

	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
	paused func() // is called before a pause
	// attempts are those in progress, which expire ends.
	attempts map[*attempt]bool
}

func newWorld(t *testing.T, tune ...func(*app.Settings)) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), attempts: map[*attempt]bool{}}
	log := slog.New(slog.DiscardHandler)
	settings := app.Settings{
		Memory:           true,
		KeyEncryptionKey: make([]byte, secret.KeySize),
		Builtins:         user.Bootstrap{Keep: func(map[string]string) error { return nil }},
		Sessions:         session.DefaultSettings,
		Elevation:        elevation.DefaultSettings,
		Lockout:          attempts.DefaultPolicy,
		AddressFailures:  1_000_000,
		AddressRecovery:  time.Second,
		Hashing:          secret.Cost{Memory: 64, Passes: 1, Threads: 1},
		Log:              log,
		Responses:        edge.ResponsesRefused,
		Now:              w.time,
	}
	for _, change := range tune {
		change(&settings)
	}

	a, err := app.Open(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	w.app = a
	w.faults = &faults{world: w, next: a.Handler}
	w.direct, w.faulty = w.serve(edge.NewServer(a.Handler, log)), w.serve(edge.NewServer(w.faults, log))
	w.add("alice", alicePassword, identity.DeploymentViewer)
	w.add("bob", bobPassword, identity.PlatformAdmin)
	return w
}

func (w *world) serve(config *http.Server) string {
	server := httptest.NewUnstartedServer(nil)
	server.Config = config
	server.Start()
	w.Cleanup(server.Close)
	return server.URL
}

func (w *world) add(name, password string, role identity.Role) {
	w.Helper()
	added := user.New{Name: name, Roles: []string{string(role)}, Password: password}
	if _, err := w.app.Users.Add(w.Context(), added); err != nil {
		w.Fatal(err)
	}
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// pause records a wait of a client, and lets the time pass.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	if w.paused != nil {
		w.paused()
	}
	defer w.mu.Unlock()
	w.now, w.pauses = w.now.Add(d), append(w.pauses, d)
	return ctx.Err()
}

// onPause calls f before each pause.
func (w *world) onPause(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = f
}

// attempt is the context of one attempt, which ends when a test says so.
type attempt struct {
	context.Context //nolint:containedctx // it is one

	cancel  context.CancelFunc
	expired atomic.Bool
}

// Err implements context.Context.
func (a *attempt) Err() error {
	err := a.Context.Err()
	if err != nil && a.expired.Load() {
		return context.DeadlineExceeded
	}
	return err
}

func (w *world) withTimeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancel(ctx)
	a := &attempt{Context: inner, cancel: cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[a] = true
	return a, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.attempts, a)
		cancel()
	}
}

// expire ends all attempts that are in progress, as if their time was over.
func (w *world) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for a := range w.attempts {
		a.expired.Store(true)
		a.cancel()
	}
}

// client returns a client with the clock of the world. Its connections are not kept: net/http would repeat reads on
// them by itself.
func (w *world) client(address string, options ...client.Option) *client.Client {
	w.Helper()
	clock := client.Clock{
		Now:         w.time,
		Random:      func() float64 { return 0.5 },
		Pause:       w.pause,
		WithTimeout: w.withTimeout,
	}
	transport := &http.Transport{DisableKeepAlives: true}
	options = append([]client.Option{client.WithClock(clock), client.WithTransport(transport)}, options...)
	c, err := client.New(address, options...)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// bob returns a client of the administrator that meets no faults.
func (w *world) bob() *client.Client {
	w.Helper()
	return w.client(w.direct, client.WithPassword("bob", bobPassword))
}

// device is a second factor.
type device struct {
	w      *world
	secret string
	asked  atomic.Int32
}

// enroll gives a user a second factor.
func (w *world) enroll(name, password string) *device {
	w.Helper()
	c := w.client(w.direct, client.WithPassword(name, password))
	enrolled, err := c.API().EnrollTOTPDeviceWithResponse(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	d := &device{w: w, secret: enrolled.JSON201.Secret}
	code, err := d.code(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if _, err := c.API().ConfirmTOTPDeviceWithResponse(w.Context(), confirmation(code)); err != nil {
		w.Fatal(err)
	}
	d.asked.Store(0)
	w.advance(30 * time.Second) // the confirming code is used up
	return d
}

// code is the Codes of clients.
func (d *device) code(context.Context) (string, error) {
	d.asked.Add(1)
	return totp.GenerateCode(d.secret, d.w.time())
}

func confirmation(code string) gen.ConfirmTOTPRequest { return gen.ConfirmTOTPRequest{Token: code} }
