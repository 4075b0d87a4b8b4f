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

// call is a request. Its id is what the audit trail knows it by.
type call struct{ method, path, authorization, body, id string }

// caller sends requests once each: what it does not know to be answered it leaves so.
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
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	data, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(data)}, err
}

// members are those of an answer's object; none if it is no object.
func (r reply) members() map[string]any {
	var object map[string]any
	if err := json.Unmarshal([]byte(r.body), &object); err != nil {
		return nil
	}
	return object
}

// text is a member of an answer's object, or "".
func (r reply) text(name string) string {
	text, _ := r.members()[name].(string)
	return text
}

// result is what became of a change, for who sent it.
type result int

const (
	// unsent: nothing of it was sent, or it was turned away before any work.
	unsent result = iota
	// acknowledged: it was answered with success, which is a promise.
	acknowledged
	// failed: the store failed, so it may or may not have come to pass.
	failed
	// unanswered is failed without an answer.
	unanswered
)

func (r result) String() string {
	return [...]string{"unsent", "acknowledged", "failed", "unanswered"}[r]
}

// change is a request that changes something which no other change touches, so that one can tell what became of it.
type change struct {
	call
	// look finds out what there is of its effect.
	look func(view) (effect, error)

	result result
	answer reply
	// applied tells what the last check found.
	applied bool
}

// ledger has what became of many changes.
type ledger struct{ changes []*change }

// ledgerWorkers is how many changes are under way at once.
const ledgerWorkers = 24

// run sends the changes, each to one server or the other, and calls progress with the number of acknowledged ones after each of
// them. A change is sent elsewhere if nothing listens, as a proxy would do it. It returns what was answered wrongly.
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

// send sends a change to the first of the addresses where somebody listens. It returns an error for an answer that no fault of
// the store's excuses.
func (w *change) send(ctx context.Context, c caller, addresses []string) error {
	for _, address := range addresses {
		answer, err := c.send(ctx, address, w.call)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		w.answer = answer
		if err != nil {
			w.result = unanswered
			return nil //nolint:nilerr // it is what a killed server leaves
		}
		return w.read()
	}
	return nil
}

// read takes the answer for what it is.
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

// of returns the changes that came to a result.
func (l *ledger) of(r result) []*change {
	return slices.DeleteFunc(slices.Clone(l.changes), func(w *change) bool { return w.result != r })
}

// String tells how many changes came to each result, and how many of those were applied.
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
