package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache registers the hit and miss counters of a credential cache. It must be called once per name.
func (m *Metrics) Cache(name string, counts func() (hits, misses uint64)) {
	counter := func(result string, read func() float64) prometheus.CounterFunc {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "sallyport_cache_reads_total",
			Help:        "Reads of the credential caches, by cache and result.",
			ConstLabels: prometheus.Labels{"cache": name, "result": result},
		}, read)
	}
	m.registry.MustRegister(
		counter("hit", func() float64 { hits, _ := counts(); return float64(hits) }),
		counter("miss", func() float64 { _, misses := counts(); return float64(misses) }),
	)
}
