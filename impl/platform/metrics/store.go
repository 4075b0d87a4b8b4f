package metrics

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pools registers the metrics of the database connection pools, by pool name. It must be called once.
func (m *Metrics) Pools(read func() map[string]sql.DBStats) {
	m.registry.MustRegister(poolCollector(read))
}

// poolCollector collects all pool metrics from one reading of the statistics, so that they are consistent.
type poolCollector func() map[string]sql.DBStats

var (
	poolConnections = prometheus.NewDesc("sallyport_store_connections",
		"Open database connections, by pool and state.", []string{"pool", "state"}, nil)
	poolMaxConnections = prometheus.NewDesc("sallyport_store_connections_max",
		"Limit on open database connections.", []string{"pool"}, nil)
	poolWaits = prometheus.NewDesc("sallyport_store_connection_waits_total",
		"Transactions that waited for a database connection.", []string{"pool"}, nil)
	poolWaitSeconds = prometheus.NewDesc("sallyport_store_connection_wait_seconds_total",
		"Total time that transactions waited for a database connection.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector.
func (c poolCollector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{poolConnections, poolMaxConnections, poolWaits, poolWaitSeconds} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(to chan<- prometheus.Metric) {
	for pool, stats := range c() {
		to <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(stats.InUse), pool, "in_use")
		to <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(stats.Idle), pool, "idle")
		to <- prometheus.MustNewConstMetric(poolMaxConnections, prometheus.GaugeValue, float64(stats.MaxOpenConnections),
			pool)
		to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(stats.WaitCount), pool)
		to <- prometheus.MustNewConstMetric(poolWaitSeconds, prometheus.CounterValue, stats.WaitDuration.Seconds(), pool)
	}
}

// A count of records is cached for countMaxAge, and its query is canceled after countTimeout: frequent scrapes must not
// load the database, and a scrape must not block on a database that does not answer.
const (
	countMaxAge  = time.Minute
	countTimeout = time.Second
)

// KeysExpiring registers the number of API keys that expire soon. The metric is absent while the count fails. It must
// be called once.
func (m *Metrics) KeysExpiring(count func(context.Context) (int, error), now func() time.Time) {
	m.registry.MustRegister(&expiringKeysCollector{count: count, now: now})
}

type expiringKeysCollector struct {
	count func(context.Context) (int, error)
	now   func() time.Time

	mu sync.Mutex
	// countedAt is when keys and err were last set.
	countedAt time.Time
	keys      int
	err       error
}

var expiringKeys = prometheus.NewDesc("sallyport_api_keys_expiring",
	"Valid API keys that expire within a week.", nil, nil)

// Describe implements prometheus.Collector.
func (c *expiringKeysCollector) Describe(to chan<- *prometheus.Desc) { to <- expiringKeys }

// Collect implements prometheus.Collector.
func (c *expiringKeysCollector) Collect(to chan<- prometheus.Metric) {
	if keys, err := c.read(); err == nil {
		to <- prometheus.MustNewConstMetric(expiringKeys, prometheus.GaugeValue, float64(keys))
	}
}

// read returns the cached count, or a new one if it is older than countMaxAge. Concurrent calls share one query.
func (c *expiringKeysCollector) read() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if now := c.now(); c.countedAt.IsZero() || now.Sub(c.countedAt) >= countMaxAge {
		ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
		defer cancel()

		c.keys, c.err = c.count(ctx)
		c.countedAt = now
	}
	return c.keys, c.err
}
