package client_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// faults is a server that spoils answers of the one behind it.
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

// late carries the request out, and answers with a status of a proxy that got no answer.
func late(failure int) fault {
	return func(f *faults, w http.ResponseWriter, r *http.Request) {
		f.carryOut(r)
		status(failure)(f, w, r)
	}
}

// dropBefore closes the connection, and drops the request.
func dropBefore(*faults, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// dropAfter carries the request out, and closes the connection.
func dropAfter(f *faults, _ http.ResponseWriter, r *http.Request) {
	f.carryOut(r)
	panic(http.ErrAbortHandler)
}

// truncate carries the request out, and closes the connection within the body of the answer.
func truncate(f *faults, w http.ResponseWriter, r *http.Request) {
	answer := f.carryOut(r)
	maps.Copy(w.Header(), answer.Header())
	w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
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
