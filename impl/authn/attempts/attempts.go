// Package attempts limits guessing of passwords and codes. A user's password, one-time codes and recovery codes share
// one count of failed attempts, which locks the user temporarily. Client addresses have their own limit.
package attempts

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Counter counts failed attempts by user and by client address. It is safe for concurrent use.
type Counter struct {
	policy    Policy
	addresses *AddressLimiter
	locks     atomic.Uint64
}

// NewCounter returns a counter that locks users by a policy. addresses may be nil for no limit by address.
func NewCounter(policy Policy, addresses *AddressLimiter) *Counter {
	return &Counter{policy: policy, addresses: addresses}
}

// CheckAddress returns fault.TooManyFailures if the client address has reached its limit of failed attempts. Callers
// check it first, so that the response reveals nothing about a user.
func (c *Counter) CheckAddress(ctx context.Context) error {
	wait, ok := c.addresses.Allowed(audit.OriginOf(ctx).Address)
	if ok {
		return nil
	}

	f := fault.New(fault.TooManyFailures, "too many failed attempts from this address; try again later")
	f.RetryAfter = wait
	return f
}

// Locked reports whether a user is locked, and whether failures with the password are counted that a success would
// clear.
func (c *Counter) Locked(tx *store.Tx, userName string) (locked, passwordFailures bool, err error) {
	state, err := tx.Lockouts.Get(userName)
	return c.policy.Locked(state, tx.Now), state.Failures > state.CodeFailures, err
}

// Factor is the kind of secret that an attempt is made with. Failures of both factors count together towards a lock,
// but a success clears only the failures of its own factor. Otherwise an attacker that knows the password could guess
// codes without limit, and vice versa.
type Factor string

// All factors.
const (
	Password Factor = "password"
	// Code is a one-time code or a recovery code.
	Code Factor = "one-time code"
)

// RecordFailure counts a failed attempt for a user, or for store.UnknownUser, in the transaction that rejected it. The
// caller calls RecordAddressFailure after the transaction, and CountLock with what RecordFailure returns: whether the
// attempt locks the user.
func (c *Counter) RecordFailure(
	ctx context.Context, tx *store.Tx, userName string, factor Factor,
) (locks bool, err error) {
	before, err := tx.Lockouts.Get(userName)
	if err != nil {
		return false, err
	}

	after := c.policy.Fail(before, tx.Now)
	// With one failure, the earlier ones have expired.
	if after.Failures > 1 {
		after.CodeFailures = before.CodeFailures
	}
	if factor == Code {
		after.CodeFailures++
	}
	if err := tx.Lockouts.Set(userName, after); err != nil {
		return false, err
	}

	subject := userName
	if subject == store.UnknownUser {
		// The typed name is never recorded, because it may be a password in the wrong field.
		subject = unknownSubject
	}
	details := audit.Details{"what": factor, "failures": after.Failures}
	if err := audit.Record(ctx, tx, audit.GuessFailed, subject, details); err != nil {
		return false, err
	}

	locks = c.policy.Locked(after, tx.Now) && !c.policy.Locked(before, tx.Now)
	if userName == store.UnknownUser || !locks {
		return false, nil
	}
	return true, audit.Record(ctx, tx, audit.UserLocked, userName, audit.Details{"until": after.LockedUntil})
}

// unknownSubject is the audit subject of failed attempts for users that do not exist.
const unknownSubject = "(unknown user)"

// RecordAddressFailure counts a failed attempt for the client address.
func (c *Counter) RecordAddressFailure(ctx context.Context) {
	c.addresses.Fail(audit.OriginOf(ctx).Address)
}

// CountLock counts a lock after the transaction of RecordFailure was committed, which may have been retried.
func (c *Counter) CountLock(locks bool) {
	if locks {
		c.locks.Add(1)
	}
}

// Locks returns the number of locks so far.
func (c *Counter) Locks() uint64 { return c.locks.Load() }

// RecordSuccess clears a user's failures of one factor.
func (c *Counter) RecordSuccess(tx *store.Tx, userName string, factor Factor) error {
	state, err := tx.Lockouts.Get(userName)
	if err != nil || state.Failures == 0 {
		return err
	}

	if factor == Code {
		state.Failures, state.CodeFailures = state.Failures-state.CodeFailures, 0
	} else {
		state.Failures = state.CodeFailures
	}

	if state.Failures == 0 {
		return tx.Lockouts.Clear(userName)
	}
	// A lock is over: no attempt succeeds while the user is locked.
	state.LockedUntil = time.Time{}
	return tx.Lockouts.Set(userName, state)
}

// Unlock clears all of a user's failures by order of an administrator.
func (c *Counter) Unlock(ctx context.Context, tx *store.Tx, userName string) error {
	if err := tx.Lockouts.Clear(userName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.UserUnlocked, userName, nil)
}
