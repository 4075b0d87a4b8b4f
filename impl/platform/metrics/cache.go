package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache registers the hit and miss counters of a cache. It must be called once per name.
func (m *Metrics) Cache(name string, counts func() (hits, misses uint64)) {
	counter := func(result string, read func() float64) prometheus.CounterFunc {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "sallyport_cache_reads_total",
			Help:        "Reads of the caches, by cache and result.",
			ConstLabels: prometheus.Labels{"cache": name, "result": result},
		}, read)
	}
	m.registry.MustRegister(
		counter("hit", func() float64 { hits, _ := counts(); return float64(hits) }),
		counter("miss", func() float64 { _, misses := counts(); return float64(misses) }),
	)
}

// CacheFlushes registers the counter of invalidations of everything that is cached. It must be called once.
func (m *Metrics) CacheFlushes(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sallyport_cache_flushes_total",
		Help: "Invalidations of everything that is cached, such as after commits of other processes to a SQLite file.",
	}, func() float64 { return float64(count()) }))
}
