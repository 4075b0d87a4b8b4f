package http_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/edge"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// cheap hashing: what it costs is not what these tests are about.
var cheap = secret.Cost{Memory: 64, Passes: 1, Threads: 1}

const (
	adminPassword    = "admin's own passphrase"
	readonlyPassword = "readonly's own passphrase"
	alicePassword    = "alice's own passphrase"
	bobPassword      = "bob's own passphrase"
)

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// noon is when every world begins.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// world is a server on a loopback port, with a database, and two users beside the built-in ones: alice, a deployments
// viewer, and bob, a platform admin.
type world struct {
	*testing.T
	app    *app.App
	clock  *clock
	client *client.ClientWithResponses
	url    string
	dsn    string
	behind *sql.DB // a direct connection to the database
	seen   *secrets
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := open(t, newDSN(t))
	w.addUsers()
	return w
}

// addUsers adds alice and bob.
func (w *world) addUsers() {
	w.Helper()
	for _, n := range []user.New{
		{Name: "alice", Roles: []string{string(identity.DeploymentViewer)}, Password: alicePassword},
		{Name: "bob", Roles: []string{string(identity.PlatformAdmin)}, Password: bobPassword},
	} {
		if _, err := w.app.Users.Add(w.Context(), n); err != nil {
			w.Fatal(err)
		}
	}
}

func open(t *testing.T, dsn string) *world {
	t.Helper()
	return openWith(t, dsn, io.Discard, func(*app.Settings) {})
}

// openLogged returns a world with a readable log.
func openLogged(t *testing.T, log io.Writer) *world {
	t.Helper()
	return openWith(t, newDSN(t), log, func(*app.Settings) {})
}

// openTuned is a world with settings of its own.
func openTuned(t *testing.T, tune func(*app.Settings)) *world {
	t.Helper()
	return openWith(t, newDSN(t), io.Discard, tune)
}

// settings returns the settings of a server with cheap password hashing and no limit on failures of the tests' address.
// interpreted is set if all tests run without the compiled checks, to see that these make no difference.
var interpreted = os.Getenv("SALLYPORT_TEST_VALIDATION") == "interpreted"

func settings(dsn string, log *slog.Logger, now func() time.Time) app.Settings {
	return app.Settings{
		Store:            dsn,
		KeyEncryptionKey: make([]byte, secret.KeySize),
		Builtins: user.Bootstrap{Passwords: map[string]string{
			user.Admin:    adminPassword,
			user.Readonly: readonlyPassword,
		}},
		Sessions:        session.DefaultSettings,
		Elevation:       elevation.DefaultSettings,
		Compatibility:   compatibility.Default,
		Lockout:         attempts.DefaultPolicy,
		AddressFailures: 1_000_000,
		AddressRecovery: time.Second,
		SignOn:          saml.DefaultLimits,
		Hashing:         cheap,
		CacheLifetime:   cacheLifetime,
		Log:             log,
		Responses:       edge.ResponsesRefused,
		Interpret:       interpreted,
		Now:             now,
	}
}

func openWith(t *testing.T, dsn string, logTo io.Writer, tune func(*app.Settings)) *world {
	t.Helper()

	w := &world{T: t, clock: &clock{now: noon}, dsn: dsn}
	w.seen = &secrets{found: map[string]bool{}}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(logTo, w.seen), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := settings(dsn, log, w.clock.Now)
	tune(&s)
	a, err := app.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}

	server := httptest.NewUnstartedServer(nil)
	server.Config = edge.NewServer(a.Handler, log)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		w.seen.check(t, dsn)
	})

	w.app, w.url = a, server.URL
	if dsn != store.None {
		w.behind = connect(t, dsn)
		t.Cleanup(func() { _ = w.behind.Close() }) // before the secrets are looked for
	}

	w.client, err = client.NewClientWithResponses(server.URL, client.WithHTTPClient(w.httpClient()))
	if err != nil {
		t.Fatal(err)
	}

	return w
}

// httpClient follows no redirects and checks every answer.
func (w *world) httpClient() *http.Client {
	return &http.Client{
		Transport:     checked{w.T, w.seen},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}
}

// as returns the editor that authenticates a request.
func as(name, password string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.SetBasicAuth(name, password)
		return nil
	}
}

func authorization(value string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", value)
		return nil
	}
}

func bearer(token string) client.RequestEditorFn { return authorization("Bearer " + token) }

func apiKey(key string) client.RequestEditorFn { return authorization("ApiKey " + key) }

var (
	admin = as(user.Admin, adminPassword)
	alice = as("alice", alicePassword)
	bob   = as("bob", bobPassword)
)

// login returns a session token.
func (w *world) login(name, password string) string {
	w.Helper()
	r, err := w.client.LoginWithResponse(w.Context(), client.LoginRequest{Username: name, Password: password})
	if err != nil || r.JSON200 == nil {
		w.Fatalf("login of %s: %v %v", name, r, err)
	}
	return r.JSON200.Token
}

// newKey creates a key of a caller.
func (w *world) newKey(caller client.RequestEditorFn, description, expiration string) client.APIKeyResponse {
	w.Helper()

	request := client.CreateAPIKeyRequest{Description: description}
	if expiration != "" {
		request.Expiration = &expiration
	}

	r, err := w.client.CreateAPIKeyWithResponse(w.Context(), request, caller)
	if err != nil || r.JSON201 == nil {
		w.Fatalf("creation of a key: %v %s", err, r.Body)
	}

	return *r.JSON201
}

// do makes a request that is nothing more than what is given here.
func (w *world) do(method, path, body string, editors ...client.RequestEditorFn) (*http.Response, string) {
	w.Helper()

	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}

	for _, edit := range editors {
		if err := edit(r.Context(), r); err != nil {
			w.Fatal(err)
		}
	}

	response, err := w.httpClient().Do(r)
	if err != nil {
		w.Fatal(err)
	}

	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}

	return response, string(text)
}

// refused fails the test unless the answer is this failure, in body and header, with these fields.
func (w *world) refused(response *http.Response, body string, status int, code string, fields ...string) {
	w.Helper()

	var reply client.BasicFailedReply
	if err := json.Unmarshal([]byte(body), &reply); err != nil || len(reply.Errors) != 1 {
		w.Fatalf("%s is not the body of a failure (%v)", body, err)
	}

	got := reply.Errors[0]
	var gotFields []string
	if got.Fields != nil {
		gotFields = *got.Fields
	}

	if response.StatusCode != status || got.Code != code || response.Header.Get("x-cloud-error-codes") != code ||
		strings.Join(gotFields, " ") != strings.Join(fields, " ") || got.Message == "" {
		w.Errorf("got %d %q %s, want %d %s %v", response.StatusCode, response.Header.Get("x-cloud-error-codes"), body, status,
			code, fields)
	}
}
