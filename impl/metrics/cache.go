package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache tells from now on how often something was found in a cache of credentials, and how often not. It must be called once
// for a name.
func (m *Metrics) Cache(name string, counts func() (hits, misses uint64)) {
	counter := func(result string, read func() float64) prometheus.CounterFunc {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "sallyport_cache_reads_total", Help: "How often credentials were looked for in a cache, by what was found.",
			ConstLabels: prometheus.Labels{"cache": name, "result": result},
		}, read)
	}
	m.registry.MustRegister(
		counter("hit", func() float64 { n, _ := counts(); return float64(n) }),
		counter("miss", func() float64 { _, n := counts(); return float64(n) }),
	)
}
