package control

import (
	"sync"
	"time"
)

// Clock is a clock that tests set. It runs, ahead of the real time by what it was advanced, until it is frozen. The
// zero Clock has the real time. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	// frozen is the time at which the clock stands; zero while it runs.
	frozen time.Time
	// start is the time at which the clock stands after reset; zero if it runs with the real time then.
	start time.Time
}

// newClock returns a clock that is reset.
func newClock(start time.Time) *Clock {
	c := &Clock{start: start}
	c.reset()
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return time.Now().Add(c.offset)
}

// Frozen reports whether the clock stands.
func (c *Clock) Frozen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.frozen.IsZero()
}

// Advance moves the clock forward. It panics if d is negative: servers do not expect time to go back.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		panic("control: a clock cannot be advanced by " + d.String())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	if !c.frozen.IsZero() {
		c.frozen = c.frozen.Add(d)
	}
}

// Freeze stops the clock. It can still be advanced.
func (c *Clock) Freeze() {
	now := c.Now().Round(0) // without the monotonic reading, which would make no difference between two readings
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = now
}

// set sets the time, of a running or a frozen clock. It returns a function that undoes it.
func (c *Clock) set(now time.Time) (undo func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	undo = c.undo()
	c.offset = time.Until(now)
	if !c.frozen.IsZero() {
		c.frozen = now
	}
	return undo
}

// reset sets the time of the start: the real time, at which the clock runs, or the fixed one, at which it stands. It
// returns a function that undoes it.
func (c *Clock) reset() (undo func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	undo = c.undo()
	c.offset, c.frozen = 0, c.start
	return undo
}

// undo returns a function that returns to the current state of the clock.
func (c *Clock) undo() func() {
	offset, frozen := c.offset, c.frozen
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.offset, c.frozen = offset, frozen
	}
}
