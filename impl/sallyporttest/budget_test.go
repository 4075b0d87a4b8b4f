package sallyporttest_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// raced is set if the race detector is on, which takes time and memory.
var raced bool

// shortTest is a test that ends when end is called.
type shortTest struct {
	testing.TB

	cleanups []func()
}

func (s *shortTest) Helper()                  {}
func (s *shortTest) Output() io.Writer        { return io.Discard }
func (s *shortTest) Context() context.Context { return context.Background() }
func (s *shortTest) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }

func (s *shortTest) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// firstAnswer starts a server, waits for its first answer, which it compares with 200, and returns the time until then.
func firstAnswer(tb testing.TB) (took time.Duration) {
	test := &shortTest{TB: tb}
	defer test.end()
	began := time.Now()
	s := sallyporttest.New(test)
	response, err := s.Client(s.Admin).Get(s.URL + account)
	if err != nil {
		tb.Fatal(err)
	}
	took = time.Since(began)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		tb.Fatalf("the first answer is %d", response.StatusCode)
	}
	return took
}

func BenchmarkNew(b *testing.B) {
	firstAnswer(b) // parses the contract, and creates the template
	b.ReportAllocs()
	for b.Loop() {
		firstAnswer(b)
	}
}

// Ensures that a server answers within 5 ms of the call of New, in the median of 1,000. What else the machine does can
// only add to that, so the best of three medians counts.
func TestNew_Budget(t *testing.T) {
	if os.Getenv("SALLYPORT_TEST_THOROUGH") == "" || raced {
		t.Skip("it measures times; make thorough runs it")
	}
	firstAnswer(t)
	best := time.Hour
	for range 3 {
		times := make([]time.Duration, 1000)
		for i := range times {
			times[i] = firstAnswer(t)
		}
		slices.Sort(times)
		median := times[len(times)/2]
		t.Logf("the median is %v, 90 %% are within %v", median, times[len(times)*9/10])
		best = min(best, median)
	}
	if best > 5*time.Millisecond {
		t.Errorf("the best median is %v", best)
	}
}

// Ensures that a start does no work that can be shared, such as to migrate a database or to hash passwords. The limit
// is above what was counted when it was set: 0.6 MiB.
func TestNew_Allocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			firstAnswer(b)
		}
	})
	if bytes := result.AllocedBytesPerOp(); bytes > 1<<20 {
		t.Errorf("a server allocates %d bytes until its first answer", bytes)
	}
}

// Ensures that 200 servers run at once in less than 1 GiB.
func TestNew_Memory(t *testing.T) {
	if raced {
		t.Skip("the race detector takes memory")
	}
	const servers, limit = 200, 1 << 30
	var started sync.WaitGroup
	tests := make([]shortTest, servers)
	for i := range tests {
		tests[i].TB = t
		started.Go(func() {
			s := sallyporttest.New(&tests[i])
			key := s.Key(s.User("alice", "ece_deployment_viewer"))
			if got := status(t, s, key, "GET", keys, ""); got != http.StatusOK {
				t.Errorf("server %d answers %d", i, got)
			}
		})
	}
	started.Wait()
	memory := residentMemory(t)
	for i := range tests {
		tests[i].end()
	}
	t.Logf("%d MiB with %d servers", memory>>20, servers)
	if memory > limit {
		t.Errorf("%d servers take %d MiB", servers, memory>>20)
	}
}

// residentMemory returns the number of bytes that this process takes in memory.
func residentMemory(t *testing.T) int {
	t.Helper()
	file, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("only Linux shows the memory of a process")
	}
	defer file.Close() //nolint:errcheck // it was read only
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if size, found := strings.CutPrefix(lines.Text(), "VmRSS:"); found {
			kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(size, "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("/proc/self/status has no VmRSS")
	return 0
}

// Ensures that a program that is no test cannot start such a server.
func TestNew_OutsideOfTests(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("it builds a program; one run is enough")
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", "./testdata/outside").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: sallyporttest: this is not a test") {
		t.Errorf("the program ended with %v: %s", err, out)
	}
}
