package costtest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// Gates. Bytes are allocated bytes; blocks are executed basic blocks, of which a core takes some hundred million a
// second.
const (
	maxBytes, maxBlocks         = 64 << 20, 40 << 20
	maxSlotBytes, maxSlotBlocks = 256 << 20, 400 << 20
	maxGrowth                   = 2.3
	// maxAnswer bounds what a request without a slot is answered with.
	maxAnswer = 1 << 20
)

// Growth counts above these floors, so that constants do not matter.
const (
	floorBytes, floorBlocks = 1 << 20, 1 << 20
	floorSeconds            = 0.004 // below it nothing is counted, because there is nothing to find
)

// sizes are those of the inputs, in bytes: the largest that takes no slot, and just below limits of what patterns and
// lists may have. A smaller one is taken if a larger one is refused, because the refusal says nothing about what is
// accepted.
var sizes = []int{16 << 10, 4000, 950}

const (
	smallRequest = 16 << 10
	largeRequest = 512 << 10
)

var (
	seed     = flag.Uint64("cost.seed", 1, "which cases are taken where not all are")
	only     = flag.String("cost.only", "", "run only the cases with this text in their names")
	thorough = os.Getenv("SALLYPORT_TEST_THOROUGH") != ""
)

// A trial is one shape in one place of one operation, for one caller.
type trial struct {
	operation            operation
	caller, place, shape string
	make                 func(n int) Request
}

func (t trial) String() string {
	return t.operation.id + ", " + t.caller + ", " + t.place + ", " + t.shape
}

// most is how many cases of an operation are taken.
func most(quick, whole int) int {
	switch {
	case *only != "":
		return math.MaxInt
	case thorough:
		return whole
	}
	return quick
}

// sample takes at most a number of cases, chosen by the seed, and those that -cost.only asks for.
func sample[T fmt.Stringer](all []T, most int) []T {
	if *only != "" {
		return slices.DeleteFunc(all, func(each T) bool { return !strings.Contains(each.String(), *only) })
	}
	if len(all) <= most {
		return all
	}
	rank := func(each T) uint64 {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, *seed, each)
		return h.Sum64()
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(rank(a), rank(b)) })
	return all[:most]
}

// trials returns an operation's cases for a caller.
func (w *world) trials(o operation, caller string, places []place) []trial {
	var found []trial
	for _, p := range places {
		for _, s := range p.shapes {
			found = append(found, trial{o, caller, p.name, s.name, func(n int) Request {
				return w.as(caller, p.put(s.make(n, p.original)))
			}})
		}
	}
	return found
}

// as returns a request with a caller's credentials, unless it has others.
func (w *world) as(caller string, r Request) Request {
	for name, values := range w.callers[caller] {
		if r.Header.Get(name) == "" {
			r.Header[name] = values
		}
	}
	return r
}

// measurement is what a case cost.
type measurement struct {
	trial
	size     int // of the input
	cost     Response
	findings []string
}

// admitted reports whether a caller gets past authentication and authorization.
func (w *world) admitted(o operation, caller string) bool {
	status := w.do(w.as(caller, o.request(w.values))).Status
	return status != http.StatusUnauthorized && status != http.StatusForbidden
}

// expectedFailure reports whether a server may answer so: what is not configured is 501, and what is too much 503.
func expectedFailure(status int) bool {
	return status == http.StatusNotImplemented || status == http.StatusServiceUnavailable
}

// measure gates a case, at the largest size, and at the smaller ones if that is refused.
func (w *world) measure(t trial) []measurement {
	var all []measurement
	for _, n := range sizes {
		m := confirmed(func() measurement { return w.measureSize(t, n) })
		all = append(all, m)
		if m.cost.Status < http.StatusBadRequest || m.cost.Status == http.StatusUnauthorized ||
			m.cost.Status == http.StatusForbidden {
			break
		}
	}
	return all
}

// confirmed repeats a measurement that has findings, and returns the first without any: sweeps and caches allocate in
// the same process, and whatever the request itself costs, it costs each time.
func confirmed(measure func() measurement) measurement {
	m := measure()
	for tries := 1; len(m.findings) > 0 && tries < 3; tries++ {
		m = measure()
	}
	return m
}

// measureSize gates a case at one size. Nothing is counted of a case that is cheap by both bytes and seconds.
func (w *world) measureSize(t trial, n int) measurement {
	m := measurement{trial: t, size: n, cost: w.do(t.make(n))}
	if m.cost.Status >= http.StatusInternalServerError && !expectedFailure(m.cost.Status) {
		m.findings = append(m.findings, fmt.Sprintf("answered with %d", m.cost.Status))
	}
	if m.cost.Bytes < floorBytes && m.cost.Seconds < floorSeconds {
		return m
	}

	counted := func(n int) Response {
		r := t.make(n)
		r.Count = true
		return w.do(r)
	}
	whole := counted(n)
	whole.Bytes, whole.Seconds = max(whole.Bytes, m.cost.Bytes), min(whole.Seconds, m.cost.Seconds)
	m.cost = whole
	if whole.Sent > maxAnswer && !t.operation.slot {
		m.findings = append(m.findings, fmt.Sprintf("%s are sent without a slot, at most %s are allowed",
			size(whole.Sent), size(maxAnswer)))
	}
	m.gate(t.operation.slot || n > smallRequest, []Response{whole, counted(n / 2), counted(n / 4)}, counted(16))
	return m
}

// units are the figures that are gated.
var units = []struct {
	name                   string
	floor, limit, withSlot int64
	of                     func(Response) int64
}{
	{"bytes", floorBytes, maxBytes, maxSlotBytes, func(r Response) int64 { return r.Bytes }},
	{"blocks", floorBlocks, maxBlocks, maxSlotBlocks, func(r Response) int64 { return r.Blocks }},
}

// gate compares what an input cost with the limits, and with what half of it and a quarter cost. The quarter decides
// where buffers, which double when they are full, make one step large and the next one small.
func (m *measurement) gate(slot bool, costs []Response, nothing Response) {
	for _, unit := range units {
		limit := unit.limit
		if slot {
			limit = unit.withSlot
		}
		whole := unit.of(costs[0])
		if whole > limit {
			m.findings = append(m.findings, fmt.Sprintf("%s %s, at most %s are allowed", size(whole), unit.name,
				size(limit)))
		}

		floor := unit.floor
		if m.size > smallRequest {
			floor *= 8 // a large body is copied more than once
		}
		most, least := 1.0, math.Inf(1)
		for _, smaller := range costs[1:] {
			most *= maxGrowth
			base := unit.of(nothing)
			growth := float64(whole-base) / float64(max(unit.of(smaller)-base, floor))
			least = min(least, growth/most)
		}
		if least > 1 && !excused(m.trial) {
			m.findings = append(m.findings, fmt.Sprintf("%s grow to %s, from %s for half the input, and more before",
				unit.name, size(whole), size(unit.of(costs[1]))))
		}
	}
}

// report fails the test for what was found, and reports whether anything was.
func (m measurement) report(t *testing.T) bool {
	t.Helper()
	if len(m.findings) == 0 {
		return false
	}
	t.Errorf("%s: %s", m, strings.Join(m.findings, "; "))
	return true
}

func (m measurement) String() string {
	return fmt.Sprintf("%s (%d bytes): status %d, %s sent, %s allocated, %s blocks, %.3f s", m.trial, m.size,
		m.cost.Status, size(m.cost.Sent), size(m.cost.Bytes), size(m.cost.Blocks), m.cost.Seconds)
}

// maxFindings is how many cases of an operation may fail before its other cases are left out.
const maxFindings = 6

// Ensures that no small request costs out of proportion, whichever shape it has.
func TestCost(t *testing.T) {
	share := 0.25 // TestCost_Stored and TestCost_Attacks have all that may be stored
	if thorough {
		share = 1
	}
	w := newWorld(t, share)
	var all []measurement
	for _, o := range operations(t) {
		t.Run(o.id, func(t *testing.T) {
			w.tb = t
			all = append(all, w.gateOperation(t, o)...)
		})
	}
	w.tb = t
	report(t, all)
}

// gateOperation measures an operation's cases until too many have failed.
func (w *world) gateOperation(t *testing.T, o operation) []measurement {
	t.Helper()
	w.reset()
	var all []measurement
	began, failed := time.Now(), 0
	for _, each := range w.cases(o) {
		for _, m := range w.measure(each) {
			all = append(all, m)
			if m.report(t) {
				failed++
			}
		}
		if failed >= maxFindings {
			t.Logf("the other cases of %s are left out, because %d have failed", o.id, failed)
			break
		}
	}
	for _, each := range w.largeCases(o) {
		m := w.measureSize(each, largeRequest)
		all = append(all, m)
		m.report(t)
	}
	t.Logf("%s: %d cases in %s", o.id, len(all), time.Since(began).Round(time.Millisecond))
	return all
}

// cases returns cases of an operation for all callers: few for callers that are refused before anything of the
// request is read, and few in places that all operations have in common.
func (w *world) cases(o operation) []trial {
	var common, own []place
	for _, p := range o.places(w.values) {
		if p.common {
			common = append(common, p)
		} else {
			own = append(own, p)
		}
	}

	var all, refused, headers []trial
	for _, caller := range slices.Sorted(maps.Keys(w.callers)) {
		if w.admitted(o, caller) {
			all = append(all, w.trials(o, caller, own)...)
			headers = append(headers, w.trials(o, caller, common)...)
		} else {
			refused = append(refused, w.trials(o, caller, own)...)
		}
	}
	return slices.Concat(sample(all, most(16, 200)), sample(refused, most(2, 10)), sample(headers, most(3, 20)))
}

// largeCases returns cases with bodies that are large enough to take a work slot. Those of Elasticsearch's operations
// are compressed, so that they are small until they are read.
func (w *world) largeCases(o operation) []trial {
	var bodies []place
	for _, p := range o.places(w.values) {
		if strings.HasPrefix(p.name, "body") {
			bodies = append(bodies, p)
		}
	}
	var all []trial
	for _, caller := range []string{"broad", "root"} {
		if len(bodies) > 0 && w.admitted(o, caller) {
			all = append(all, w.trials(o, caller, bodies)...)
		}
	}
	all = sample(all, most(1, 20))
	for i, each := range all {
		if o.elasticsearch {
			all[i].place += ", compressed"
			all[i].make = func(n int) Request { return compressed(each.make(n)) }
		}
	}
	return all
}

// compressed returns a request with its body packed.
func compressed(r Request) Request {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(r.Body)
	_ = w.Close()
	r.Body = packed.Bytes()
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

// report logs the most expensive cases of each measure.
func report(t *testing.T, all []measurement) {
	t.Helper()
	for name, figure := range map[string]func(Response) float64{
		"bytes":   func(r Response) float64 { return float64(r.Bytes) },
		"blocks":  func(r Response) float64 { return float64(r.Blocks) },
		"seconds": func(r Response) float64 { return r.Seconds },
	} {
		sort.Slice(all, func(i, j int) bool { return figure(all[i].cost) > figure(all[j].cost) })
		t.Logf("%d cases; most %s:", len(all), name)
		for _, m := range all[:min(len(all), 10)] {
			t.Log("  ", m)
		}
	}
}
