package httpapi_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	operator "github.com/sallyport/sallyport/impl/admin"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/secret"
)

// long is a deadline that only something that hangs would miss.
const long = time.Minute

// tally counts answers by their status. Each was checked against the contract.
type tally struct {
	mu     sync.Mutex
	counts map[int]int
}

func (n *tally) add(w *world, response *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.counts == nil {
		n.counts = map[int]int{}
	}
	n.counts[response.StatusCode]++
	if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		w.Error("who was turned away is not told when to come back")
	}
}

// only fails the test if there was an answer of another status, or none that was turned away.
func (n *tally) only(w *world, statuses ...int) {
	w.Helper()
	for status := range n.counts {
		if !slices.Contains(statuses, status) {
			w.Errorf("answers by status: %v; want only %v", n.counts, statuses)
		}
	}
	if n.counts[http.StatusServiceUnavailable] == 0 {
		w.Errorf("answers by status: %v; nobody was turned away, so this was no flood", n.counts)
	}
}

// steady does something again and again until a flood is over, and at least once, and returns how long each took.
func steady(over <-chan struct{}, do func()) []time.Duration {
	var took []time.Duration
	for {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
		select {
		case <-over:
			slices.Sort(took)
			return took
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// living is who must be served during a flood: reads, and operators.
func (w *world) living(over <-chan struct{}) {
	w.Helper()
	session, key := bearer(w.login("bob", bobPassword)), apiKey(*w.newKey(bob, "steady", "").Key)
	operators := httptest.NewServer(operator.New(operator.Deps{
		Stopping: w.Context(), Ready: w.app.Ready, Metrics: w.app.Metrics, Log: slog.New(slog.DiscardHandler),
	}))
	defer operators.Close()
	account := func(who client.RequestEditorFn) func() {
		return func() {
			if response, body := w.do(http.MethodGet, "/api/v1/account", "", who); response.StatusCode != http.StatusOK {
				w.Errorf("a read during the flood: %d %s", response.StatusCode, body)
			}
		}
	}
	idle := make([]time.Duration, 0, 50)
	for range cap(idle) {
		began := time.Now()
		account(session)()
		idle = append(idle, time.Since(began))
	}
	var wg sync.WaitGroup
	for name, do := range map[string]func(){"session": account(session), "key": account(key), "operators": func() { w.operatorsServed(operators.URL) }} {
		wg.Go(func() {
			took := steady(over, do)
			w.Logf("%s: %d answers, median %s, p99 %s, worst %s; a read when idle: median %s", name, len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], median(idle))
		})
	}
	wg.Wait()
}

func (w *world) operatorsServed(url string) {
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		response, err := http.Get(url + path) //nolint:noctx // a test's own server
		if err != nil {
			w.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			w.Errorf("%s during the flood: %d", path, response.StatusCode)
		}
	}
}

var loads = regexp.MustCompile(`(?m)^sallyport_bound_(?:waiting|running|held_bytes)\{bound="[^"]*"\} [1-9].*$`)

// until waits for something that is to happen.
func (w *world) until(what string, happened func() bool) {
	w.Helper()
	for deadline := time.Now().Add(long); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("waited in vain until %s", what)
		}
	}
}

// freed waits until nothing is held any more, and no more goroutines are there than before.
func (w *world) freed(goroutines int) {
	w.Helper()
	w.until("all that was held is free", func() bool { return !loads.MatchString(w.metrics()) })
	w.until("all goroutines have ended", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= goroutines
	})
}

// Ensures that a flood of sign-ins is answered, each in time, with what it asked for or that there is no room for it, while
// reads and operators are served as ever, and that it leaves nothing behind.
func TestOverload_Logins(t *testing.T) {
	w := openTuned(t, func(s *app.Settings) { s.Hashing = secret.Cost{Memory: 4 << 10, Passes: 2, Threads: 1} })
	w.addUsers()
	w.login("bob", bobPassword)
	goroutines := runtime.NumGoroutine()
	over := make(chan struct{})
	var answers tally
	go func() {
		defer close(over)
		parallel(500, func(i int) {
			for range 3 {
				name, password := "alice", "guess"
				if i%10 == 0 {
					name, password = "bob", bobPassword
				}
				response, _ := w.do(http.MethodPost, loginPath, fmt.Sprintf(`{"username":%q,"password":%q}`, name, password))
				answers.add(w, response)
			}
		})
	}()
	w.living(over)
	answers.only(w, http.StatusOK, http.StatusUnauthorized, http.StatusServiceUnavailable)
	t.Log(answers.counts)
	w.freed(goroutines)
	w.login("bob", bobPassword)
}
