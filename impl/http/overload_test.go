package http_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	operator "github.com/sallyport/sallyport/impl/platform/admin"
	"github.com/sallyport/sallyport/impl/platform/secret"
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
		w.Error("a refusal has no Retry-After")
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
		w.Errorf("answers by status: %v; no request was refused, so this was no flood", n.counts)
	}
}

// steady does something again and again until a flood is over, and at least once, and returns the time that each took.
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

// served holds the probes that must be served during a flood: reads, and operators.
type served struct {
	*world
	does map[string]func()
	idle time.Duration
}

// mustServe prepares the probes that must be served. It is called before the flood.
func (w *world) mustServe() served {
	w.Helper()

	session, key := bearer(w.login("bob", bobPassword)), apiKey(*w.newKey(bob, "steady", "").Key)
	operators := httptest.NewServer(operator.New(operator.Deps{
		Stopping: w.Context(),
		Ready:    w.app.Ready,
		Metrics:  w.app.Metrics,
		Log:      slog.New(slog.DiscardHandler),
	}))
	w.Cleanup(operators.Close)
	account := func(caller client.RequestEditorFn) func() {
		return func() {
			if response, body := w.do(http.MethodGet, "/api/v1/account", "", caller); response.StatusCode != http.StatusOK {
				w.Errorf("a read during the flood: %d %s", response.StatusCode, body)
			}
		}
	}

	s := served{world: w, does: map[string]func(){
		"session": account(session), "key": account(key), "operators": func() { w.operatorsServed(operators.URL) },
	}}
	var took []time.Duration
	for range 50 {
		began := time.Now()
		s.does["session"]()
		took = append(took, time.Since(began))
	}

	s.idle = median(took)
	return s
}

// until serves until a flood is over.
func (s served) until(over <-chan struct{}) {
	s.Helper()
	var wg sync.WaitGroup
	for name, do := range s.does {
		wg.Go(func() {
			took := steady(over, do)
			s.Logf("%s: %d answers, median %s, p99 %s, worst %s; a read when idle: median %s", name, len(took),
				took[len(took)/2], took[len(took)*99/100], took[len(took)-1], s.idle)
		})
	}
	wg.Wait()
}

func (w *world) operatorsServed(url string) {
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		response, err := http.Get(url + path)
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

// floodable makes hashing the slowest part of a sign-in by far, so that its queue fills on each machine and store.
var floodable = secret.Cost{Memory: 16 << 10, Passes: 2, Threads: 1}

// Ensures that each request of a flood of sign-ins is answered in time, served or refused as overload, while reads and
// operators are served as usual, and that the flood leaves nothing behind.
func TestOverload_Logins(t *testing.T) {
	w := openTuned(t, func(s *app.Settings) { s.Hashing = floodable })
	w.addUsers()
	w.login("bob", bobPassword)
	served, goroutines := w.mustServe(), runtime.NumGoroutine()
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

	served.until(over)
	answers.only(w, http.StatusOK, http.StatusUnauthorized, http.StatusServiceUnavailable)
	t.Log(answers.counts)
	w.freed(goroutines)
	w.login("bob", bobPassword)
}

// Ensures that a flood of sign-ins from one address fills only its own queue: another address is answered each time, in
// turn.
func TestOverload_LoginsOfOneAddress(t *testing.T) {
	_, loopback, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}

	w := openTuned(t, func(s *app.Settings) {
		s.Hashing = floodable
		s.TrustedProxies = []*net.IPNet{loopback}
	})

	guess := func(address, name string) *http.Response {
		response, _ := w.do(http.MethodPost, loginPath, fmt.Sprintf(`{"username":%q,"password":"guess"}`, name),
			header("X-Forwarded-For", address))
		return response
	}

	over := make(chan struct{})
	var flood tally
	go func() {
		defer close(over)
		parallel(300, func(i int) {
			for range 3 {
				flood.add(w, guess("192.0.2.1", fmt.Sprint("unknown", i)))
			}
		})
	}()

	steady(over, func() {
		if status := guess("192.0.2.2", "unknown").StatusCode; status != http.StatusUnauthorized {
			t.Errorf("another address is answered %d", status)
		}
	})

	flood.only(w, http.StatusUnauthorized, http.StatusServiceUnavailable)
}

// Ensures that each request of a flood of heavy requests, with large bodies and large answers, is answered in time and
// in Elasticsearch's form, served or refused as overload, while reads and operators are served as usual.
func TestOverload_LargeRequests(t *testing.T) {
	w := newWorld(t)
	owner := w.native("owner", "superuser")
	ids := make([]string, 0, 200)
	for range cap(ids) {
		ids = append(ids, fmt.Sprint(w.es(owner, "POST /_security/api_key", `{"name":"k"}`).ok()["id"]))
	}

	unknown := strings.Repeat(`"unknown",`, 20_000)
	served, goroutines := w.mustServe(), runtime.NumGoroutine()
	over := make(chan struct{})
	var answers tally
	go func() {
		defer close(over)
		parallel(150, func(i int) {
			var r reply
			switch i % 3 {
			case 0:
				r = w.es(owner, "POST /_security/_query/api_key",
					`{"size":200,"query":{"wildcard":{"name":"*k*"}},"sort":["name"]}`)
			case 1:
				r = w.es(owner, "POST /_security/api_key/_bulk_update", `{"ids":[`+unknown+`"x"],"metadata":{"a":1}}`)
			default:
				r = w.es(owner, "POST /_security/api_key/_bulk_update",
					fmt.Sprintf(`{"ids":["%s"],"metadata":{"a":%d}}`, strings.Join(ids, `","`), i))
			}

			answers.add(w, r.response)
			if r.response.StatusCode == http.StatusServiceUnavailable {
				r.fails(http.StatusServiceUnavailable, "es_rejected_execution_exception",
					"the server is busy; try again in a moment")
			}
		})
	}()

	served.until(over)
	answers.only(w, http.StatusOK, http.StatusServiceUnavailable)
	t.Log(answers.counts)
	w.freed(goroutines)
}

// Ensures that a flood of what writes does not keep reads and operators waiting, and that each write is done or
// refused.
func TestOverload_Writes(t *testing.T) {
	w := newWorld(t)
	token := bearer(w.login("bob", bobPassword))
	served := w.mustServe()
	before, err := w.client.GetAPIKeysWithResponse(t.Context(), token)
	if err != nil || before.JSON200 == nil {
		t.Fatalf("%v %s", err, before.Body)
	}

	goroutines := runtime.NumGoroutine()
	over := make(chan struct{})
	var answers tally
	go func() {
		defer close(over)
		parallel(700, func(int) {
			response, _ := w.do(http.MethodPost, "/api/v1/users/auth/keys", `{"description":"flood"}`, token)
			answers.add(w, response)
		})
	}()

	served.until(over)
	w.freed(goroutines)
	for status := range answers.counts {
		if status != http.StatusCreated && status != http.StatusServiceUnavailable {
			t.Errorf("answers by status: %v", answers.counts)
		}
	}

	t.Log(answers.counts)
	after, err := w.client.GetAPIKeysWithResponse(t.Context(), token)
	if err != nil || after.JSON200 == nil {
		t.Fatalf("%v %s", err, after.Body)
	}
	if made := len(after.JSON200.Keys) - len(before.JSON200.Keys); made != answers.counts[http.StatusCreated] {
		t.Errorf("%d keys were made and %d answered", made, answers.counts[http.StatusCreated])
	}
}

// Ensures that a user with clients that do not read large answers holds no work slot and at most a quarter of the
// bytes, that others list users and revoke meanwhile, and that the user's own revocations work, too.
func TestOverload_SlowReaders(t *testing.T) {
	w := newWorld(t)
	owner := w.native("owner", "superuser")
	var resources []string
	for i := range 1_300 {
		resources = append(resources, strconv.Itoa(i))
	}

	question := fmt.Sprintf(`{"application":[{"application":"app","privileges":["p%s"],"resources":["%s"]}]}`,
		strings.Repeat("x", 8_000), strings.Join(resources, `","`))
	credentials := base64.StdEncoding.EncodeToString([]byte("owner:" + passwordOf("owner")))
	for _, target := range []string{"_has_privileges", "_has_privileges?pretty",
		"_has_privileges?filter_path=application"} {
		t.Run(target, func(t *testing.T) {
			goroutines := runtime.NumGoroutine()
			answered := make(chan string, 12)
			var connections []net.Conn
			for range cap(answered) {
				connection := w.send("POST /_security/user/"+target, "Authorization: Basic "+credentials+"\r\n", len(question), 0)
				connections = append(connections, connection)
				if _, err := connection.Write([]byte(question)); err != nil {
					t.Fatal(err)
				}
				go func() {
					status, _ := bufio.NewReaderSize(connection, 16).Peek(len("HTTP/1.1 200"))
					answered <- string(status[len(status)-3:])
				}()
			}

			statuses := map[string]int{}
			for range cap(answered) {
				statuses[<-answered]++
			}

			if sent := statuses["200"]; sent == 0 || sent > 4 || sent+statuses["503"] != cap(answered) {
				t.Errorf("answers by status: %v; want up to four of 10 MB in 40 MiB", statuses)
			}

			for _, line := range []string{"sallyport_bound_running{bound=\"heavy\"} 0\n",
				"sallyport_bound_waiting{bound=\"heavy\"} 0\n"} {
				if !strings.Contains(w.metrics(), line) {
					t.Errorf("there is no %q: slow readers hold a work slot", line)
				}
			}

			if response, body := w.do(http.MethodGet, "/api/v1/users", "", bob); response.StatusCode != http.StatusOK {
				t.Errorf("another user lists users: %d %s", response.StatusCode, body)
			}

			for _, caller := range []client.RequestEditorFn{bob, owner} {
				id := fmt.Sprint(w.es(caller, "POST /_security/api_key", `{"name":"k"}`).ok()["id"])
				w.es(caller, "DELETE /_security/api_key", `{"ids":["`+id+`"]}`).ok()
			}

			for _, connection := range connections {
				_ = connection.Close()
			}

			w.freed(goroutines)
		})
	}
}

// send sends a request with a body of a length, or as much of it, and returns the connection.
func (w *world) send(request, headers string, length, sent int) net.Conn {
	w.Helper()

	connection, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.Fatal(err)
	}

	text := fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		request, length, headers, strings.Repeat(" ", sent))
	if _, err := connection.Write([]byte(text)); err != nil {
		w.Fatal(err)
	}

	return connection
}

// holds waits until n bytes of large bodies are held.
func (w *world) holds(bound string, bytes int) {
	w.Helper()
	line := fmt.Sprintf("sallyport_bound_held_bytes{bound=%q} %s\n", bound,
		strconv.FormatFloat(float64(bytes), 'g', -1, 64))
	w.until(line, func() bool { return strings.Contains(w.metrics(), line) })
}

// Ensures that a request that is refused is answered soon although its body does not end, and holds nothing afterwards,
// so that unauthenticated callers cannot fill the requests at once with it.
func TestOverload_RefusedUnfinishedBodies(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for path, want := range map[string]int{
		"/_security/user/_has_privileges": http.StatusUnauthorized,
		"/api/v1/users":                   http.StatusUnauthorized,
		"/api/v1/none":                    http.StatusNotFound,
	} {
		t.Run(path, func(t *testing.T) {
			began := time.Now()
			connection := w.send("POST "+path, "", 16<<10, 100)
			defer func() { _ = connection.Close() }()
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}

			_ = response.Body.Close()
			if took := time.Since(began); response.StatusCode != want || took > 10*time.Second {
				t.Errorf("%d after %s; want %d soon", response.StatusCode, took, want)
			}
		})
	}
}

// Ensures that bodies that do not end hold no work slot; that unauthenticated callers that send them use up neither the
// bytes of users nor what small bodies need; that what exceeds an address's share is refused at once, and that nothing
// of the rest stays after its connection.
func TestOverload_UnfinishedBodies(t *testing.T) {
	w := newWorld(t)
	owner := w.native("owner", "superuser")
	goroutines := runtime.NumGoroutine()
	credentials := base64.StdEncoding.EncodeToString([]byte("owner:" + passwordOf("owner")))
	const size, small, fit = 900_000, 16 << 10, 9 // in an address's quarter of 32 MiB
	var connections []net.Conn
	for i := range fit {
		connections = append(connections, w.send("POST "+loginPath, "", size+1, size))
		w.holds("unauthenticated", (i+1)*(size-small))
		connections = append(connections,
			w.send("POST /_security/api_key/_bulk_update", "Authorization: Basic "+credentials+"\r\n", size+1, size))
		w.holds("heavy", (i+1)*(size-small))
	}

	for range 2 {
		connection := w.send("POST "+loginPath, "", size, size)
		connections = append(connections, connection)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		w.refused(response, string(body), http.StatusServiceUnavailable, "root.overloaded")
	}

	for _, bound := range []string{"heavy", "revocation", "unauthenticated", "hashing", "writes"} {
		if line := fmt.Sprintf("sallyport_bound_running{bound=%q} 0\n", bound); !strings.Contains(w.metrics(), line) {
			t.Errorf("there is no %q: bodies that do not end hold a slot", line)
		}
	}

	w.login("alice", alicePassword)
	w.es(owner, "POST /_security/_query/api_key", `{}`).ok()
	w.es(owner, "POST /_security/api_key/_bulk_update", `{"ids":["`+strings.Repeat("x", 100_000)+`"]}`).ok()
	for _, connection := range connections {
		if err := connection.Close(); err != nil {
			t.Fatal(err)
		}
	}

	w.freed(goroutines)
}
