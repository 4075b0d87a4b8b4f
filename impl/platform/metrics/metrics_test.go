package metrics

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scrape returns the body of a scrape by Prometheus.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("line %q missing in\n%s", line, text)
		}
	}
}

// Ensures that the durations of requests and transactions are observed by label.
func TestMetrics_Histograms(t *testing.T) {
	t.Parallel()

	m := New()
	m.Operation("login")(200, 20*time.Millisecond)
	m.Operation("login")(204, 30*time.Millisecond)
	m.Operation("login")(401, time.Minute)
	m.Operation("unknown")(0, 0)
	m.Operation("unknown")(999, 0)
	m.Transaction("view", 2*time.Millisecond)

	wantLines(t, scrape(t, m),
		`sallyport_http_request_duration_seconds_bucket{operation="login",status="2xx",le="0.025"} 1`,
		`sallyport_http_request_duration_seconds_bucket{operation="login",status="2xx",le="0.05"} 2`,
		`sallyport_http_request_duration_seconds_bucket{operation="login",status="4xx",le="10"} 0`,
		`sallyport_http_request_duration_seconds_sum{operation="login",status="4xx"} 60`,
		`sallyport_http_request_duration_seconds_count{operation="unknown",status="unknown"} 2`,
		`sallyport_store_transaction_duration_seconds_bucket{kind="view",le="0.0025"} 1`,
		`sallyport_store_transaction_duration_seconds_bucket{kind="view",le="0.001"} 0`,
	)
}

// Ensures that gauges are read at scrape time, and that the runtime's and the process's metrics are included.
func TestMetrics_Gauges(t *testing.T) {
	t.Parallel()

	m, b := New(), &bound{waiting: 3}
	m.Bound("hashing", b)
	m.Bound("heavy", &bound{})
	m.Budget("heavy", budget{})
	wantLines(t, scrape(t, m),
		`sallyport_bound_waiting{bound="hashing"} 3`,
		`sallyport_bound_running{bound="hashing"} 2`,
		`sallyport_bound_waiting{bound="heavy"} 0`,
		`sallyport_shed_total{bound="hashing",reason="full"} 5`,
		`sallyport_shed_total{bound="hashing",reason="late"} 7`,
		`sallyport_bound_held_bytes{bound="heavy"} 11`,
		`sallyport_shed_total{bound="heavy",reason="memory"} 13`,
	)

	b.waiting = 0
	text := scrape(t, m)
	wantLines(t, text, `sallyport_bound_waiting{bound="hashing"} 0`)
	for _, name := range []string{"\ngo_goroutines ", "\nprocess_start_time_seconds "} {
		if !strings.Contains(text, name) {
			t.Errorf("metric %q missing", name)
		}
	}
}

type bound struct{ waiting int }

// Load implements Bound.
func (b *bound) Load() (waiting, running int) { return b.waiting, 2 }

// Refused implements Bound.
func (b *bound) Refused() (full, late uint64) { return 5, 7 }

type budget struct{}

// Held implements Budget.
func (budget) Held() int64 { return 11 }

// Refused implements Budget.
func (budget) Refused() uint64 { return 13 }

// Ensures that requests are counted while they are in progress.
func TestMetrics_InFlight(t *testing.T) {
	t.Parallel()

	m := New()
	handler := m.InFlight(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		wantLines(t, scrape(t, m), "sallyport_http_requests_in_flight 1")
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	wantLines(t, scrape(t, m), "sallyport_http_requests_in_flight 0")
}

// Ensures that the build is among the metrics.
func TestMetrics_BuildInfo(t *testing.T) {
	t.Parallel()

	if text := scrape(t, New()); !strings.Contains(text, `sallyport_build_info{go_version="`+runtime.Version()+`",`) {
		t.Errorf("sallyport_build_info missing in\n%s", text)
	}
}

// Ensures that the statistics of connection pools are reported by pool.
func TestMetrics_Pools(t *testing.T) {
	t.Parallel()

	m := New()
	m.Pools(func() map[string]sql.DBStats {
		return map[string]sql.DBStats{
			"reader": {MaxOpenConnections: 4, InUse: 1, Idle: 2, WaitCount: 7, WaitDuration: 1500 * time.Millisecond},
			"writer": {MaxOpenConnections: 1},
		}
	})
	wantLines(t, scrape(t, m),
		`sallyport_store_connections{pool="reader",state="in_use"} 1`,
		`sallyport_store_connections{pool="reader",state="idle"} 2`,
		`sallyport_store_connections_max{pool="writer"} 1`,
		`sallyport_store_connection_waits_total{pool="reader"} 7`,
		`sallyport_store_connection_wait_seconds_total{pool="reader"} 1.5`,
	)
}

// Ensures that keys are counted at most once a minute, for at most a second, and that the metric is absent if that
// fails.
func TestMetrics_KeysExpiring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, keys, counts := New(), 3, 0
		m.KeysExpiring(func(ctx context.Context) (int, error) {
			counts++
			if keys < 0 {
				<-ctx.Done() // a database that does not answer
			}
			return keys, ctx.Err()
		}, time.Now)
		wantLines(t, scrape(t, m), "sallyport_api_keys_expiring 3")

		keys = 5
		time.Sleep(time.Minute - time.Nanosecond)
		wantLines(t, scrape(t, m), "sallyport_api_keys_expiring 3")
		time.Sleep(time.Nanosecond)
		wantLines(t, scrape(t, m), "sallyport_api_keys_expiring 5")

		keys = -1
		time.Sleep(time.Minute)
		began := time.Now()
		if text := scrape(t, m); strings.Contains(text, "sallyport_api_keys_expiring ") || time.Since(began) != time.Second ||
			counts != 3 {
			t.Errorf("counted %d times, the last time for %s:\n%s", counts, time.Since(began), text)
		}
	})
}

// Ensures that the expiry of the certificate is reported.
func TestMetrics_Certificate(t *testing.T) {
	t.Parallel()

	m := New()
	m.Certificate(func() time.Time { return time.Unix(1_900_000_000, 5) })
	wantLines(t, scrape(t, m), "sallyport_tls_certificate_expiry_seconds 1.9e+09")
}

// Ensures that decisions of the slower validation are counted by their result, and invalid responses by operation.
func TestMetrics_Validation(t *testing.T) {
	t.Parallel()

	m := New()
	m.Fallback("login", false)
	m.Fallback("login", false)
	m.Fallback("login", true)
	m.InvalidResponse("login")
	wantLines(t, scrape(t, m),
		`sallyport_validation_fallbacks_total{operation="login",result="refused"} 2`,
		`sallyport_validation_fallbacks_total{operation="login",result="accepted"} 1`,
		`sallyport_response_validation_failures_total{operation="login"} 1`,
	)
}
