package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache adds the hit and miss counters of a cache. It must be called once per name, and before metrics are read.
func (m *Metrics) Cache(name string, counts func() (hits, misses uint64)) {
	m.caches = append(m.caches, cache{name, counts})
}

// caches collects the counters of all caches.
type caches []cache

type cache struct {
	name   string
	counts func() (hits, misses uint64)
}

var cacheReads = prometheus.NewDesc("sallyport_cache_reads_total",
	"Reads of the caches, by cache and result.", []string{"cache", "result"}, nil)

// Describe implements prometheus.Collector.
func (c *caches) Describe(to chan<- *prometheus.Desc) { to <- cacheReads }

// Collect implements prometheus.Collector.
func (c *caches) Collect(to chan<- prometheus.Metric) {
	for _, one := range *c {
		hits, misses := one.counts()
		to <- prometheus.MustNewConstMetric(cacheReads, prometheus.CounterValue, float64(hits), one.name, "hit")
		to <- prometheus.MustNewConstMetric(cacheReads, prometheus.CounterValue, float64(misses), one.name, "miss")
	}
}

// CacheFlushes registers the counter of invalidations of everything that is cached. It must be called once.
func (m *Metrics) CacheFlushes(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sallyport_cache_flushes_total",
		Help: "Invalidations of everything that is cached, such as after commits of other processes to a SQLite file.",
	}, func() float64 { return float64(count()) }))
}
