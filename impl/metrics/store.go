package metrics

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pools tells from now on how many connections to the database there are. It must be called once only.
func (m *Metrics) Pools(read func() map[string]sql.DBStats) { m.registry.MustRegister(pools(read)) }

// pools are collectors' way to read all at one moment.
type pools func() map[string]sql.DBStats

var (
	poolSize = prometheus.NewDesc("sallyport_store_connections",
		"How many connections to the database are open, by their pool and whether a transaction has them.", []string{"pool", "state"}, nil)
	poolMost   = prometheus.NewDesc("sallyport_store_connections_max", "How many connections to the database there may be.", []string{"pool"}, nil)
	poolWaits  = prometheus.NewDesc("sallyport_store_connection_waits_total", "How many transactions had to wait for a connection.", []string{"pool"}, nil)
	poolWaited = prometheus.NewDesc("sallyport_store_connection_wait_seconds_total", "How long transactions waited for connections, in all.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector.
func (p pools) Describe(to chan<- *prometheus.Desc) {
	for _, each := range []*prometheus.Desc{poolSize, poolMost, poolWaits, poolWaited} {
		to <- each
	}
}

// Collect implements prometheus.Collector.
func (p pools) Collect(to chan<- prometheus.Metric) {
	for name, stats := range p() {
		to <- prometheus.MustNewConstMetric(poolSize, prometheus.GaugeValue, float64(stats.InUse), name, "in_use")
		to <- prometheus.MustNewConstMetric(poolSize, prometheus.GaugeValue, float64(stats.Idle), name, "idle")
		to <- prometheus.MustNewConstMetric(poolMost, prometheus.GaugeValue, float64(stats.MaxOpenConnections), name)
		to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(stats.WaitCount), name)
		to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, stats.WaitDuration.Seconds(), name)
	}
}

// A count of records is as old as countAge at most, and asked for no longer than countPatience: who reads metrics, however
// often, must not keep the database busy, nor wait for one that does not answer.
const (
	countAge      = time.Minute
	countPatience = time.Second
)

// KeysExpiring tells from now on how many API keys expire soon. Where that cannot be counted, nothing is told. It must be
// called once only.
func (m *Metrics) KeysExpiring(count func(context.Context) (int, error), now func() time.Time) {
	m.registry.MustRegister(&expiring{count: count, now: now})
}

type expiring struct {
	count func(context.Context) (int, error)
	now   func() time.Time

	mu    sync.Mutex
	asked time.Time
	keys  int
	err   error
}

var expiringKeys = prometheus.NewDesc("sallyport_api_keys_expiring", "How many API keys that work now will have expired in a week.", nil, nil)

// Describe implements prometheus.Collector.
func (e *expiring) Describe(to chan<- *prometheus.Desc) { to <- expiringKeys }

// Collect implements prometheus.Collector.
func (e *expiring) Collect(to chan<- prometheus.Metric) {
	if keys, err := e.read(); err == nil {
		to <- prometheus.MustNewConstMetric(expiringKeys, prometheus.GaugeValue, float64(keys))
	}
}

// read counts, unless it did so a short time ago. Those who read at once wait for one count.
func (e *expiring) read() (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.now(); e.asked.IsZero() || now.Sub(e.asked) >= countAge {
		ctx, cancel := context.WithTimeout(context.Background(), countPatience)
		defer cancel()
		e.keys, e.err = e.count(ctx)
		e.asked = now
	}
	return e.keys, e.err
}
