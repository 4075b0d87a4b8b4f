package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// metricsOfMemory must not grow under load.
var metricsOfMemory = []string{resident, "go_memstats_heap_alloc_bytes", "go_memstats_stack_inuse_bytes"}

const resident = "process_resident_memory_bytes"

// holdings are the resources that must be released after a load: of each server, and of the database.
var holdings = []string{"go_goroutines", "process_open_fds"}

// sample is the sum of each metric over all servers at one moment, and the number of connections to the database.
type sample map[string]float64

const connectionsOfDatabase = "connections of the database"

// series returns the metrics of a sample, in the order of the report.
func series() []string {
	return slices.Concat(metricsOfMemory, holdings, []string{connectionsOfDatabase})
}

var metricLine = regexp.MustCompile(`(?m)^([a-z_]+) ([-+0-9.e]+)$`)

// metrics reads the metrics of a server.
func (p *process) metrics() sample {
	found := sample{}
	for _, line := range metricLine.FindAllStringSubmatch(p.send(http.MethodGet, "/metrics", "", "").body, -1) {
		found[line[1]], _ = strconv.ParseFloat(line[2], 64) // ignore what is no number
	}
	return found
}

// sample measures now.
func (s *soak) sample() sample {
	sum := sample{connectionsOfDatabase: s.connections()}
	for _, operator := range s.operators {
		of := operator.metrics()
		for _, name := range slices.Concat(metricsOfMemory, holdings) {
			sum[name] += of[name]
		}
	}
	return sum
}

// held returns the resources that must be released.
func (s *soak) held() []float64 {
	now := s.sample()
	return []float64{now["go_goroutines"], now["process_open_fds"], now[connectionsOfDatabase]}
}

// measure takes samples for a duration.
func (s *soak) measure(length time.Duration) []sample {
	const samples = 200
	again := time.NewTicker(max(length/samples, 100*time.Millisecond))
	defer again.Stop()
	over := time.After(length)
	var taken []sample
	for {
		taken = append(taken, s.sample())
		select {
		case <-over:
			return taken
		case <-again.C:
		}
	}
}

// quarters returns the levels of a metric in the first and in the last quarter, after a warm-up of a fifth.
func quarters(samples []sample, name string) (first, last float64) {
	samples = samples[len(samples)/5:]
	n := max(1, len(samples)/4)
	return level(samples[:n], name), level(samples[len(samples)-n:], name)
}

// level is the median of the resident memory, and the first decile of all other metrics: what each request, hash and
// crowd adds temporarily is above that.
func level(samples []sample, name string) float64 {
	var values []float64
	for _, each := range samples {
		values = append(values, each[name])
	}
	slices.Sort(values)
	if name == resident {
		return values[len(values)/2]
	}
	return values[len(values)/10]
}

// tally counts answers. It is safe for concurrent use.
type tally struct {
	mu         sync.Mutex
	operations map[string]*counted
	wrong      map[string]int
}

// counted are the answers to one operation.
type counted struct {
	statuses map[int]int
	took     []time.Duration // of those that were not refused
}

func newTally() *tally { return &tally{operations: map[string]*counted{}, wrong: map[string]int{}} }

func (t *tally) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.operations = map[string]*counted{} // wrong answers are kept
}

type expectationKey struct{}

// expectation is a request's name and its expected status.
type expectation struct {
	name   string
	status int
}

// expecting returns the context of a request with its expectation.
func expecting(name string, status int) context.Context {
	return context.WithValue(context.Background(), expectationKey{}, expectation{name, status})
}

// counting is a transport that counts.
type counting struct {
	http.RoundTripper
	tally *tally
}

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := c.RoundTripper.RoundTrip(r)
	e, _ := r.Context().Value(expectationKey{}).(expectation)
	c.tally.count(e, response, err, time.Since(began))
	return response, err
}

// count records an answer. An unexpected one is wrong, unless it says that the server is busy, with a time to retry.
func (t *tally) count(e expectation, response *http.Response, err error, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.wrong[e.name+": "+err.Error()]++
		return
	}
	of := t.operations[e.name]
	if of == nil {
		of = &counted{statuses: map[int]int{}}
		t.operations[e.name] = of
	}
	of.statuses[response.StatusCode]++
	shed := response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != ""
	if !shed {
		of.took = append(of.took, took)
	}
	if response.StatusCode != e.status && !shed {
		t.wrong[fmt.Sprintf("%s: %d; want %d", e.name, response.StatusCode, e.status)]++
	}
}

// percentile returns a percentile of durations, in milliseconds.
func percentile(took []time.Duration, percent int) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return float64(took[len(took)*percent/100].Microseconds()) / 1000
}

// table formats the tally in Markdown.
func (t *tally) table(length time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	text.WriteString("| operation | requests | a second | median ms | 99 of 100 ms | answers " +
		"|\n|---|---|---|---|---|---|\n")
	all, shed := 0, 0
	for _, name := range slices.Sorted(maps.Keys(t.operations)) {
		of, requests := t.operations[name], 0
		var answers []string
		for _, status := range slices.Sorted(maps.Keys(of.statuses)) {
			requests += of.statuses[status]
			answers = append(answers, fmt.Sprintf("%d × %d", of.statuses[status], status))
		}
		all, shed = all+requests, shed+of.statuses[http.StatusServiceUnavailable]
		fmt.Fprintf(&text, "| %s | %d | %.1f | %.1f | %.1f | %s |\n",
			name, requests, float64(requests)/length.Seconds(), percentile(of.took, 50), percentile(of.took, 99),
			strings.Join(answers, ", "))
	}
	fmt.Fprintf(&text, "| all | %d | %.1f | | | %d turned away |\n", all, float64(all)/length.Seconds(), shed)
	return text.String()
}

const (
	// soakMeasured is the minimum duration of a soak for its memory to be judged.
	soakMeasured = time.Minute
	// growth is the accepted difference of memory between the first quarter and the last, which the timing of the
	// garbage collector explains.
	growth      = 0.15
	growthBytes = 8 << 20
)

// check fails the test unless all answers were as expected and nothing has grown; and reports.
func (s *soak) check(before []float64, samples []sample, after []float64) {
	s.Helper()
	for what, times := range s.tally.wrong {
		s.Errorf("%d times %s", times, what)
	}
	if len(s.tally.operations) < len(tasks) {
		s.Errorf("only %d operations were sent", len(s.tally.operations))
	}
	s.Logf("%s, %d servers, %d at once:\n%s\n%s", s.length, len(s.servers), s.soakers, s.tally.table(s.length),
		growthTable(samples))
	s.Logf("%v: before %v, after %v", append(holdings, connectionsOfDatabase), before, after)
	if s.length < soakMeasured {
		return
	}
	for _, name := range series() {
		checkFlat(s.T, samples, name)
	}
}

// checkFlat fails the test if a metric is higher at the end than at the beginning.
func checkFlat(t *testing.T, samples []sample, name string) {
	t.Helper()
	least := 0.0
	if slices.Contains(metricsOfMemory, name) {
		least = growthBytes
	}
	if first, last := quarters(samples, name); last > first*(1+growth)+least {
		t.Errorf("%s grew from %.0f to %.0f", name, first, last)
	}
}

// growthTable compares the beginning and the end, in Markdown.
func growthTable(samples []sample) string {
	var text strings.Builder
	text.WriteString("| all servers together | first quarter | last quarter |\n|---|---|---|\n")
	for _, name := range series() {
		first, last := quarters(samples, name)
		if slices.Contains(metricsOfMemory, name) {
			fmt.Fprintf(&text, "| `%s` | %.1f MiB | %.1f MiB |\n", name, first/(1<<20), last/(1<<20))
			continue
		}
		fmt.Fprintf(&text, "| %s | %.0f | %.0f |\n", name, first, last)
	}
	return text.String()
}
