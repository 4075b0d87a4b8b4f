// Package metrics counts what the program does, in the form that Prometheus reads. Labels have few values, all of them
// the program's own: nothing that a caller sends becomes one.
package metrics

import (
	"net/http"
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
}

// New returns metrics that have the Go runtime's and the process's among them.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("sallyport_http_request_duration_seconds",
			"How long requests took, by the operation of the contract and the class of the status.", "operation", "status"),
		transactions: histogram("sallyport_store_transaction_duration_seconds",
			"How long the store's transactions took, the wait for their turn included.", "kind"),
	}
	m.registry.MustRegister(m.requests, m.transactions,
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

// Transaction counts a transaction of the store that has ended, well or not.
func (m *Metrics) Transaction(kind string, took time.Duration) {
	m.transactions.WithLabelValues(kind).Observe(took.Seconds())
}

// Hashing tells from now on how many passwords wait to be hashed, and how many are. It must be called once only.
func (m *Metrics) Hashing(load func() (waiting, running int)) {
	waiting := func() float64 { n, _ := load(); return float64(n) }
	running := func() float64 { _, n := load(); return float64(n) }
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sallyport_hashing_waiting", Help: "How many passwords wait to be hashed."}, waiting),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sallyport_hashing_running", Help: "How many passwords are being hashed."}, running),
	)
}

// Handler answers with all metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
