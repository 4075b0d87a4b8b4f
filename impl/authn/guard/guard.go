// Package guard limits guessing of passwords and codes. A user's password, one-time codes and recovery codes share one counter
// of wrong guesses, which locks the user temporarily. Client addresses have their own limit.
package guard

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/lockout"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Guard counts wrong guesses by user and by client address. It is safe for concurrent use.
type Guard struct {
	policy    lockout.Policy
	addresses *lockout.AddressLimiter
}

// New returns a guard that locks users by a policy. addresses may be nil for no limit by address.
func New(policy lockout.Policy, addresses *lockout.AddressLimiter) *Guard {
	return &Guard{policy, addresses}
}

// CheckAddress returns fault.TooManyFailures if the client address has reached its limit of wrong guesses. Callers check it
// first, so that the response reveals nothing about a user.
func (g *Guard) CheckAddress(ctx context.Context) error {
	wait, ok := g.addresses.Allowed(audit.OriginOf(ctx).Address)
	if ok {
		return nil
	}

	f := fault.New(fault.TooManyFailures, "too many wrong guesses from this address; try again later")
	f.RetryAfter = wait
	return f
}

// Locked reports whether a user is locked, and whether wrong passwords are counted that a success would clear.
func (g *Guard) Locked(tx *store.Tx, userName string) (locked, wrongPasswords bool, err error) {
	state, err := tx.Lockout(userName)
	return g.policy.Locked(state, tx.Now), state.Failures > state.CodeFailures, err
}

// Factor is the kind of secret that is guessed. Failures of both factors count together towards a lock, but a success clears
// only the failures of its own factor. Otherwise an attacker that knows the password could guess codes without limit, and
// vice versa.
type Factor string

// All factors.
const (
	Password Factor = "password"
	// Code is a one-time code or a recovery code.
	Code Factor = "one-time code"
)

// RecordFailure counts a wrong guess for a user, or for store.UnknownUser, in the transaction that rejected it. The caller
// calls RecordAddressFailure after the transaction.
func (g *Guard) RecordFailure(ctx context.Context, tx *store.Tx, userName string, what Factor) error {
	before, err := tx.Lockout(userName)
	if err != nil {
		return err
	}

	after := g.policy.Fail(before, tx.Now)
	// With one failure, the earlier ones have expired.
	if after.Failures > 1 {
		after.CodeFailures = before.CodeFailures
	}
	if what == Code {
		after.CodeFailures++
	}
	if err := tx.SetLockout(userName, after); err != nil {
		return err
	}

	subject := userName
	if subject == store.UnknownUser {
		// The typed name is never recorded, because it may be a password in the wrong field.
		subject = unknownSubject
	}
	if err := audit.Record(ctx, tx, audit.GuessFailed, subject, audit.Details{"what": what, "failures": after.Failures}); err != nil {
		return err
	}

	locks := g.policy.Locked(after, tx.Now) && !g.policy.Locked(before, tx.Now)
	if userName == store.UnknownUser || !locks {
		return nil
	}
	return audit.Record(ctx, tx, audit.UserLocked, userName, audit.Details{"until": after.LockedUntil})
}

// unknownSubject is the audit subject of wrong guesses for users that do not exist.
const unknownSubject = "(unknown user)"

// RecordAddressFailure counts a wrong guess for the client address.
func (g *Guard) RecordAddressFailure(ctx context.Context) {
	g.addresses.Fail(audit.OriginOf(ctx).Address)
}

// RecordSuccess clears a user's failures of one factor.
func (g *Guard) RecordSuccess(tx *store.Tx, userName string, what Factor) error {
	state, err := tx.Lockout(userName)
	if err != nil || state.Failures == 0 {
		return err
	}

	if what == Code {
		state.Failures, state.CodeFailures = state.Failures-state.CodeFailures, 0
	} else {
		state.Failures = state.CodeFailures
	}

	if state.Failures == 0 {
		return tx.ClearLockout(userName)
	}
	// A lock is over: no guess succeeds while the user is locked.
	state.LockedUntil = time.Time{}
	return tx.SetLockout(userName, state)
}

// Unlock clears all of a user's failures by order of an administrator.
func (g *Guard) Unlock(ctx context.Context, tx *store.Tx, userName string) error {
	if err := tx.ClearLockout(userName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.UserUnlocked, userName, nil)
}
