package metrics

import "github.com/prometheus/client_golang/prometheus"

// Bound is an admission limit with a queue, such as admission.Bound.
type Bound interface {
	Load() (waiting, running int)
	Refused() (full, late uint64)
}

// Bound adds the metrics of an admission limit. It must be called once per name, and before metrics are read.
func (m *Metrics) Bound(name string, b Bound) {
	m.limits = append(m.limits, func(to chan<- prometheus.Metric) {
		waiting, running := b.Load()
		to <- prometheus.MustNewConstMetric(boundWaiting, prometheus.GaugeValue, float64(waiting), name)
		to <- prometheus.MustNewConstMetric(boundRunning, prometheus.GaugeValue, float64(running), name)
		full, late := b.Refused()
		to <- prometheus.MustNewConstMetric(shed, prometheus.CounterValue, float64(full), name, "full")
		to <- prometheus.MustNewConstMetric(shed, prometheus.CounterValue, float64(late), name, "late")
	})
}

// Budget is a limit on bytes in memory, such as admission.Budget.
type Budget interface {
	Held() int64
	Refused() uint64
}

// Budget adds the metrics of a byte budget. It must be called once per name, and before metrics are read.
func (m *Metrics) Budget(name string, b Budget) {
	m.limits = append(m.limits, func(to chan<- prometheus.Metric) {
		to <- prometheus.MustNewConstMetric(boundHeld, prometheus.GaugeValue, float64(b.Held()), name)
		to <- prometheus.MustNewConstMetric(shed, prometheus.CounterValue, float64(b.Refused()), name, "memory")
	})
}

// limits collects the metrics of each limit. One collector for all starts faster than one for each series, which
// counts where each test starts a server.
type limits []func(to chan<- prometheus.Metric)

var (
	boundWaiting = prometheus.NewDesc("sallyport_bound_waiting",
		"Requests that are queued for a work slot.", []string{"bound"}, nil)
	boundRunning = prometheus.NewDesc("sallyport_bound_running", "Work slots in use.", []string{"bound"}, nil)
	boundHeld    = prometheus.NewDesc("sallyport_bound_held_bytes",
		"Bytes that large requests and responses hold of the byte budget.", []string{"bound"}, nil)
	shed = prometheus.NewDesc("sallyport_shed_total",
		"Requests refused by admission control, by limit and reason.", []string{"bound", "reason"}, nil)
)

// Describe implements prometheus.Collector.
func (l *limits) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{boundWaiting, boundRunning, boundHeld, shed} {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (l *limits) Collect(to chan<- prometheus.Metric) {
	for _, collect := range *l {
		collect(to)
	}
}
