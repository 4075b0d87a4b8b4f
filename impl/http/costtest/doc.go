// Package costtest measures what requests cost, and fails where the cost is out of proportion to the request.
//
// The test puts values of many shapes (deep, broad, long, patterns, repetitions) into every place of every operation
// of the contract, and has a server that keeps data at its own limits answer them in another process, the probe. It
// gates the bytes that are allocated, the basic blocks that are executed, and how both grow when the input is
// doubled. Seconds are recorded and not gated.
//
// What it does not see: work inside SQLite, which is not counted, and work of packages outside probedPackages in
// probe_test.go.
package costtest

import "net/http"

// Request is what the test asks of the probe: to serve a request, or to open or close the database.
type Request struct {
	Method string      `json:"method,omitempty"`
	Target string      `json:"target,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	// Keep asks for the body of the response.
	Keep bool `json:"keep,omitempty"`
	// Count asks for the blocks that were executed. Counting takes some milliseconds.
	Count bool `json:"count,omitempty"`
	Close bool `json:"close,omitempty"`
	Open  bool `json:"open,omitempty"`
}

// Response is what a request cost.
type Response struct {
	Status int `json:"status"`
	// Sent is the size of the response's body in bytes.
	Sent int64 `json:"sent"`
	// Bytes is what was allocated.
	Bytes int64 `json:"bytes"`
	// Blocks is how many basic blocks were executed, 0 if they were not counted.
	Blocks  int64   `json:"blocks"`
	Seconds float64 `json:"seconds"`
	Body    []byte  `json:"body,omitempty"`
}
