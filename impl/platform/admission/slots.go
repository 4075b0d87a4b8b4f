package admission

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// minSlots is the fewest work slots that callers can share, so that one caller never has all of them.
const minSlots = 2

// Processors returns how many work slots there are for work that takes processor time: one per processor, at least two.
func Processors() int { return max(minSlots, runtime.GOMAXPROCS(0)) }

// Slots are work slots that callers share. A caller holds at most a quarter of them, at least one, and a second one
// only while another stays free. Free slots go to the callers that wait in turn, one slot each, so that a caller with a
// long queue does not delay others. It is safe for concurrent use.
type Slots struct {
	size, share, queue int

	mu               sync.Mutex
	running, waiting int
	callers          map[string]*caller
	// next are the callers that wait, in the order in which they get free slots.
	next       []*caller
	full, late uint64
}

// caller is one that holds slots or waits for them.
type caller struct {
	name    string
	running int
	// waiters are channels that are closed when the slot is granted, the oldest first.
	waiters []chan struct{}
}

// NewSlots returns size work slots, at least two. Of each caller, at most queue requests wait for a slot.
func NewSlots(size, queue int) *Slots {
	size = max(minSlots, size)
	return &Slots{size: size, share: max(1, size/4), queue: queue, callers: map[string]*caller{}}
}

// Acquire waits for a work slot, which Release gives back. It returns fault.ServerBusy if the caller's queue is full or
// the wait takes too long, ctx's deadline included, and ctx's error if ctx is cancelled.
func (s *Slots) Acquire(ctx context.Context, name string) error {
	granted, err := s.enter(name)
	if granted == nil {
		return err
	}

	return await(ctx, granted, patience, func(late bool) bool { return s.leave(name, granted, late) })
}

// enter takes a free slot, or else a place in the caller's queue; then it returns the channel to wait on.
func (s *Slots) enter(name string) (granted chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callers[name]
	if c == nil {
		c = &caller{name: name}
		s.callers[name] = c
	}

	if len(c.waiters) == 0 && s.mayRun(c) {
		s.running++
		c.running++
		return nil, nil
	}
	if len(c.waiters) >= s.queue {
		s.full++
		s.drop(c)
		return nil, Busy()
	}
	if len(c.waiters) == 0 {
		s.next = append(s.next, c)
	}
	granted = make(chan struct{})
	c.waiters = append(c.waiters, granted)
	s.waiting++
	return granted, nil
}

// mayRun reports whether a slot is free for a caller.
func (s *Slots) mayRun(c *caller) bool {
	free := s.size - s.running
	if c.running == 0 {
		return free > 0
	}
	return c.running < s.share && free > 1
}

// leave gives up a place in a queue, and reports whether the slot had not been granted yet.
func (s *Slots) leave(name string, granted chan struct{}, late bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callers[name]
	if c == nil {
		return false
	}
	i := slices.Index(c.waiters, granted)
	if i < 0 {
		return false
	}

	c.waiters = slices.Delete(c.waiters, i, i+1)
	s.waiting--
	if late {
		s.late++
	}
	if len(c.waiters) == 0 {
		s.next = slices.DeleteFunc(s.next, func(other *caller) bool { return other == c })
	}
	s.drop(c)
	return true
}

// Release gives back a caller's slot.
func (s *Slots) Release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.callers[name]
	c.running--
	s.running--
	s.drop(c)
	for s.grant() {
	}
}

// grant gives a free slot to the first caller in turn that may have one, and reports whether there was one.
func (s *Slots) grant() bool {
	i := slices.IndexFunc(s.next, s.mayRun)
	if i < 0 {
		return false
	}
	c := s.next[i]
	s.next = slices.Delete(s.next, i, i+1)

	close(c.waiters[0])
	c.waiters = slices.Delete(c.waiters, 0, 1)
	s.waiting--
	s.running++
	c.running++
	if len(c.waiters) > 0 {
		s.next = append(s.next, c)
	}
	return true
}

// drop evicts a caller that neither holds a slot nor waits.
func (s *Slots) drop(c *caller) {
	if c.running == 0 && len(c.waiters) == 0 {
		delete(s.callers, c.name)
	}
}

// Load returns how many requests wait for a slot, and how many hold one.
func (s *Slots) Load() (waiting, running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting, s.running
}

// Refused returns how many requests were refused so far: because the caller's queue was full, and because the wait took
// too long.
func (s *Slots) Refused() (full, late uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full, s.late
}
