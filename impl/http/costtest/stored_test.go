package costtest

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Ensures that what is stored at its limits, or deeper than is allowed today, costs in proportion to its size when it
// is read, whatever is asked to be made of it.
func TestCost_Stored(t *testing.T) {
	whole, half := newWorld(t, 1), newWorld(t, 0.5)
	var all []measurement
	for _, o := range operations(t) {
		if o.method != http.MethodGet {
			continue
		}
		t.Run(o.id, func(t *testing.T) {
			whole.tb, half.tb = t, t
			var trials []storedTrial
			for _, caller := range slices.Sorted(maps.Keys(whole.callers)) {
				if whole.admitted(o, caller) {
					trials = append(trials, storedTrials(o, caller)...)
				}
			}
			for _, each := range sample(trials, most(6, math.MaxInt)) {
				m := confirmed(func() measurement { return compareStored(whole, half, each) })
				m.report(t)
				all = append(all, m)
			}
		})
	}
	whole.tb = t
	report(t, all)
}

// storedTrial sends the same request to two worlds. The callers of each have their own credentials.
type storedTrial struct {
	trial
	request func(w *world) Request
}

// storedTrials read all that an operation shows, and have it reshaped.
func storedTrials(o operation, caller string) []storedTrial {
	const filterLength = 3 << 10 // below the limit of filter_path
	queries := []place{{name: "query", shapes: queryShapes}}
	for _, name := range o.query {
		queries = append(queries, place{name: "query " + name,
			shapes: []shape{{"on", func(int, string) string { return name + "=true" }}}})
	}
	if o.elasticsearch {
		paths := make([]shape, 0, len(textShapes))
		for _, s := range textShapes {
			paths = append(paths, shape{s.name, func(n int, original string) string {
				return "pretty&filter_path=" + urlEscaped(s.make(n, original))
			}})
		}
		queries = append(queries, place{name: "query filter_path, pretty", shapes: paths})
	}

	var found []storedTrial
	for _, p := range queries {
		for _, s := range p.shapes {
			each := storedTrial{trial{operation: o, caller: caller, place: p.name, shape: s.name},
				func(w *world) Request {
					r := o.request(w.values)
					r.Target += "?" + s.make(filterLength, "a")
					if strings.Contains(o.id, "query") {
						r.Body = []byte(`{"size":1000}`)
					}
					return w.as(caller, r)
				}}
			found = append(found, each)
		}
	}
	return found
}

// compareStored gates what a request costs where the limits are reached, and how that compares with half of it.
func compareStored(whole, half *world, each storedTrial) measurement {
	count := func(w *world) Response {
		r := each.request(w)
		r.Count = true
		return w.do(r)
	}
	m := measurement{trial: each.trial, cost: count(whole)}
	if m.cost.Status >= http.StatusInternalServerError && !expectedFailure(m.cost.Status) {
		m.findings = append(m.findings, fmt.Sprintf("answered with %d", m.cost.Status))
	}
	m.gate(true, []Response{m.cost, count(half)}, Response{})
	return m
}
