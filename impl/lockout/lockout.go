// Package lockout has how long an account is locked after failures, and how often an address may fail.
package lockout

import (
	"math"
	"time"
)

// Policy tells when failures lock an account, and for how long. Waits that grow with the failures are among what NIST
// SP 800-63B section 5.2.2 recommends.
type Policy struct {
	// Threshold is which failure locks for the first time. Below 1 nothing is ever locked.
	Threshold int
	// Base is how long the first lock takes; each further failure doubles that.
	Base time.Duration
	// Max is the longest that a lock takes.
	Max time.Duration
	// Forget is how long after the last failure all are forgotten.
	Forget time.Duration
}

// DefaultPolicy leaves somebody who guesses without a pause about 100 guesses a day.
var DefaultPolicy = Policy{Threshold: 10, Base: 30 * time.Second, Max: 15 * time.Minute, Forget: 24 * time.Hour}

// State is what a store keeps of an account. The zero value is that of an account without failures, and the one to go
// back to after a success.
type State struct {
	Failures int
	// CodeFailures is how many of them were at one-time codes. Fail leaves it to who knows what failed.
	CodeFailures int
	LastFailure  time.Time
	LockedUntil  time.Time
}

// Locked tells whether the account is locked.
func (p Policy) Locked(s State, now time.Time) bool {
	return p.Threshold > 0 && now.Before(s.LockedUntil)
}

// Fail counts one failure, also while the account is locked, and returns the new state. From Threshold failures on the
// account becomes locked, for Base·2^(failures−Threshold) but at most Max. A failure while it is locked does not put off
// the end of the lock, so that hammering cannot make one lock endless; it makes the next one longer. An end further away
// than Max, set by a clock that was ahead or under another policy, is brought forward to that.
func (p Policy) Fail(s State, now time.Time) State {
	next := State{Failures: p.count(s, now), LastFailure: now}
	switch {
	case p.Locked(s, now):
		next.LockedUntil = earlier(s.LockedUntil, now.Add(p.Max))
	case p.Threshold > 0 && next.Failures >= p.Threshold:
		next.LockedUntil = now.Add(p.lock(next.Failures))
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// count returns the number of failures with one more.
func (p Policy) count(s State, now time.Time) int {
	if s.Failures <= 0 || now.Sub(s.LastFailure) > p.Forget {
		return 1
	}
	return min(s.Failures, math.MaxInt-1) + 1
}

// lock returns how long that many failures lock, Threshold or more.
func (p Policy) lock(failures int) time.Duration {
	doublings := failures - p.Threshold
	if p.Base > p.Max>>doublings {
		return p.Max
	}
	return p.Base << doublings
}
