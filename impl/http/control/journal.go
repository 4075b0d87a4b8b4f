package control

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// maxRequests is the number of requests that a journal keeps; the oldest are dropped for new ones.
	maxRequests = 10_000
	// maxRecorded is the size in bytes up to which the body of a request is recorded.
	maxRecorded = 16 << 10
)

// Request is a request that a server received. Secrets are replaced by Masked.
type Request struct {
	// Time is that of the server's clock.
	Time time.Time
	// Operation is the operationId; empty if the contract has no such operation.
	Operation string
	Method    string
	Path      string
	Query     url.Values
	Header    http.Header
	// Body is the part of the body that the server had read when it answered. It is masked as a whole if secrets cannot
	// be found in it, because it is no JSON and no form, compressed, or longer than 16 KiB.
	Body string
	// Status is that of the answer, zero if there is none (yet).
	Status int
	// Fault is set if the request met a fault.
	Fault bool
}

// Journal is a list of requests. It is safe for concurrent use.
type Journal struct {
	mu   sync.Mutex
	list []*entry
}

// entry is a request, and what is read of its body until it is answered.
type entry struct {
	journal *Journal
	request Request
	// body is what was recorded of the body, until masked is set.
	body    []byte
	tooLong bool
	masked  bool
}

// Requests returns the requests in the order in which they arrived.
func (j *Journal) Requests() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	requests := make([]Request, len(j.list))
	for i, e := range j.list {
		requests[i] = e.request
	}
	return requests
}

func (j *Journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.list = nil
}

// add adds a request, and records what is read of its body.
func (j *Journal) add(r *http.Request, operation string, now time.Time, fault bool) *entry {
	e := &entry{journal: j, request: Request{
		Time:      now,
		Operation: operation,
		Method:    r.Method,
		Path:      r.URL.EscapedPath(),
		Query:     maskValues(r.URL.Query()),
		Header:    maskHeader(r.Header),
		Fault:     fault,
	}}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &recordedBody{r.Body, e}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.list) == maxRequests {
		j.list = slices.Delete(j.list, 0, 1)
	}
	j.list = append(j.list, e)
	return e
}

// answered records the status of the answer, unless it has one, and masks the body. It comes before the client can
// read the answer.
func (e *entry) answered(status int) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	if e.request.Status == 0 {
		e.request.Status = status
	}
	e.mask()
}

// end ends the recording of a request with or without an answer.
func (e *entry) end() {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.mask()
}

// mask moves the recorded part of the body into the request, once.
func (e *entry) mask() {
	if !e.masked && (len(e.body) > 0 || e.tooLong) {
		e.request.Body = maskBody(e.request.Header, e.body, e.tooLong)
	}
	e.body, e.masked = nil, true
}

func (e *entry) read(p []byte) {
	e.journal.mu.Lock()
	defer e.journal.mu.Unlock()
	e.tooLong = e.tooLong || len(e.body)+len(p) > maxRecorded
	if !e.tooLong && !e.masked {
		e.body = append(e.body, p...)
	}
}

// recordedBody is the body of a request that is recorded.
type recordedBody struct {
	io.ReadCloser

	entry *entry
}

// Read implements io.Reader.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.entry.read(p[:n])
	return n, err
}

// recorder records the status of an answer.
type recorder struct {
	http.ResponseWriter

	entry *entry
}

// Unwrap gives http.ResponseController the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		r.entry.answered(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.entry.answered(http.StatusOK)
	return r.ResponseWriter.Write(p)
}
