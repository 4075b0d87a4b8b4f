package attempts

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

var start = time.Date(2024, 2, 29, 23, 59, 0, 0, time.UTC)

// state returns the state after a number of failures with passwords.
func state(failures int, last, lockedUntil time.Time) store.Lockout {
	return store.Lockout{Failures: failures, LastFailure: last, LockedUntil: lockedUntil}
}

// Ensures that locks begin with the tenth failure, double, and are limited to 15 minutes, when each failure occurs as
// the previous lock ends.
func TestFail_LockDurations(t *testing.T) {
	var s store.Lockout
	now := start
	for failures, want := range []time.Duration{
		1: 0, 9: 0, 10: 30 * time.Second, 11: time.Minute, 12: 2 * time.Minute, 13: 4 * time.Minute, 14: 8 * time.Minute,
		15: 15 * time.Minute, 16: 15 * time.Minute, 17: 15 * time.Minute,
	} {
		if failures == 0 {
			continue
		}
		s = DefaultPolicy.Fail(s, now)
		if s.Failures != failures || !s.LastFailure.Equal(now) {
			t.Fatalf("failure %d: %+v", failures, s)
		}
		if DefaultPolicy.Locked(s, now) != (want > 0) {
			t.Errorf("failure %d: locked is %t", failures, want <= 0)
		}
		if want == 0 {
			now = now.Add(time.Millisecond)
			continue
		}
		if !DefaultPolicy.Locked(s, now.Add(want-1)) || DefaultPolicy.Locked(s, now.Add(want)) {
			t.Errorf("failure %d: locked for %v, not %v", failures, s.LockedUntil.Sub(now), want)
		}
		now = now.Add(want)
	}
}

// Ensures that failures during a lock are counted, do not extend it, and make the next lock longer.
func TestFail_WhileLocked(t *testing.T) {
	s := DefaultPolicy.Fail(store.Lockout{Failures: 9, LastFailure: start}, start)
	end := s.LockedUntil
	for i := range 29 {
		s = DefaultPolicy.Fail(s, start.Add(time.Duration(i)*time.Second))
		if !s.LockedUntil.Equal(end) || s.Failures != 11+i {
			t.Fatalf("after %d s: %+v", i, s)
		}
	}
	s = DefaultPolicy.Fail(s, end)
	if got := s.LockedUntil.Sub(end); got != DefaultPolicy.Max {
		t.Errorf("the next lock takes %v", got)
	}
}

// Ensures that the count restarts after ResetAfter and not before, and that a lock stays in effect.
func TestFail_ResetAfter(t *testing.T) {
	policy := Policy{Threshold: 3, Base: time.Minute, Max: time.Hour, ResetAfter: 10 * time.Minute}
	for name, c := range map[string]struct {
		state store.Lockout
		want  store.Lockout
	}{
		"just before":  {state(2, start.Add(-10*time.Minute), time.Time{}), state(3, start, start.Add(time.Minute))},
		"just after":   {state(2, start.Add(-10*time.Minute-1), time.Time{}), state(1, start, time.Time{})},
		"old lock":     {state(9, start.Add(-time.Hour), start.Add(-time.Minute)), state(1, start, time.Time{})},
		"still locked": {state(9, start.Add(-time.Hour), start.Add(time.Minute)), state(1, start, start.Add(time.Minute))},
		"ends now":     {state(3, start.Add(-time.Minute), start), state(4, start, start.Add(2*time.Minute))},
		"zero":         {store.Lockout{}, state(1, start, time.Time{})},
		"negative":     {state(-5, start, time.Time{}), state(1, start, time.Time{})},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy.Fail(c.state, start); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// Ensures that a lock set by a clock that was ahead is shortened to Max.
func TestFail_LockBeyondMax(t *testing.T) {
	ahead := start.AddDate(1, 0, 0)
	s := store.Lockout{Failures: 10, LastFailure: ahead, LockedUntil: ahead.Add(30 * time.Second)}
	s = DefaultPolicy.Fail(s, start)
	want := store.Lockout{Failures: 11, LastFailure: start, LockedUntil: start.Add(DefaultPolicy.Max)}
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

// Ensures that no count and no policy causes an overflow, and that a policy without a threshold locks no account.
func TestFail_ExtremeValues(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	for name, c := range map[string]struct {
		policy   Policy
		failures int
		want     store.Lockout
	}{
		"most failures": {DefaultPolicy, math.MaxInt, state(math.MaxInt, start, start.Add(DefaultPolicy.Max))},
		"62 doublings":  {Policy{1, 1, longest, time.Hour}, 62, state(63, start, start.Add(1<<62))},
		"63 doublings":  {Policy{1, 1, longest, time.Hour}, 63, state(64, start, start.Add(longest))},
		"64 doublings":  {Policy{1, 1, longest, time.Hour}, 64, state(65, start, start.Add(longest))},
		"long base":     {Policy{1, longest, longest, time.Hour}, 1, state(2, start, start.Add(longest))},
		"base over max": {Policy{1, time.Hour, time.Minute, time.Hour}, 0, state(1, start, start.Add(time.Minute))},
		"first of one":  {Policy{1, time.Second, time.Minute, time.Hour}, 0, state(1, start, start.Add(time.Second))},
		"no threshold":  {Policy{0, time.Second, time.Minute, time.Hour}, 99, state(100, start, time.Time{})},
		"below zero":    {Policy{-1, time.Second, time.Minute, time.Hour}, 99, state(100, start, time.Time{})},
		"highest": {Policy{math.MaxInt, time.Second, time.Minute, time.Hour}, math.MaxInt,
			state(math.MaxInt, start, start.Add(time.Second))},
		"just not doubled": {Policy{1, 10, 19, time.Hour}, 1, state(2, start, start.Add(19))},
		"just doubled":     {Policy{1, 10, 20, time.Hour}, 1, state(2, start, start.Add(20))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.policy.Fail(store.Lockout{Failures: c.failures, LastFailure: start}, start); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if (Policy{}).Locked(store.Lockout{LockedUntil: start.Add(time.Hour)}, start) {
		t.Error("a policy without a threshold enforces an old lock")
	}
}

// Ensures that failures in any order of time neither lock an account for longer than Max nor extend a lock, and that
// the count restarts or grows by one.
func TestFail_AnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(6238, 4226))
	for range 2000 {
		policy := Policy{
			Threshold:  random.IntN(6),
			Base:       time.Duration(random.Int64N(int64(time.Hour))),
			Max:        time.Duration(random.Int64N(int64(2 * time.Hour))),
			ResetAfter: time.Duration(random.Int64N(int64(8 * time.Hour))),
		}
		var s store.Lockout
		for i := range 50 {
			now := start.Add(time.Duration(random.Int64N(int64(10 * time.Hour))))
			before := s
			s = policy.Fail(before, now)
			switch {
			case s.LockedUntil.After(now.Add(policy.Max)):
				t.Fatalf("%+v, failure %d at %v: %+v is locked beyond Max", policy, i, now, s)
			case policy.Locked(before, now) && s.LockedUntil.After(before.LockedUntil):
				t.Fatalf("%+v, failure %d at %v: the end of the lock moved from %v to %v", policy, i, now, before.LockedUntil,
					s.LockedUntil)
			case s.Failures != 1 && s.Failures != before.Failures+1:
				t.Fatalf("%+v, failure %d at %v: %d failures after %d", policy, i, now, s.Failures, before.Failures)
			}
		}
	}
}
