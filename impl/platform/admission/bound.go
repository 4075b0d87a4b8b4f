// Package admission limits how many operations run and wait at once, and how many bytes requests hold. It refuses an
// operation beyond a limit before any work is done for it, so that admitted operations finish and memory is bounded.
package admission

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// patience is the longest time that an operation waits. By then its client has given up or retried elsewhere, and
// serving it would delay the operations of clients that still wait.
const patience = 5 * time.Second

// Bound bounds how many operations run at once. The others wait, for a bounded time: each caller (WithCallerAt) has a
// queue of its own of a bounded length, first come, first served, and free places go to the callers in turn, so that a
// caller with a long queue does not delay others. Every second free place goes to a revocation if one waits, however
// many other callers do. A caller alone uses all places. It is safe for concurrent use.
type Bound struct {
	size, most int
	patience   time.Duration

	mu               sync.Mutex
	running, waiting int
	queues           map[queueName]*queue
	// next are the queues in the order in which they get free places: those of revocations, and the others. revocations
	// reports whether the next free place goes to the former.
	next        [2][]*queue
	revocations bool
	full, late  uint64
}

type queueName struct {
	caller     string
	revocation bool
}

// class is the index of a queue's class in Bound.next.
func (n queueName) class() int {
	if n.revocation {
		return 0
	}
	return 1
}

// queue holds the waiting operations of one caller: channels that are closed when the operation may run, the oldest
// first.
type queue struct {
	queueName
	waiters []chan struct{}
}

// NewBound returns a bound that lets a number of operations run at once, and a number of each caller's wait.
func NewBound(running, waiting int) *Bound {
	return &Bound{size: running, most: waiting, patience: patience, queues: map[queueName]*queue{}}
}

// waitersPerProcessor bounds how many operations of one caller wait for a processor.
const waitersPerProcessor = 32

// PerProcessor returns a bound for what takes memory and processor time: as much at once as there are processors.
func PerProcessor() *Bound {
	n := runtime.GOMAXPROCS(0)
	return NewBound(n, n*waitersPerProcessor)
}

// Many is how many operations of a caller may wait where each takes a millisecond or less. Time is what bounds such a
// wait: a caller that is refused at once comes back at once, which costs more than waiting does.
const Many = 4096

// Acquire waits until the operation may run, which Release ends. It returns fault.ServerBusy if the caller's queue is
// full, or the wait takes too long, ctx's deadline included, and ctx's error if ctx is cancelled: a caller that
// disconnects leaves the queue.
func (b *Bound) Acquire(ctx context.Context) error {
	name := queueName{CallerOf(ctx), IsRevocation(ctx)}
	granted, err := b.enter(name, isUrgent(ctx))
	if granted == nil {
		return err
	}

	patience := b.patience
	if isUrgent(ctx) { // its own deadline must do
		patience = math.MaxInt64
	}
	return await(ctx, granted, patience, func(late bool) bool { return b.leave(name, granted, late) })
}

// await waits until a place is granted. It returns fault.ServerBusy if that takes longer than patience or ctx's
// deadline, and ctx's error if ctx is cancelled. Then it calls leave, which reports whether the place had not been
// granted yet.
func await(ctx context.Context, granted chan struct{}, patience time.Duration, leave func(late bool) bool) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-granted:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}

	cancelled := errors.Is(ctx.Err(), context.Canceled)
	switch {
	case !leave(!cancelled):
		return nil // it was granted at the same moment
	case cancelled:
		return ctx.Err()
	}
	return Busy()
}

// enter takes a free place, or else a place in the caller's queue; then it returns the channel to wait on.
func (b *Bound) enter(name queueName, urgent bool) (granted chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running < b.size { // no operation waits then, because Release grants what is free
		b.running++
		return nil, nil
	}

	q := b.queues[name]
	switch {
	case !urgent && (b.most == 0 || q != nil && len(q.waiters) >= b.most):
		b.full++
		return nil, Busy()
	case q == nil:
		q = &queue{queueName: name}
		b.queues[name] = q
		b.next[name.class()] = append(b.next[name.class()], q)
	}
	granted = make(chan struct{})
	q.waiters = append(q.waiters, granted)
	b.waiting++
	return granted, nil
}

// leave gives up a place in a queue, and reports whether the operation had not been granted yet.
func (b *Bound) leave(name queueName, granted chan struct{}, late bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queues[name]
	if q == nil {
		return false
	}
	i := slices.Index(q.waiters, granted)
	if i < 0 {
		return false
	}

	q.waiters = slices.Delete(q.waiters, i, i+1)
	b.waiting--
	if late {
		b.late++
	}
	if len(q.waiters) == 0 {
		delete(b.queues, name)
		b.next[name.class()] = slices.DeleteFunc(b.next[name.class()], func(other *queue) bool { return other == q })
	}
	return true
}

// TryAcquire lets the operation run if it need not wait, and reports whether it does.
func (b *Bound) TryAcquire() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.running < b.size
	if free {
		b.running++
	}
	return free
}

// Size returns how many operations run at once.
func (b *Bound) Size() int { return b.size }

// Release ends an operation.
func (b *Bound) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == 0 {
		b.running--
		return
	}
	b.grant()
}

// HandOver ends an operation if another one waits, which runs in its place, and reports whether it did.
func (b *Bound) HandOver() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == 0 {
		return false
	}
	b.grant()
	return true
}

// grant hands the place of an operation that has ended to the next one. One waits.
func (b *Bound) grant() {
	b.revocations = !b.revocations
	class := 1
	if len(b.next[1]) == 0 || b.revocations && len(b.next[0]) > 0 {
		class = 0
	}
	q := b.next[class][0]
	b.next[class] = slices.Delete(b.next[class], 0, 1)

	close(q.waiters[0])
	q.waiters = slices.Delete(q.waiters, 0, 1)
	b.waiting--
	if len(q.waiters) > 0 {
		b.next[class] = append(b.next[class], q)
		return
	}
	delete(b.queues, q.queueName)
}

// Load returns how many operations wait, and how many run.
func (b *Bound) Load() (waiting, running int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting, b.running
}

// Refused returns how many operations were refused so far: because the caller's queue was full, and because the wait
// took too long.
func (b *Bound) Refused() (full, late uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full, b.late
}

// Busy returns fault.ServerBusy, with when to try again.
func Busy() error {
	busy := fault.New(fault.ServerBusy, "the server is busy; try again in a moment")
	busy.RetryAfter = time.Second
	return busy
}

type urgentKey struct{}

// Urgent marks what must not be turned away because many wait, or for long: what was begun and must be settled, as a
// guess that was made must be counted. It needs a deadline, and how much of it there is, a bound elsewhere.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

func isUrgent(ctx context.Context) bool { return ctx.Value(urgentKey{}) != nil }

type callerKey struct{}

// WithCallerAt names the caller that work is for, which may become another one later: bounds share what they have
// between callers. It must not change concurrently.
func WithCallerAt(ctx context.Context, caller *string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerOf returns the caller that work is for; empty for the program's own.
func CallerOf(ctx context.Context) string {
	if caller, ok := ctx.Value(callerKey{}).(*string); ok {
		return *caller
	}
	return ""
}

type revocationKey struct{}

// Revocation marks work that takes access away. Bounds that keep something in reserve for it give it that, so that
// other work cannot starve it.
func Revocation(ctx context.Context) context.Context {
	return context.WithValue(ctx, revocationKey{}, true)
}

// IsRevocation reports whether work takes access away.
func IsRevocation(ctx context.Context) bool { return ctx.Value(revocationKey{}) != nil }
