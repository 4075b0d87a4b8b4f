package control

import (
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// fail answers a request as a fault says.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	held := &heldAnswer{header: http.Header{}}
	if f.Handled {
		s.serve(held, r)
	}
	if !s.wait(r, f.Delay) {
		panic(http.ErrAbortHandler)
	}

	switch {
	case f.Drop:
		drain(r)
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		drain(r)
		f.answer(w)
	case f.Truncate:
		if !f.Handled {
			s.serve(held, r)
		}
		held.truncate(w)
		panic(http.ErrAbortHandler)
	case f.Handled:
		held.send(w)
	default:
		s.serve(w, r)
	}
}

// wait waits for a time, and reports whether the client and the server are still there.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// drain reads the body of a request that the server does not see, as a proxy does, so that the journal has it.
func drain(r *http.Request) {
	if r.Body != nil {
		_, _ = io.CopyN(io.Discard, r.Body, maxRecorded+1) // it fails only if the client disconnected
	}
}

// answer writes the answer of a fault, as a load balancer words it.
func (f Fault) answer(w http.ResponseWriter) {
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	text := http.StatusText(f.Status)
	if text == "" {
		text = "Status " + strconv.Itoa(f.Status)
	}
	http.Error(w, text, f.Status)
}

// heldAnswer holds an answer back. It is not for answers that do not end.
type heldAnswer struct {
	header http.Header
	status int
	body   []byte
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *heldAnswer) Write(p []byte) (int, error) {
	h.body = append(h.body, p...)
	return len(p), nil
}

// send sends the answer.
func (h *heldAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body) // it fails only if the client disconnected
}

// truncate sends the headers with the length of the whole body, and half of the body.
func (h *heldAnswer) truncate(w http.ResponseWriter) {
	maps.Copy(w.Header(), h.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(h.body)))
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body[:len(h.body)/2])
	_ = http.NewResponseController(w).Flush() // as Write, it fails only if the client disconnected
}
