package client_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

// injection begins a fault for the requests of an operation, until endFaults.
type injection func(w *world, operation string)

// answered has the server answer with a status instead, as a load balancer does, with options of its faults.
func answered(status int, options ...sallyporttest.FaultOption) injection {
	return func(w *world, operation string) {
		w.server.Fail(operation, append(options, sallyporttest.Status(status))...)
	}
}

// cut has the server close the connection within the answer.
func cut(options ...sallyporttest.FaultOption) injection {
	return func(w *world, operation string) {
		w.server.Fail(operation, append(options, sallyporttest.Truncate())...)
	}
}

// lost has the server close the connection instead of answering.
func lost(options ...sallyporttest.FaultOption) injection {
	return func(w *world, operation string) {
		w.server.Fail(operation, append(options, sallyporttest.Drop())...)
	}
}

// spoiled is a fault in front of the server, for a number of requests.
func spoiled(spoil fault, times int) injection {
	return func(w *world, _ string) { w.faults.set(spoil, times, "") }
}

// Options of answered, cut and lost: the fault ends after one request; the operation takes effect before it.
var (
	once    = sallyporttest.Times(1)
	handled = sallyporttest.Handled()
)

// faults is a server in front of another, which spoils answers as no injected fault does: it refuses requests as the
// server does, sends redirects and pages, and calls functions of the test.
type faults struct {
	world *world
	next  http.Handler

	mu    sync.Mutex
	fault fault
	times int
	// match is the end of the paths that are spoiled; empty for all but the sign-in.
	match string
	seen  []string
}

// fault answers a request in place of the server.
type fault func(f *faults, w http.ResponseWriter, r *http.Request)

// set spoils the next requests with a path that ends in match.
func (f *faults) set(spoil fault, times int, match string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.times, f.match, f.seen = spoil, times, match, nil
}

// requests returns the requests since set.
func (f *faults) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// ServeHTTP implements http.Handler.
func (f *faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.pick(r)(f, w, r)
}

func (f *faults) pick(r *http.Request) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Method+" "+r.URL.RequestURI())
	spoiled := strings.HasSuffix(r.URL.Path, f.match) && (f.match != "" || !strings.HasSuffix(r.URL.Path, "_login"))
	if f.times == 0 || !spoiled {
		return pass
	}
	f.times--
	return f.fault
}

// pass answers as the server does.
func pass(f *faults, w http.ResponseWriter, r *http.Request) { f.next.ServeHTTP(w, r) }

// carryOut has the server carry a request out, and returns its answer.
func (f *faults) carryOut(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	f.next.ServeHTTP(answer, r)
	return answer
}

// status answers with a status in place of the server, as a proxy does.
func status(status int, header ...string) fault {
	return func(_ *faults, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>a proxy's page</html>"))
	}
}

// refusal answers as the server does when it refuses a request before any work.
func refusal(status int, code string, retryAfter int) fault {
	return func(_ *faults, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		w.WriteHeader(status)
		body := `{"errors":[{"code":"` + code + `","message":"try again"}]}`
		if strings.HasPrefix(r.URL.Path, "/_security") {
			body = `{"error":{"type":"es_rejected_execution_exception","reason":"try again"},"status":503}`
		}
		_, _ = w.Write([]byte(body))
	}
}

// delay carries the request out, and answers after the client has given up.
func delay(f *faults, _ http.ResponseWriter, r *http.Request) {
	f.carryOut(r)
	f.world.expire()
	<-r.Context().Done()
}

// unauthorized answers as the server does to a token that is not valid.
func unauthorized(_ *faults, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"root.unauthorized","message":"the session has ended"}]}`))
}
