package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// OutcomeCounter counts how attempts of one method end, such as outcome.Counter.
type OutcomeCounter interface {
	Each(f func(result string, count uint64))
}

// Authentications adds the counters of requests' credentials, by method. It must be called once.
func (m *Metrics) Authentications(byMethod map[string]OutcomeCounter) {
	m.registry.MustRegister(outcomes{prometheus.NewDesc("sallyport_authentications_total",
		"Checks of requests' credentials, by method and result.", []string{"method", "result"}, nil), byMethod})
}

// SignIns adds the counters of sign-ins, by method. It must be called once.
func (m *Metrics) SignIns(byMethod map[string]OutcomeCounter) {
	m.registry.MustRegister(outcomes{prometheus.NewDesc("sallyport_sign_ins_total",
		"Sign-ins, by method and result.", []string{"method", "result"}, nil), byMethod})
}

// Elevations adds the counter of elevations. It must be called once.
func (m *Metrics) Elevations(counter OutcomeCounter) {
	m.registry.MustRegister(outcomes{prometheus.NewDesc("sallyport_elevations_total",
		"Requests for elevated permissions, by result.", []string{"result"}, nil), map[string]OutcomeCounter{"": counter}})
}

// Introspections adds the counter of credentials that other services asked about. It must be called once.
func (m *Metrics) Introspections(counter OutcomeCounter) {
	m.registry.MustRegister(outcomes{prometheus.NewDesc("sallyport_introspections_total",
		"Credentials that other services asked about, by result.", []string{"result"}, nil),
		map[string]OutcomeCounter{"": counter}})
}

// Lockouts adds the counter of locked users. It must be called once.
func (m *Metrics) Lockouts(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "sallyport_lockouts_total",
		Help: "Locks of users after failed attempts.",
	}, func() float64 { return float64(count()) }))
}

// outcomes collects counters that have all series from the start, so that the first failure is an increase.
type outcomes struct {
	desc *prometheus.Desc
	// byMethod has the key "" for a counter without a method.
	byMethod map[string]OutcomeCounter
}

// Describe implements prometheus.Collector.
func (o outcomes) Describe(to chan<- *prometheus.Desc) { to <- o.desc }

// Collect implements prometheus.Collector.
func (o outcomes) Collect(to chan<- prometheus.Metric) {
	for method, counter := range o.byMethod {
		var labels []string
		if method != "" {
			labels = []string{method}
		}
		counter.Each(func(result string, count uint64) {
			to <- prometheus.MustNewConstMetric(o.desc, prometheus.CounterValue, float64(count),
				append(slices.Clip(labels), result)...)
		})
	}
}
