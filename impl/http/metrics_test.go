package http_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
)

var counted = regexp.MustCompile(`(?m)^sallyport_http_request_duration_seconds_count\{operation="([^"]*)",status="([^"]*)"\} (\d+)$`)

// metrics is what Prometheus would read of a world.
func (w *world) metrics() string {
	w.Helper()
	r := httptest.NewRecorder()
	w.app.Metrics.ServeHTTP(r, httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/metrics", nil))
	return r.Body.String()
}

// requests are how many requests were counted, in the form "operation status count".
func (w *world) requests() []string {
	w.Helper()
	var found []string
	for _, match := range counted.FindAllStringSubmatch(w.metrics(), -1) {
		found = append(found, strings.Join(match[1:], " "))
	}
	return found
}

// Ensures that requests are counted by the operations of the contract and the status that was sent, and that whatever
// else a caller sends is one thing: there would be no end of it.
func TestMetrics_Requests(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, each := range []struct{ method, path, body string }{
		{http.MethodGet, "/api/v1/account", ""},
		{http.MethodGet, "/api/v1/regions/here/account", ""},
		{http.MethodPut, "/api/v1/account", "{"},
		{http.MethodGet, "/api/v1/users/alice", ""},
		{http.MethodGet, "/api/v1/users/unknown-name", ""},
		{http.MethodGet, "/nothing", ""},
		{http.MethodGet, "/nothing/else", ""},
		{"BREW", "/api/v1/account", ""},
		{http.MethodDelete, "/api/v1/account", ""},
	} {
		w.do(each.method, each.path, each.body, bob)
	}

	w.do(http.MethodGet, "/api/v1/account", "")
	want := []string{
		"get-current-account 2xx 2", "get-current-account 4xx 1", "get-user 2xx 1", "get-user 4xx 1", "unknown 4xx 4",
		"update-current-account 4xx 1",
	}
	// A request is counted after its answer has been sent.
	w.eventually(10*time.Second, fmt.Sprintf("counted %q", want), func() bool { return slices.Equal(w.requests(), want) })
}

// Ensures that the store's transactions are counted, and that nothing of users or credentials is in what is counted.
func TestMetrics_Store(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	w.do(http.MethodGet, "/api/v1/account", "", bearer(token))
	text := w.metrics()
	for _, line := range []string{
		`sallyport_store_transaction_duration_seconds_count{kind="view"} `,
		`sallyport_store_transaction_duration_seconds_count{kind="update"} `,
		`sallyport_bound_waiting{bound="hashing"} 0`, `sallyport_bound_running{bound="writes"} 0`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("there is no %q", line)
		}
	}

	for _, hidden := range []string{"alice", alicePassword, token, strings.TrimPrefix(w.dsn, "sqlite:")} {
		if strings.Contains(text, hidden) {
			t.Errorf("the metrics hold %q", hidden)
		}
	}
}

// Ensures that operators see how many keys expire soon, and how the store's connections are used.
func TestMetrics_Records(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, expiration := range []string{"1h", "6d", "8d"} {
		w.do(http.MethodPost, "/api/v1/users/auth/keys", `{"description": "x", "expiration": "`+expiration+`"}`, bob)
	}

	text := w.metrics()
	for _, line := range []string{"sallyport_api_keys_expiring 2", `sallyport_store_connections_max{pool="`,
		"sallyport_http_requests_in_flight 0"} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("there is no %q in\n%s", line, text)
		}
	}
}

// Ensures that valid requests are accepted by the compiled checks, and that refused ones are counted.
func TestMetrics_Fallbacks(t *testing.T) {
	t.Parallel()
	if interpreted {
		t.Skip("SALLYPORT_TEST_VALIDATION=interpreted leaves no compiled checks that could fall back")
	}

	w := newWorld(t)
	w.do(http.MethodGet, "/api/v1/account", "", bearer(w.login("alice", alicePassword)))
	w.do(http.MethodPost, loginPath, `{"username": "alice"}`)
	text := w.metrics()
	if line := `sallyport_validation_fallbacks_total{operation="login",result="refused"} 1`; !strings.Contains(text, line) {
		t.Errorf("there is no %q in\n%s", line, text)
	}
	if regexp.MustCompile(`(?m)^sallyport_validation_fallbacks_total.*result="accepted"`).MatchString(text) {
		t.Errorf("a valid request was not accepted by the compiled checks:\n%s", text)
	}
}

// Ensures that checks of credentials, sign-ins, elevations and locks are counted by method and result, and that an
// unknown user looks like a wrong password.
func TestMetrics_Outcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.login("alice", alicePassword)
	d := w.enroll(bearer(token))
	token = w.mustElevate(token, d.recovery[0])
	w.elevate(token, d.recovery[0])
	w.do(http.MethodGet, "/api/v1/account", "", bearer("not a token"))
	w.do(http.MethodGet, "/api/v1/account", "")
	w.do(http.MethodGet, "/api/v1/account", "", authorization("ApiKey bm9ib2R5OnNlY3JldA=="))
	id, encoded := w.newKeyOf(bob, `{"name": "revoked"}`)
	w.do(http.MethodGet, "/api/v1/account", "", authorization("ApiKey "+encoded))
	w.do(http.MethodDelete, "/_security/api_key", `{"ids": ["`+id+`"]}`, bob)
	w.do(http.MethodGet, "/api/v1/account", "", authorization("ApiKey "+encoded))
	w.do(http.MethodPost, "/api/v1/auth/introspect/_batch", `{"tokens": ["`+encoded+`", "`+token+`", "none"]}`, bob)
	for range attempts.DefaultPolicy.Threshold {
		w.do(http.MethodPost, loginPath, `{"username": "bob", "password": "a wrong one"}`)
	}
	w.do(http.MethodPost, loginPath, `{"username": "no such user", "password": "a wrong one"}`)

	text := w.metrics()
	for _, line := range []string{
		`sallyport_sign_ins_total{method="password",result="accepted"} 1`,
		fmt.Sprintf(`sallyport_sign_ins_total{method="password",result="refused"} %d`, attempts.DefaultPolicy.Threshold+1),
		`sallyport_sign_ins_total{method="saml",result="accepted"} 0`,
		`sallyport_elevations_total{result="accepted"} 1`,
		`sallyport_elevations_total{result="refused"} 1`,
		`sallyport_introspections_total{result="accepted"} 1`,
		`sallyport_introspections_total{result="refused"} 1`,
		`sallyport_introspections_total{result="revoked"} 1`,
		`sallyport_lockouts_total 1`,
		`sallyport_authentications_total{method="session",result="refused"} 1`,
		`sallyport_authentications_total{method="none",result="refused"} 1`,
		`sallyport_authentications_total{method="api_key",result="unknown"} 1`,
		`sallyport_authentications_total{method="api_key",result="accepted"} 1`,
		`sallyport_authentications_total{method="api_key",result="revoked"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %q", line)
		}
	}
	for line := range strings.Lines(text) {
		if t.Failed() && (strings.Contains(line, "authentications") || strings.Contains(line, "sign_ins")) {
			t.Log(line)
		}
	}
}
