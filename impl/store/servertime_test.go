package store

import (
	"testing"
	"time"
)

// Ensures that a server's clock goes on from its reading, follows it where it jumps, and does not jitter with
// readings that take long.
func TestServerClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	local := start
	c := &serverClock{local: func() time.Time { return local }}
	want := func(ahead time.Duration) {
		t.Helper()
		if got := c.time().Sub(local); got != ahead {
			t.Errorf("the server's clock is ahead by %v; want %v", got, ahead)
		}
	}
	c.adjust(start.Add(-30*time.Second), start, 0)
	want(-30 * time.Second)
	local = local.Add(time.Hour)
	want(-30 * time.Second)
	c.adjust(local.Add(-30*time.Second+5*time.Millisecond), local.Add(-10*time.Millisecond), 10*time.Millisecond)
	want(-30 * time.Second)
	c.adjust(local.Add(time.Minute), local.Add(-10*time.Millisecond), 10*time.Millisecond)
	want(time.Minute + 5*time.Millisecond)
}
