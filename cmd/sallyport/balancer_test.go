package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// balancer distributes requests over servers, as a proxy with health checks does. A server that is taken out finishes
// its requests first.
type balancer struct {
	mu      sync.Mutex
	servers []*balanced
	next    int
}

type balanced struct {
	*process
	requests sync.WaitGroup
}

// take returns the next server; the caller must call requests.Done.
func (b *balancer) take() *balanced {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	s := b.servers[b.next%len(b.servers)]
	s.requests.Add(1)
	return s
}

// put adds a server, which is ready.
func (b *balancer) put(p *process) {
	p.t.Helper()
	p.adminListener().want(http.StatusOK, http.MethodGet, "/readyz", "", "")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = append(b.servers, &balanced{process: p})
}

// retire takes out the oldest server, and stops it after its last request.
func (b *balancer) retire() {
	b.mu.Lock()
	oldest := b.servers[0]
	b.servers = b.servers[1:]
	b.mu.Unlock()
	oldest.requests.Wait()
	oldest.stop()
}

// A balancedUser is a user that sends requests through a balancer.
type balancedUser struct {
	person
	*balancer
	sent *atomic.Int64
}

// ask sends a request, and returns a member of the answer. Any other status than the wanted one is a failed request.
func (c *balancedUser) ask(
	ctx context.Context, status int, method, path, authorization, body string,
) (map[string]any, error) {
	s := c.take()
	defer s.requests.Done()
	c.sent.Add(1)
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := direct.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != status {
		err = fmt.Errorf("%s %s: %d %s; want %d", method, path, response.StatusCode, text, status)
	}
	var object map[string]any
	return object, errors.Join(err, json.Unmarshal(text, &object))
}

// repeat repeats rounds of requests, at the same time, until the returned function is called. A round that fails fails
// the test.
func repeat(t *testing.T, rounds ...func(ctx context.Context) error) (stop func()) {
	ended, running := make(chan struct{}), sync.WaitGroup{}
	for _, round := range rounds {
		running.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if err := round(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() {
		close(ended)
		running.Wait()
	}
}
