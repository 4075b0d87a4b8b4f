package sallyporttest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/sallyport/sallyport/impl/http/control"
)

// Snapshot is the state of a server: its records, with their secrets, and its time.
type Snapshot struct{ state control.Snapshot }

// Snapshot returns the current state. Faults and the recorded requests are not part of it.
func (s *Server) Snapshot() Snapshot {
	s.t.Helper()
	state, err := s.control.Snapshot(s.context())
	if err != nil {
		s.t.Fatalf("sallyporttest: Snapshot: %v", err)
	}
	return Snapshot{state}
}

// Restore returns to the state of a snapshot, of this server or of another one in the same process: users and keys that
// were added later are gone, and the clock has the time of the snapshot. Failed attempts of client addresses are
// cleared.
func (s *Server) Restore(to Snapshot) {
	s.t.Helper()
	if err := s.control.Restore(s.context(), to.state); err != nil {
		s.t.Fatalf("sallyporttest: Restore: %v", err)
	}
}

// Reset returns to the state after [New]: it restores the records, lets the clock run with the real time, and clears
// faults and the recorded requests.
func (s *Server) Reset() {
	s.t.Helper()
	if err := s.control.Reset(s.context()); err != nil {
		s.t.Fatalf("sallyporttest: Reset: %v", err)
	}
}

// Masked stands for a secret in a [Request].
const Masked = control.Masked

// Request is a request that the server received. Its secrets, such as credentials, passwords and tokens, are replaced
// by [Masked].
type Request struct {
	// Time is that of the server's clock.
	Time time.Time
	// Operation is the operationId; empty if the contract has no such operation.
	Operation string
	Method    string
	// Path is as it was sent, escaped.
	Path   string
	Query  url.Values
	Header http.Header
	// Body is the part of the body that the server had read when it answered. The members of JSON objects are sorted. It
	// is Masked as a whole if secrets cannot be found in it, because it is no JSON and no form, compressed, or longer
	// than 16 KiB.
	Body string
	// Status is that of the answer, zero if there is none (yet).
	Status int
	// Fault is set if the request met a fault.
	Fault bool
}

// Requests returns the last 10,000 requests in the order in which they arrived.
func (s *Server) Requests() []Request {
	var requests []Request
	for _, r := range s.control.Journal.Requests() {
		requests = append(requests, Request(r))
	}
	return requests
}
