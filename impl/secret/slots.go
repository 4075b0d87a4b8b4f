package secret

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// waitersPerSlot bounds how many requests may queue for a slot, and with it how long the last one waits.
const waitersPerSlot = 32

// Slots bound how much of something that takes memory and processor time goes on at once: as much as there are processors.
// Others wait in a bounded queue, and what does not fit is turned away, so that a flood cannot exhaust memory. They are safe
// for concurrent use.
type Slots struct {
	slots chan struct{}
	queue chan struct{}
}

// NewSlots returns slots that are free.
func NewSlots() *Slots {
	n := runtime.GOMAXPROCS(0)
	return &Slots{make(chan struct{}, n), make(chan struct{}, n*(1+waitersPerSlot))}
}

// Acquire waits for a slot, and returns what frees it. It returns fault.ServerBusy when the queue is full or ctx's deadline
// comes first, and ctx's error when ctx is cancelled.
func (s *Slots) Acquire(ctx context.Context) (release func(), err error) {
	select {
	case s.queue <- struct{}{}:
	default:
		return nil, Busy()
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots; <-s.queue }, nil
	case <-ctx.Done():
		<-s.queue
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, Busy()
		}
		return nil, ctx.Err()
	}
}

// Load tells how many wait for a slot, and how many have one.
func (s *Slots) Load() (waiting, running int) {
	running = len(s.slots)
	return max(0, len(s.queue)-running), running
}

// Busy returns fault.ServerBusy, with when to try again.
func Busy() error {
	busy := fault.New(fault.ServerBusy, "the server is busy with other sign-ins; try again in a moment")
	busy.RetryAfter = time.Second
	return busy
}
