// Package overload turns away what there is no room for, at once and before anything is done, so that what is under way
// gets done, and memory has a bound.
package overload

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// patience is how long anybody waits for a turn. Whoever asked has given up by then, or has been answered faster
// elsewhere: to serve it now would take time from those who still wait.
const patience = 5 * time.Second

// Bound bounds how much of something goes on at once. Others wait for their turn, first come, first served; a bounded
// number of them, and not for long. It is safe for concurrent use.
type Bound struct {
	slots    chan struct{}
	most     int64
	patience time.Duration

	waiting    atomic.Int64
	full, late atomic.Uint64
}

// NewBound returns a bound that lets so many run at once, and so many wait.
func NewBound(running, waiting int) *Bound {
	return &Bound{slots: make(chan struct{}, running), most: int64(waiting), patience: patience}
}

// waitersPerProcessor bounds how many wait for a processor.
const waitersPerProcessor = 32

// PerProcessor returns a bound for what takes memory and processor time: as much at once as there are processors.
func PerProcessor() *Bound {
	n := runtime.GOMAXPROCS(0)
	return NewBound(n, n*waitersPerProcessor)
}

// Many is how many may wait for turns that take a millisecond or less. Time is what bounds such a wait: whoever is turned away
// at once comes back at once, which costs more than waiting does.
const Many = 4096

// Acquire waits for a turn, which Release ends. It returns fault.ServerBusy if too many wait, or the wait takes too long,
// ctx's deadline included, and ctx's error if ctx is cancelled: who goes away leaves the queue.
func (b *Bound) Acquire(ctx context.Context) error {
	select {
	case b.slots <- struct{}{}: // never past those who wait: a turn that ends goes over to the first of them
		return nil
	default:
		return b.wait(ctx)
	}
}

// TryAcquire takes a turn if it can be had without waiting, and reports whether it did.
func (b *Bound) TryAcquire() bool {
	select {
	case b.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// Size returns how many run at once.
func (b *Bound) Size() int { return cap(b.slots) }

// Release ends a turn.
func (b *Bound) Release() { <-b.slots }

func (b *Bound) wait(ctx context.Context) error {
	defer b.waiting.Add(-1)
	full := b.waiting.Add(1) > b.most
	timer := time.NewTimer(b.patience)
	defer timer.Stop()
	late := timer.C
	switch {
	case isUrgent(ctx):
		late = nil // its own deadline must do
	case full:
		b.full.Add(1)
		return Busy()
	}
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-late:
	case <-ctx.Done():
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return ctx.Err()
		}
	}
	b.late.Add(1)
	return Busy()
}

// Load tells how many wait, and how many have their turn.
func (b *Bound) Load() (waiting, running int) { return int(b.waiting.Load()), len(b.slots) }

// Refused tells how many were turned away so far: because too many waited, and because they waited too long.
func (b *Bound) Refused() (full, late uint64) { return b.full.Load(), b.late.Load() }

// Busy returns fault.ServerBusy, with when to try again.
func Busy() error {
	busy := fault.New(fault.ServerBusy, "the server is busy; try again in a moment")
	busy.RetryAfter = time.Second
	return busy
}

type urgentKey struct{}

// Urgent marks what must not be turned away because many wait, or for long: what was begun and must be settled, as a guess
// that was made must be counted. It needs a deadline, and how much of it there is, a bound elsewhere.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func isUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

type revocationKey struct{}

// Revocation marks work that takes access away. Bounds that keep something in reserve for it give it that, so that other work cannot
// starve it.
func Revocation(ctx context.Context) context.Context {
	return context.WithValue(ctx, revocationKey{}, true)
}

// IsRevocation reports whether work takes access away.
func IsRevocation(ctx context.Context) bool { return ctx.Value(revocationKey{}) != nil }
