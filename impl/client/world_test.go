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
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/sallyporttest"
)

const (
	alicePassword = "alice's own passphrase"
	bobPassword   = "bob's own passphrase"
)

// world is a server on two loopback ports: one is reached directly, the other through faults. Its users are alice, a
// viewer of deployments, and bob, a platform administrator. Its clock is also that of the clients.
type world struct {
	*testing.T

	server *sallyporttest.Server
	direct string
	faulty string
	faults *faults

	mu     sync.Mutex
	pauses []time.Duration
	paused func() // is called before a pause
	// attempts are those in progress, which expire ends.
	attempts map[*attempt]bool
}

func newWorld(t *testing.T, options ...sallyporttest.Option) *world {
	t.Helper()
	options = append([]sallyporttest.Option{
		sallyporttest.Setting("response_validation", "refuse"),
		sallyporttest.Setting("lockout.address_failures", "1000000"),
	}, options...)
	server := sallyporttest.New(t, options...)
	server.Clock.Freeze()
	now := server.Clock.Now()
	server.Clock.Advance(now.Truncate(time.Second).Add(time.Second).Sub(now)) // tokens have whole seconds

	w := &world{T: t, server: server, direct: server.URL, attempts: map[*attempt]bool{}}
	w.faults = &faults{world: w, next: server.Handler()}
	w.faulty = w.serve(edge.NewServer(w.faults, slog.New(slog.DiscardHandler)))

	admin := w.client(w.direct, client.WithPassword(server.Admin.Name, server.Admin.Password))
	for _, u := range []struct{ name, password, role string }{
		{"alice", alicePassword, "ece_deployment_viewer"},
		{"bob", bobPassword, "ece_platform_admin"},
	} {
		if _, err := admin.CreateUser(t.Context(), u.name, u.password, u.role); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) serve(config *http.Server) string {
	server := httptest.NewUnstartedServer(nil)
	server.Config = config
	server.Start()
	w.Cleanup(server.Close)
	return server.URL
}

func (w *world) time() time.Time { return w.server.Clock.Now() }

func (w *world) advance(d time.Duration) { w.server.Clock.Advance(d) }

// endFaults ends the faults of the server and those in front of it.
func (w *world) endFaults() {
	w.server.ClearFaults()
	w.faults.set(pass, 0, "")
}

// pause records a wait of a client, and lets the time pass.
func (w *world) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	if w.paused != nil {
		w.paused()
	}
	defer w.mu.Unlock()
	w.advance(d)
	w.pauses = append(w.pauses, d)
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
