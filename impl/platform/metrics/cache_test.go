package metrics

import "testing"

// Ensures that hits and misses are counted by cache.
func TestMetrics_Cache(t *testing.T) {
	t.Parallel()

	m := New()
	m.Cache("sessions", func() (uint64, uint64) { return 5, 2 })
	m.Cache("api_keys", func() (uint64, uint64) { return 1, 0 })

	wantLines(t, scrape(t, m),
		`sallyport_cache_reads_total{cache="sessions",result="hit"} 5`,
		`sallyport_cache_reads_total{cache="sessions",result="miss"} 2`,
		`sallyport_cache_reads_total{cache="api_keys",result="hit"} 1`,
	)
}
