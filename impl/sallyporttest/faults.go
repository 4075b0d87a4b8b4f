package sallyporttest

import (
	"time"

	"github.com/sallyport/sallyport/impl/http/control"
)

// FaultOption describes a fault; see [Server.Fail].
type FaultOption struct {
	apply func(*control.Fault)
}

// Status answers with a status from 400 to 599 and a short text, as a load balancer does.
func Status(status int) FaultOption {
	return FaultOption{func(f *control.Fault) { f.Status = status }}
}

// RetryAfter adds the header Retry-After to the answer of [Status], in whole seconds.
func RetryAfter(d time.Duration) FaultOption {
	return FaultOption{func(f *control.Fault) { f.RetryAfter = d }}
}

// Drop closes the connection without an answer. A client that reuses a connection may repeat the request by itself:
// Go's does so with GET.
func Drop() FaultOption {
	return FaultOption{func(f *control.Fault) { f.Drop = true }}
}

// Truncate closes the connection after the first half of the answer's body, so that the client gets the status, but not
// the whole answer. The operation takes effect. An answer without a body is complete.
func Truncate() FaultOption {
	return FaultOption{func(f *control.Fault) { f.Truncate = true }}
}

// Delay waits before the answer, in real time.
func Delay(d time.Duration) FaultOption {
	return FaultOption{func(f *control.Fault) { f.Delay = d }}
}

// Handled has the operation take effect before the fault, as if its answer were lost or late. Without it, the server
// does not see the request before the delay, and not at all with a status or a dropped connection.
func Handled() FaultOption {
	return FaultOption{func(f *control.Fault) { f.Handled = true }}
}

// Times ends the fault after n requests.
func Times(n int) FaultOption {
	return FaultOption{func(f *control.Fault) { f.Times = n }}
}

// Probability limits the fault to a random part of the requests, from 0 to 1. The same seed selects the same requests,
// by their order.
func Probability(p float64, seed uint64) FaultOption {
	return FaultOption{func(f *control.Fault) { f.Probability, f.Seed = p, seed }}
}

// Fail injects a fault into an operation, which its operationId in the contract names, such as create-api-key. The
// fault lasts until [Times] or [Server.ClearFaults]. Of several faults of an operation, each request meets the first
// that has not ended.
func (s *Server) Fail(operationID string, options ...FaultOption) {
	s.t.Helper()
	fault := control.Fault{Operation: operationID}
	for _, o := range options {
		o.apply(&fault)
	}
	if err := s.control.Faults.Add(fault); err != nil {
		s.t.Fatalf("sallyporttest: Fail: %v", err)
	}
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() { s.control.Faults.Clear() }
