package http_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	document "github.com/sallyport/sallyport/impl/http/contract"
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

// contract is the document that answers are checked against. Here, unlike in a client's eyes, a member that it does not
// declare is an error.
var contract, router = func() (*openapi3.T, routers.Router) {
	for _, mediaType := range []string{"text/html", "application/samlmetadata+xml"} {
		openapi3filter.RegisterBodyDecoder(mediaType,
			func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
				text, err := io.ReadAll(body)
				return string(text), err
			})
	}

	document, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		panic(err)
	}

	closed := false
	for name, schema := range document.Components.Schemas {
		// Free JSON stays free, and maps say themselves what they hold.
		if schema.Value.Type.Is(openapi3.TypeObject) && name != "FreeObject" &&
			schema.Value.AdditionalProperties.Schema == nil {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}

	router, err := gorillamux.NewRouter(document)
	if err != nil {
		panic(err)
	}

	return document, router
}()

// exercised collects the operations that some test called with success.
var exercised sync.Map

// checked validates every answer against the contract, its status and headers included.
type checked struct {
	t    testing.TB
	seen *secrets
}

// RoundTrip implements http.RoundTripper.
func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := readBody(r)
	if err != nil {
		return nil, err
	}

	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}

	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}

	response.Body = io.NopCloser(bytes.NewReader(body))
	c.seen.collect(r, sent, response, body)
	if err := record(r, sent, response, body); err != nil {
		c.t.Error(err)
	}
	if err := check(r, response, body); err != nil {
		c.t.Errorf("%s %s answered %d %s: %v", r.Method, r.URL, response.StatusCode, body, err)
	}

	return response, nil
}

func check(r *http.Request, response *http.Response, body []byte) error {
	if err := checkAlways(response, body); err != nil {
		return err
	}

	plain := r.Clone(r.Context())
	plain.URL = withoutSlash(withoutRegion(r.URL))
	if isElasticsearch(plain.URL.Path) && response.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		return fmt.Errorf("the header X-Elastic-Product is missing")
	}

	route, params, err := router.FindRoute(plain)
	if err != nil {
		return checkUnrouted(plain.URL.Path, response, body)
	}
	if response.StatusCode < http.StatusBadRequest {
		exercised.Store(route.Operation.OperationID, true)
	}
	if err := checkHeaders(route.Operation, response); err != nil {
		return err
	}

	if !isElasticsearch(plain.URL.Path) || !plain.URL.Query().Has("filter_path") {
		if err := checkBody(route.Operation.OperationID, response, body); err != nil {
			return err
		}
	}

	bare := *route.Operation
	bare.Security = &openapi3.SecurityRequirements{}
	route.Operation = &bare
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request:    plain,
			PathParams: params,
			Route:      route,
		},
		Status: response.StatusCode,
		Header: inPlainJSON(response.Header),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			ExcludeResponseBody:   true, // checkBody has checked it
		},
	}

	return openapi3filter.ValidateResponse(r.Context(), input)
}

// responses has the checks that the server applies to its answers. Here they are applied to what was received: also to
// answers that were sent in parts, or indented.
var responses = sync.OnceValues(func() (*document.Contract, error) {
	c, err := document.Load()
	if err != nil {
		return nil, err
	}
	return c.With(document.Options{Interpret: interpreted, Responses: true}), nil
})

func checkBody(operation string, response *http.Response, body []byte) error {
	c, err := responses()
	if err != nil {
		return err
	}
	invalid := c.Operation(operation).CheckResponse(response.StatusCode, response.Header.Get("Content-Type"), body)
	if invalid != nil {
		return invalid
	}
	return nil
}

// withoutRegion returns the URL that a URL below a region stands for.
func withoutRegion(u *url.URL) *url.URL {
	rest, below := strings.CutPrefix(u.EscapedPath(), "/api/v1/regions/")
	region, rest, more := strings.Cut(rest, "/")
	if !below || !more || region == "" {
		return u
	}

	plain, err := url.Parse("/api/v1/" + rest)
	if err != nil {
		return u
	}

	return plain
}

// isElasticsearch reports whether a path is Elasticsearch's.
func isElasticsearch(path string) bool { return path == "/" || strings.HasPrefix(path, "/_") }

// withoutSlash returns the URL that a URL of Elasticsearch's with a slash behind it stands for.
func withoutSlash(u *url.URL) *url.URL {
	if !isElasticsearch(u.Path) || u.Path == "/" {
		return u
	}
	plain := *u
	plain.Path, plain.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	return &plain
}

// inPlainJSON returns the headers of an answer with the one name for JSON that the contract has.
func inPlainJSON(h http.Header) http.Header {
	if strings.HasPrefix(h.Get("Content-Type"), "application/vnd.elasticsearch+json") {
		h = h.Clone()
		h.Set("Content-Type", "application/json")
	}
	return h
}

// internals are texts that no caller may ever be shown.
var internals = []string{"sql:", "sqlite", ".go:", "goroutine", "panic: ", "openapi3", "runtime error", "$argon2",
	"constraint"}

// checkAlways checks what holds for every answer.
func checkAlways(response *http.Response, body []byte) error {
	for _, text := range internals {
		if bytes.Contains(body, []byte(text)) {
			return fmt.Errorf("the body shows internals: %q", text)
		}
	}

	for name, want := range map[string]string{
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "no-referrer",
	} {
		if got := response.Header.Get(name); got != want {
			return fmt.Errorf("the header %s is %q, not %q", name, got, want)
		}
	}

	if response.Header.Get("X-Request-Id") == "" {
		return fmt.Errorf("there is no X-Request-Id")
	}

	return nil
}

// checkUnrouted checks the answer at a path or method that no operation has.
func checkUnrouted(path string, response *http.Response, body []byte) error {
	if isElasticsearch(path) {
		return checkUnroutedElasticsearch(response, body)
	}
	if response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("the contract has no such operation, so this must be 404 or 405")
	}

	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}

	return contract.Components.Schemas["BasicFailedReply"].Value.VisitJSON(value)
}

func checkUnroutedElasticsearch(response *http.Response, body []byte) error {
	if response.StatusCode != http.StatusBadRequest && response.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("the contract has no such operation, so this must be 400 or 405")
	}

	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if schema, declared := contract.Components.Schemas["ElasticsearchError"]; declared {
		return schema.Value.VisitJSON(value)
	}

	return nil
}

// TestMain ensures that every operation of the contract is called with success by some test, when all tests run.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" &&
		flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	if code == 0 && all {
		code = checkExercised()
	}
	os.Exit(code)
}

// common are the headers that HTTP, or the contract's conventions, give every answer.
var common = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Referrer-Policy",
	"X-Content-Type-Options", "X-Elastic-Product", "X-Request-Id",
}

// checkHeaders refuses a header that the contract does not declare.
func checkHeaders(op *openapi3.Operation, response *http.Response) error {
	declared := op.Responses.Status(response.StatusCode)
	if declared == nil {
		declared = op.Responses.Default()
	}
	if declared == nil {
		return fmt.Errorf("the contract does not declare the status %d for %s: add it to api/openapi.yaml",
			response.StatusCode, op.OperationID)
	}
	if statuses, given := declared.Value.Extensions["x-statuses"].([]any); given &&
		!slices.Contains(statuses, any(strconv.Itoa(response.StatusCode))) {
		return fmt.Errorf("the contract does not declare the status %d", response.StatusCode)
	}

	for name := range response.Header {
		known := slices.Contains(common, name)
		for each := range declared.Value.Headers {
			known = known || http.CanonicalHeaderKey(each) == name
		}
		if !known {
			return fmt.Errorf("the contract does not declare the header %s of the status %d for %s", name, response.StatusCode,
				op.OperationID)
		}
	}

	return nil
}

func checkExercised() int {
	code := 0
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			if _, ok := exercised.Load(op.OperationID); !ok {
				fmt.Fprintf(os.Stderr, "no test calls %s %s (%s) with success\n", method, path, op.OperationID)
				code = 1
			}
		}
	}

	return code
}
