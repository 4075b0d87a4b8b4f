package attempts

import (
	"math"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// Policy determines when failures lock an account, and for what time. NIST SP 800-63B section 5.2.2 recommends waits
// that grow with the number of failures.
type Policy struct {
	// Threshold is the number of failures at which an account is first locked. Below 1 accounts are never locked.
	Threshold int
	// Base is the duration of the first lock. Each further failure doubles it.
	Base time.Duration
	// Max is the maximum duration of a lock.
	Max time.Duration
	// ResetAfter is the time since the last failure after which the count restarts.
	ResetAfter time.Duration
}

// DefaultPolicy allows an attacker about 100 guesses per day and account.
var DefaultPolicy = Policy{Threshold: 10, Base: 30 * time.Second, Max: 15 * time.Minute, ResetAfter: 24 * time.Hour}

// Locked reports whether the account is locked.
func (p Policy) Locked(s store.Lockout, now time.Time) bool {
	return p.Threshold > 0 && now.Before(s.LockedUntil)
}

// Fail counts a failure, also while the account is locked, and returns the new state. From Threshold failures on the
// account is locked for Base·2^(failures−Threshold), but at most Max. A failure during a lock does not extend the lock,
// so that an attacker cannot make it endless; it makes the next one longer. A lock that would end later than Max from
// now, because a clock was ahead or the policy was different, is shortened to Max.
func (p Policy) Fail(s store.Lockout, now time.Time) store.Lockout {
	next := store.Lockout{Failures: p.nextCount(s, now), LastFailure: now}
	switch {
	case p.Locked(s, now):
		next.LockedUntil = earlier(s.LockedUntil, now.Add(p.Max))
	case p.Threshold > 0 && next.Failures >= p.Threshold:
		next.LockedUntil = now.Add(p.lockDuration(next.Failures))
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// nextCount returns the number of failures including a new one.
func (p Policy) nextCount(s store.Lockout, now time.Time) int {
	if s.Failures <= 0 || now.Sub(s.LastFailure) > p.ResetAfter {
		return 1
	}
	return min(s.Failures, math.MaxInt-1) + 1
}

// lockDuration returns the duration of the lock after a number of failures, at least Threshold.
func (p Policy) lockDuration(failures int) time.Duration {
	doublings := failures - p.Threshold
	if p.Base > p.Max>>doublings {
		return p.Max
	}
	return p.Base << doublings
}
