package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// call is a request. Its id is the request id in the audit trail.
type call struct{ method, path, authorization, body, id string }

// caller sends each request once, and does not retry one without an answer.
type caller struct{ *http.Client }

func newCaller(t *testing.T) caller {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: ledgerWorkers}
	t.Cleanup(transport.CloseIdleConnections)
	return caller{&http.Client{Timeout: patience, Transport: transport}}
}

func (c caller) send(ctx context.Context, url string, r call) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, url+r.path, strings.NewReader(r.body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range map[string]string{"Authorization": r.authorization, "X-Request-Id": r.id} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if r.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(data)}, err
}

// members returns the members of an answer's object, or none if it is no object.
func (r reply) members() map[string]any {
	var object map[string]any
	if err := json.Unmarshal([]byte(r.body), &object); err != nil {
		return nil
	}
	return object
}

// text returns a string member of an answer's object, or "".
func (r reply) text(name string) string {
	text, _ := r.members()[name].(string)
	return text
}

// result is the outcome of a change as its caller sees it.
type result int

const (
	// unsent: nothing of it was sent, or it was refused before any work.
	unsent result = iota
	// acknowledged: it was answered with success, which must hold.
	acknowledged
	// failed: the store failed, so the change may or may not be applied.
	failed
	// unanswered: failed without an answer.
	unanswered
)

func (r result) String() string {
	return [...]string{"unsent", "acknowledged", "failed", "unanswered"}[r]
}

// change is a request that changes an object that no other change touches, so that its effect can be checked on its
// own.
type change struct {
	call
	// look reads the effect from a server.
	look func(view) (effect, error)

	result result
	answer reply
	// applied is the finding of the last check.
	applied bool
}

// ledger records many changes and their results.
type ledger struct{ changes []*change }

// ledgerWorkers is the number of concurrent changes.
const ledgerWorkers = 24

// run sends the changes, each to one of the servers, and calls progress with the number of acknowledged ones after
// each. If a server does not listen, a change is sent to the other, as a proxy would do. It returns the unexpected
// answers.
func (r *fleet) run(l *ledger, progress func(acknowledged int)) error {
	var done atomic.Int64
	queue := make(chan int)
	wrong := make([]error, len(l.changes))
	var workers sync.WaitGroup
	for range ledgerWorkers {
		workers.Go(func() {
			for i := range queue {
				w := l.changes[i]
				if wrong[i] = w.send(r.Context(), r.caller, r.from(i)); w.result == acknowledged {
					progress(int(done.Add(1)))
				}
			}
		})
	}
	for i := range l.changes {
		queue <- i
	}
	close(queue)
	workers.Wait()
	return errors.Join(wrong...)
}

// send sends a change to the first of the addresses with a listening server. It returns an error for an answer that a
// fault of the store does not explain.
func (w *change) send(ctx context.Context, c caller, addresses []string) error {
	for _, address := range addresses {
		answer, err := c.send(ctx, address, w.call)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		w.answer = answer
		if err != nil {
			w.result = unanswered
			return nil //nolint:nilerr // a killed server leaves the request unanswered
		}
		return w.read()
	}
	return nil
}

// read interprets the answer.
func (w *change) read() error {
	switch {
	case w.answer.status/100 == 2:
		w.result = acknowledged
	case saysStoreFailed(w.path, w.answer):
		w.result = failed
	case w.answer.status != http.StatusServiceUnavailable || w.answer.header.Get("Retry-After") == "":
		w.result = failed
		return fmt.Errorf("%s %s %s is answered with %d %s", w.id, w.method, w.path, w.answer.status, w.answer.body)
	}
	return nil
}

// of returns the changes with a result.
func (l *ledger) of(r result) []*change {
	return slices.DeleteFunc(slices.Clone(l.changes), func(w *change) bool { return w.result != r })
}

// String returns the number of changes by result, and how many of them were applied.
func (l *ledger) String() string {
	var all, applied [unanswered + 1]int
	for _, w := range l.changes {
		all[w.result]++
		if w.applied {
			applied[w.result]++
		}
	}
	text := fmt.Sprintf("%d changes", len(l.changes))
	for r := range all {
		text += fmt.Sprintf(", %d %s (%d applied)", all[r], result(r), applied[r])
	}
	return text
}
