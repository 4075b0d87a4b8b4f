// Package metrics counts what the program does, in the form that Prometheus reads. Labels have few values, all of them
// the program's own: nothing that a caller sends becomes one.
package metrics

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Upper bounds of histograms in seconds. Most requests and transactions take less than a millisecond; a sign-in hashes
// for some 25 ms, and waits longer than that for its turn under load.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are those of one program. They are safe for concurrent use.
type Metrics struct {
	registry     *prometheus.Registry
	requests     *prometheus.HistogramVec
	transactions *prometheus.HistogramVec
	inFlight     prometheus.Gauge
}

// New returns metrics that have the Go runtime's and the process's among them.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("sallyport_http_request_duration_seconds",
			"How long requests took, by the operation of the contract and the class of the status.", "operation", "status"),
		transactions: histogram("sallyport_store_transaction_duration_seconds",
			"How long the store's transactions took, the wait for their turn included.", "kind"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sallyport_http_requests_in_flight", Help: "How many requests are being answered."}),
	}
	m.registry.MustRegister(m.requests, m.transactions, m.inFlight, build(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Request counts a request that was answered. The operation must be one of a fixed set.
func (m *Metrics) Request(operation string, status int, took time.Duration) {
	class := "unknown"
	if status >= 100 && status < 600 {
		class = strconv.Itoa(status/100) + "xx"
	}
	m.requests.WithLabelValues(operation, class).Observe(took.Seconds())
}

// InFlight wraps a handler whose requests are to be counted while they are under way.
func (m *Metrics) InFlight(next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, next)
}

// Transaction counts a transaction of the store that has ended, well or not.
func (m *Metrics) Transaction(kind string, took time.Duration) {
	m.transactions.WithLabelValues(kind).Observe(took.Seconds())
}

// Bound is what goes on in a bounded number at once, as overload.Bound.
type Bound interface {
	Load() (waiting, running int)
	Refused() (full, late uint64)
}

// Bound tells from now on how much of something waits and goes on, and how much was turned away. It must be called once
// only for each name.
func (m *Metrics) Bound(name string, b Bound) {
	m.gauge("sallyport_bound_waiting", "How many wait for their turn.", name, func() float64 { n, _ := b.Load(); return float64(n) })
	m.gauge("sallyport_bound_running", "How many have their turn.", name, func() float64 { _, n := b.Load(); return float64(n) })
	m.shed(name, "full", func() uint64 { n, _ := b.Refused(); return n })
	m.shed(name, "late", func() uint64 { _, n := b.Refused(); return n })
}

// Budget is memory of which there is so much, as overload.Budget.
type Budget interface {
	Held() int64
	Refused() uint64
}

// Budget is Bound for memory.
func (m *Metrics) Budget(name string, b Budget) {
	m.gauge("sallyport_bound_held_bytes", "How many bytes of large requests and answers are held.", name, func() float64 { return float64(b.Held()) })
	m.shed(name, "memory", b.Refused)
}

func (m *Metrics) gauge(metric, help, bound string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: metric, Help: help, ConstLabels: prometheus.Labels{"bound": bound},
	}, value))
}

func (m *Metrics) shed(bound, reason string, count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sallyport_shed_total", Help: "What was turned away, by what there was no room for and why.",
		ConstLabels: prometheus.Labels{"bound": bound, "reason": reason},
	}, func() float64 { return float64(count()) }))
}

// Certificate tells from now on when the server's certificate ends. It must be called once only.
func (m *Metrics) Certificate(expires func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sallyport_tls_certificate_expiry_seconds", Help: "When the certificate that is in use ends, in seconds since 1970.",
	}, func() float64 { return float64(expires().Unix()) }))
}

// build says what this program was built from, as the command version does.
func build() prometheus.Collector {
	labels := prometheus.Labels{"version": "", "revision": "", "go_version": ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["version"], labels["go_version"] = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	about := prometheus.GaugeOpts{Name: "sallyport_build_info", Help: "What this program was built from; always 1.", ConstLabels: labels}
	return prometheus.NewGaugeFunc(about, func() float64 { return 1 })
}

// Handler answers with all metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
