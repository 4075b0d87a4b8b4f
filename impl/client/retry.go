package client

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// maxRetries is the number of repetitions of one request.
	maxRetries = 4
	// firstBackoff is the wait before the first repetition, which doubles with each, up to maxBackoff. It is reduced by a
	// random part of up to a half.
	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// maxWait is the longest wait that Retry-After can ask for. The client does not wait longer.
	maxWait = 30 * time.Second

	// budgetSize is the number of repetitions of all requests of a client at once. Each success earns a tenth of one.
	budgetSize   = 20
	budgetEarned = 0.1
)

// clock has what tests replace: the time and randomness.
type clock struct {
	now func() time.Time
	// random returns a number from 0 up to 1.
	random func() float64
	// pause waits. It returns the context's error if it is canceled first.
	pause func(context.Context, time.Duration) error
	// withTimeout is context.WithTimeout.
	withTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

var systemClock = clock{
	now:         time.Now,
	random:      rand.Float64,
	pause:       pause,
	withTimeout: context.WithTimeout,
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// budget limits repetitions. It is safe for concurrent use.
type budget struct {
	mu   sync.Mutex
	left float64
}

func newBudget() *budget { return &budget{left: budgetSize} }

// spend takes one repetition, and reports whether there was one.
func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (b *budget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(budgetSize, b.left+budgetEarned)
}

// backoff returns the wait before a repetition, counted from 0, and reports whether the client waits at all.
func (c clock) backoff(ctx context.Context, retry int, retryAfter time.Duration) (time.Duration, bool) {
	step := min(maxBackoff, firstBackoff<<retry)
	wait := step - time.Duration(c.random()*float64(step)/2)
	if retryAfter > 0 {
		wait = retryAfter + time.Duration(c.random()*float64(step)) // never sooner, and not all clients at once
	}
	if deadline, ok := ctx.Deadline(); ok && c.now().Add(wait).After(deadline) {
		return 0, false
	}
	return wait, retryAfter <= maxWait
}
