package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Ensures that a server that is stopped in the middle of many requests has logged every one that it answered, although
// lines are written in batches.
func TestServe_LogComplete(t *testing.T) {
	t.Parallel()
	const clients, enough = 8, 1000
	s := serveStore(t, "none")
	answered := make([]int, clients)
	var sending sync.WaitGroup
	var once sync.Once
	for c := range clients {
		sending.Go(func() {
			for s.answers(t, requestName(c, answered[c])) {
				if answered[c]++; answered[c] == enough/clients {
					once.Do(func() { s.signal(syscall.SIGTERM) })
				}
			}
		})
	}
	sending.Wait()
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	log, missing, all := s.output.String(), 0, 0
	for c, n := range answered {
		for i := range n {
			if !strings.Contains(log, `"request_id":"`+requestName(c, i)+`"`) {
				missing++
			}
		}
		all += n
	}
	if missing > 0 || all < enough/clients {
		t.Errorf("%d of %d answered requests are not in the log", missing, all)
	}
}

// requestName returns the id of a request.
func requestName(client, number int) string {
	return fmt.Sprintf("client-%d-request-%d", client, number)
}

// answers sends a request with an id, and reports whether the server answers it.
func (p *process) answers(t *testing.T, id string) bool {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+authPath+"/methods", nil)
	if err != nil {
		t.Error(err)
		return false
	}
	r.Header.Set("X-Request-Id", id)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	response.Body.Close() //nolint:errcheck // nothing is read
	return true
}
