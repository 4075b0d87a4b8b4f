// Package metrics holds the program's Prometheus metrics. The values of labels come from small, fixed sets: no input of
// a caller becomes a label value.
package metrics

import (
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// buckets are the upper bounds of the histograms in seconds. Most requests and transactions take less than a
// millisecond. A sign-in spends about 25 ms on hashing, and under load more than that in the queue.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics is a registry with the metrics of one program. It is safe for concurrent use.
type Metrics struct {
	registry     *prometheus.Registry
	requests     *prometheus.HistogramVec
	transactions *prometheus.HistogramVec
	inFlight     prometheus.Gauge
	fallbacks    *prometheus.CounterVec
	invalid      *prometheus.CounterVec
	limits       limits
	caches       caches
}

// New returns metrics that include those of the Go runtime and of the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: newHistogram("sallyport_http_request_duration_seconds",
			"Duration of HTTP requests, by operation and class of the status.", "operation", "status"),
		transactions: newHistogram("sallyport_store_transaction_duration_seconds",
			"Duration of store transactions, including the wait for a connection.", "kind"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sallyport_http_requests_in_flight",
			Help: "HTTP requests in progress.",
		}),
		fallbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_validation_fallbacks_total",
			Help: "Requests that the compiled checks did not accept, by operation and result of the validation.",
		}, []string{"operation", "result"}),
		invalid: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_response_validation_failures_total",
			Help: "Responses that the contract does not allow, by operation.",
		}, []string{"operation"}),
	}
	m.registry.MustRegister(
		m.requests,
		m.transactions,
		m.inFlight,
		m.fallbacks,
		m.invalid,
		&m.limits,
		&m.caches,
		newBuildInfo(),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func newHistogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// statusClasses are the values of the label status, by the first digit.
var statusClasses = [...]string{"unknown", "1xx", "2xx", "3xx", "4xx", "5xx"}

// Operation returns a function that observes the answered requests of an operation, which must be one of a fixed set.
func (m *Metrics) Operation(name string) func(status int, took time.Duration) {
	var observers [len(statusClasses)]atomic.Pointer[prometheus.Observer]
	return func(status int, took time.Duration) {
		class := status / 100
		if class < 1 || class >= len(statusClasses) {
			class = 0
		}
		observer := observers[class].Load()
		if observer == nil { // a series exists from its first request on
			observer = new(m.requests.WithLabelValues(name, statusClasses[class]))
			observers[class].Store(observer)
		}
		(*observer).Observe(took.Seconds())
	}
}

// Fallback counts a request that the compiled checks did not accept, and that was accepted or refused in the end.
// The operation must be one of a fixed set.
func (m *Metrics) Fallback(operation string, accepted bool) {
	result := "refused"
	if accepted {
		result = "accepted"
	}
	m.fallbacks.WithLabelValues(operation, result).Inc()
}

// InvalidResponse counts a response that the contract does not allow. The operation must be one of a fixed set.
func (m *Metrics) InvalidResponse(operation string) { m.invalid.WithLabelValues(operation).Inc() }

// InFlight returns a handler that counts the requests in progress in next.
func (m *Metrics) InFlight(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, next)
}

// Transaction observes a store transaction that was committed or rolled back.
func (m *Metrics) Transaction(kind string, took time.Duration) {
	m.transactions.WithLabelValues(kind).Observe(took.Seconds())
}

// Certificate registers the expiry of the server's certificate. It must be called once.
func (m *Metrics) Certificate(expires func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sallyport_tls_certificate_expiry_seconds",
		Help: "Expiry of the TLS certificate in use, in seconds since 1970.",
	}, func() float64 { return float64(expires().Unix()) }))
}

// newBuildInfo returns a constant gauge that has the build's version, revision and Go version as labels, the same as
// the version command prints.
func newBuildInfo() prometheus.Collector {
	labels := prometheus.Labels{"version": "", "revision": "", "go_version": ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"], labels["go_version"] = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}

	opts := prometheus.GaugeOpts{
		Name:        "sallyport_build_info",
		Help:        "Version, revision and Go version of the build; always 1.",
		ConstLabels: labels,
	}
	return prometheus.NewGaugeFunc(opts, func() float64 { return 1 })
}

// Handler returns a handler that answers with all metrics in the Prometheus exposition format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
