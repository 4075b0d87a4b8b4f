package sallyporttest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

const (
	account = "/api/v1/account"
	keys    = "/api/v1/users/auth/keys"
)

// status returns the status of a request with credentials.
func status(t *testing.T, s *sallyporttest.Server, c sallyporttest.Credentials, method, path, body string) int {
	t.Helper()
	response, err := send(t, s, c, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func send(
	t *testing.T, s *sallyporttest.Server, c sallyporttest.Credentials, method, path, body string,
) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := s.Client(c).Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(strings.NewReader(string(text)))
	return response, err
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	nothing := s.Key(alice, sallyporttest.RoleDescriptors(`{"none": {"cluster": []}}`))
	other := sallyporttest.User{Name: "alice", Password: "another passphrase"}
	for name, c := range map[string]struct {
		credentials sallyporttest.Credentials
		path        string
		want        int
	}{
		"administrator":           {s.Admin, "/api/v1/users", http.StatusOK},
		"user":                    {alice, account, http.StatusOK},
		"user without permission": {alice, "/api/v1/users", http.StatusForbidden},
		"wrong password":          {other, account, http.StatusUnauthorized},
		"key":                     {s.Key(alice), keys, http.StatusOK},
		"key with privileges":     {s.Key(alice), "/_security/_authenticate", http.StatusOK},
		"key without privileges":  {nothing, "/_security/api_key", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			if got := status(t, s, c.credentials, "GET", c.path, ""); got != c.want {
				t.Errorf("the status is %d", got)
			}
		})
	}
}

// Ensures that a client's credentials stay with its server.
func TestClient_OtherHost(t *testing.T) {
	t.Parallel()
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Values("Authorization")
	}))
	defer other.Close()
	s := sallyporttest.New(t)
	response, err := s.Client(s.Admin).Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got != nil {
		t.Errorf("another server received %v", got)
	}
}

func TestKey_Options(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	s.Clock.Freeze()
	key := s.Key(s.User("alice", "ece_deployment_viewer"),
		sallyporttest.Named("nightly backup"), sallyporttest.ExpiresIn(time.Hour))
	if left := key.Expires.Sub(s.Clock.Now()); left <= time.Hour-time.Millisecond || left > time.Hour {
		t.Errorf("the key expires in %v", left)
	}
	response, err := send(t, s, key, "GET", "/_security/_authenticate", "")
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Username string
		APIKey   struct{ ID, Name string } `json:"api_key"`
	}
	if err := json.NewDecoder(response.Body).Decode(&shown); err != nil {
		t.Fatal(err)
	}
	if shown.Username != "alice" || shown.APIKey.ID != key.ID || shown.APIKey.Name != "nightly backup" {
		t.Errorf("the key is %+v", shown)
	}
}

// Ensures that keys expire by the server's clock, although they are cached.
func TestClock_Keys(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	key := s.Key(s.User("alice", "ece_deployment_viewer"), sallyporttest.ExpiresIn(time.Hour))
	if got := status(t, s, key, "GET", keys, ""); got != http.StatusOK {
		t.Fatalf("a new key answers %d", got)
	}
	s.Clock.Advance(59 * time.Minute)
	if got := status(t, s, key, "GET", keys, ""); got != http.StatusOK {
		t.Errorf("after 59 minutes the key answers %d", got)
	}
	s.Clock.Advance(2 * time.Hour)
	if got := status(t, s, key, "GET", keys, ""); got != http.StatusUnauthorized {
		t.Errorf("after 3 hours the key answers %d", got)
	}
}

// Ensures that locks of users, and limits of failed attempts of addresses, end by the server's clock.
func TestClock_Limits(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]sallyporttest.Option{
		"lock":    sallyporttest.Setting("lockout.failures", "1"),
		"address": sallyporttest.Setting("lockout.address_failures", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			s := sallyporttest.New(t, setting, sallyporttest.Setting("lockout.address_recovery", "1h"))
			alice := s.User("alice", "ece_deployment_viewer")
			wrong := sallyporttest.User{Name: "alice", Password: "another passphrase"}
			for _, want := range []int{http.StatusUnauthorized} {
				if got := status(t, s, wrong, "GET", account, ""); got != want {
					t.Fatalf("a wrong password answers %d", got)
				}
			}
			if got := status(t, s, alice, "GET", account, ""); got == http.StatusOK {
				t.Fatal("there is no limit")
			}
			s.Clock.Advance(24 * time.Hour)
			if got := status(t, s, alice, "GET", account, ""); got != http.StatusOK {
				t.Errorf("a day later the right password answers %d", got)
			}
		})
	}
}

func TestClock_Freeze(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	if before := s.Clock.Now(); !s.Clock.Now().After(before) {
		t.Error("a new clock does not run")
	}
	s.Clock.Freeze()
	before := s.Clock.Now()
	s.Clock.Advance(time.Minute)
	if passed := s.Clock.Now().Sub(before); passed != time.Minute {
		t.Errorf("%v passed", passed)
	}
}

// signIn returns the token of a new session.
func signIn(t *testing.T, s *sallyporttest.Server, u sallyporttest.User) bearer {
	t.Helper()
	body := fmt.Sprintf(`{"username": %q, "password": %q}`, u.Name, u.Password)
	return tokenOf(t, s, u, "/api/v1/users/auth/_login", body)
}

func tokenOf(t *testing.T, s *sallyporttest.Server, c sallyporttest.Credentials, path, body string) bearer {
	t.Helper()
	response, err := send(t, s, c, "POST", path, body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s answers %d without a token (%v)", path, response.StatusCode, err)
	}
	return bearer(answer.Token)
}

// bearer is the token of a session.
type bearer string

func (b bearer) Authorization() string { return "Bearer " + string(b) }

func TestTOTP(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	bob := s.User("bob", "ece_platform_admin")
	factor := s.TOTP(bob)
	session := signIn(t, s, bob)
	const protected, elevate = "/api/v1/users/alice", "/api/v1/users/auth/_elevate"

	if got := status(t, s, session, "DELETE", protected, ""); got != 449 {
		t.Fatalf("without elevated permissions the status is %d", got)
	}
	code := factor.Code()
	elevated := tokenOf(t, s, session, elevate, `{"token": "`+code+`"}`)
	if got := status(t, s, elevated, "DELETE", protected, ""); got != http.StatusNotFound {
		t.Errorf("with elevated permissions the status is %d", got)
	}

	s.Clock.Advance(30 * time.Second)
	if next := factor.Code(); next == code {
		t.Errorf("the next code is %s, too", next)
	}
	tokenOf(t, s, elevated, elevate, `{"token": "`+factor.Code()+`"}`)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	t.Run("elevation always", func(t *testing.T) {
		s := sallyporttest.New(t, sallyporttest.ElevationPolicy(sallyporttest.ElevationAlways))
		if got := status(t, s, s.Admin, "DELETE", "/api/v1/users/alice", ""); got != 449 {
			t.Errorf("the status is %d", got)
		}
	})
	t.Run("elevation never", func(t *testing.T) {
		s := sallyporttest.New(t, sallyporttest.ElevationPolicy(sallyporttest.ElevationNever))
		bob := s.User("bob", "ece_platform_admin")
		s.TOTP(bob)
		if got := status(t, s, bob, "DELETE", "/api/v1/users/alice", ""); got != http.StatusNotFound {
			t.Errorf("the status is %d", got)
		}
	})
	t.Run("password of admin", func(t *testing.T) {
		s := sallyporttest.New(t, sallyporttest.Setting("admin_password", "a chosen passphrase"))
		if s.Admin.Password != "a chosen passphrase" {
			t.Errorf("the password is %q", s.Admin.Password)
		}
		if got := status(t, s, s.Admin, "GET", account, ""); got != http.StatusOK {
			t.Errorf("the status is %d", got)
		}
	})
	t.Run("maximum lifetime of keys", func(t *testing.T) {
		s := sallyporttest.New(t, sallyporttest.Setting("api_keys.max_lifetime", "1h"))
		if key := s.Key(s.User("alice", "ece_deployment_viewer")); key.Expires.IsZero() {
			t.Error("the key does not expire")
		}
	})
}

// Ensures that two deterministic servers of one seed make the same users, keys, second factors and answers, that a
// reset returns to them, and that another seed makes others.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	run := func(s *sallyporttest.Server) string {
		alice := s.User("alice", "ece_platform_admin")
		factor := s.TOTP(alice)
		key := s.Key(alice)
		s.Clock.Advance(time.Minute)
		session := signIn(t, s, alice)
		response, err := send(t, s, session, "POST", keys, `{"description": "made by HTTP"}`)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(s.Admin, alice, factor.Secret, factor.RecoveryCodes, key, session, response.Header, string(body))
	}

	first := sallyporttest.New(t, sallyporttest.Deterministic(1))
	want := run(first)
	if got := run(sallyporttest.New(t, sallyporttest.Deterministic(1))); got != want {
		t.Errorf("the second server makes\n%s\nand not\n%s", got, want)
	}
	first.Reset()
	if got := run(first); got != want {
		t.Errorf("after a reset the server makes\n%s\nand not\n%s", got, want)
	}
	if got := run(sallyporttest.New(t, sallyporttest.Deterministic(2))); got == want {
		t.Error("another seed makes the same")
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	r := httptest.NewRequest(http.MethodGet, account, nil)
	r.Header.Set("Authorization", s.Admin.Authorization())
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("the status is %d", w.Code)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	signIn(t, s, alice)
	status(t, s, alice, "POST", keys, `{"description": "ci & <more>", "expiration": "1h"}`)
	status(t, s, alice, "GET", "/_security/api_key?owner=true&name=ci*", "")
	status(t, s, alice, "GET", "/nothing/here?token=abc", "")
	s.Fail("login", sallyporttest.Status(502))
	status(t, s, alice, "POST", "/api/v1/users/auth/_login", `{"username": "x", "password": "y"}`)

	got := s.Requests()
	for i, want := range []sallyporttest.Request{
		{Operation: "login", Status: 200, Body: `{"password":"[masked]","username":"alice"}`},
		{Operation: "create-api-key", Status: 201, Body: `{"description":"ci & <more>","expiration":"1h"}`},
		{Operation: "security-get-api-keys", Status: 200},
		{Status: 404},
		{Operation: "login", Status: 502, Body: `{"password":"[masked]","username":"x"}`, Fault: true},
	} {
		r := got[i]
		if r.Operation != want.Operation || r.Status != want.Status || r.Body != want.Body || r.Fault != want.Fault {
			t.Errorf("request %d is %+v", i, r)
		}
		if credentials := r.Header.Get("Authorization"); credentials != "Basic "+sallyporttest.Masked {
			t.Errorf("request %d has the credentials %q", i, credentials)
		}
	}
	if name := got[2].Query.Get("name"); name != "ci*" {
		t.Errorf("the name in the query is %q", name)
	}
	if r := got[3]; r.Path != "/nothing/here" || r.Query.Get("token") != sallyporttest.Masked {
		t.Errorf("the path is %q, the query %v", r.Path, r.Query)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), alice.Password) {
		t.Error("a password is shown")
	}
}

// fatal is a test that records why it failed.
type fatal struct {
	testing.TB

	message string
}

func (f *fatal) Helper() {}

func (f *fatal) Fatalf(format string, arguments ...any) {
	f.message = fmt.Sprintf(format, arguments...)
	panic(f)
}

// Ensures that each mistake fails the test at once, and says what it is.
func TestFatal(t *testing.T) {
	t.Parallel()
	f := &fatal{TB: t}
	s := sallyporttest.New(f)
	alice := s.User("alice", "ece_deployment_viewer")
	ok := sallyporttest.Status(502)
	for name, c := range map[string]struct {
		do   func()
		want string
	}{
		"unknown operation": {func() { s.Fail("create-apikey", ok) },
			`Fail: there is no operation "create-apikey"; similar are create-api-key, `},
		"nothing like an operation": {func() { s.Fail("?", ok) }, "named by their operationId in api/openapi.yaml"},
		"no fault":                  {func() { s.Fail("login") }, "needs a status, a dropped connection, a "},
		"two answers":               {func() { s.Fail("login", ok, sallyporttest.Drop()) }, "not two of them"},
		"two truncated answers":     {func() { s.Fail("login", ok, sallyporttest.Truncate()) }, "not two of them"},
		"status":                    {func() { s.Fail("login", sallyporttest.Status(200)) }, "400 to 599"},
		"Retry-After alone":         {func() { s.Fail("login", sallyporttest.Drop(), sallyporttest.RetryAfter(1)) }, "needs a status"},
		"negative times":            {func() { s.Fail("login", ok, sallyporttest.Times(-1)) }, "negative"},
		"probability":               {func() { s.Fail("login", ok, sallyporttest.Probability(2, 1)) }, "0 to 1"},
		"clock":                     {func() { s.Clock.Advance(-1) }, "Advance: time does not go back"},
		"user exists":               {func() { s.User("alice", "ece_deployment_viewer") }, "User: "},
		"user without roles":        {func() { s.User("bob") }, "User: "},
		"key of a built-in user":    {func() { s.Key(s.Admin) }, "Key: "},
		"key of an unknown user":    {func() { s.Key(sallyporttest.User{Name: "bob"}) }, "Key: "},
		"name of a key":             {func() { s.Key(alice, sallyporttest.Named("")) }, "api key name is required"},
		"role descriptors":          {func() { s.Key(alice, sallyporttest.RoleDescriptors("{")) }, "Key: "},
		"factor of an unknown user": {func() { s.TOTP(sallyporttest.User{Name: "bob"}) }, "TOTP: "},
		"unknown setting":           {func() { sallyporttest.New(f, sallyporttest.Setting("x", "")) }, `no setting "x"`},
		"fixed setting":             {func() { sallyporttest.New(f, sallyporttest.Setting("store", "none")) }, "no effect"},
		"invalid setting":           {func() { sallyporttest.New(f, sallyporttest.ElevationPolicy("x")) }, "elevation.policy"},
		"unknown version": {func() { sallyporttest.New(f, sallyporttest.ECE("3.5")) },
			`compatibility.ece: "3.5" is not one of 3.8, 4.2, sallyport`},
		"unknown Elasticsearch": {func() { sallyporttest.New(f, sallyporttest.Elasticsearch("9.4")) },
			`compatibility.elasticsearch: "9.4" is not one of 8.19, 9.5`},
	} {
		t.Run(name, func(t *testing.T) {
			f.message = ""
			func() {
				defer func() {
					if failure := recover(); failure != nil && failure != any(f) {
						panic(failure)
					}
				}()
				c.do()
			}()
			if !strings.HasPrefix(f.message, "sallyporttest: ") || !strings.Contains(f.message, c.want) {
				t.Errorf("the test fails with %q", f.message)
			}
		})
	}
}
