// Package guard counts wrong guesses at what users must know or have. A user's passwords, one-time codes and recovery
// codes share one counter, which locks the user for a while; an address has a limit of its own.
package guard

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/lockout"
	"github.com/sallyport/sallyport/impl/store"
)

// Guard counts guesses. It is safe for concurrent use.
type Guard struct {
	policy    lockout.Policy
	addresses *lockout.Addresses
}

// New returns a guard that locks by a policy. addresses may be nil for callers who have none.
func New(policy lockout.Policy, addresses *lockout.Addresses) *Guard {
	return &Guard{policy, addresses}
}

// Admit returns fault.TooManyFailures if the caller's address has used up its wrong guesses. It is asked before anything
// is looked at, so that the answer tells nothing about a user.
func (g *Guard) Admit(ctx context.Context) error {
	wait, ok := g.addresses.Allowed(audit.OriginOf(ctx).Address)
	if ok {
		return nil
	}
	f := fault.New(fault.TooManyFailures, "too many wrong guesses from this address; try again later")
	f.RetryAfter = wait
	return f
}

// Locked tells whether a user is locked, and whether there are wrong passwords for a right one to forget.
func (g *Guard) Locked(tx *store.Tx, userName string) (locked, wrongPasswords bool, err error) {
	state, err := tx.Lockout(userName)
	return g.policy.Locked(state, tx.Now), state.Failures > state.CodeFailures, err
}

// Factor is what a guess is at. Failures of both lock together, but a right guess at one forgets only its own: otherwise
// whoever has the password could guess codes for ever, and the other way round.
type Factor string

// The factors there are.
const (
	Password Factor = "password"
	// Code is a one-time code or a recovery code.
	Code Factor = "one-time code"
)

// Wrong counts a wrong guess of a user, or of store.Strangers, in the transaction that found it wrong. The caller calls
// Blame after the transaction.
func (g *Guard) Wrong(ctx context.Context, tx *store.Tx, userName string, what Factor) error {
	before, err := tx.Lockout(userName)
	if err != nil {
		return err
	}
	after := g.policy.Fail(before, tx.Now)
	if after.Failures > 1 { // else those before were forgotten
		after.CodeFailures = before.CodeFailures
	}
	if what == Code {
		after.CodeFailures++
	}
	if err := tx.SetLockout(userName, after); err != nil {
		return err
	}
	subject := userName
	if subject == store.Strangers {
		subject = stranger // never what was typed, which may be a password in the wrong field
	}
	if err := audit.Record(ctx, tx, audit.GuessFailed, subject, audit.Details{"what": what, "failures": after.Failures}); err != nil {
		return err
	}
	locks := g.policy.Locked(after, tx.Now) && !g.policy.Locked(before, tx.Now)
	if userName == store.Strangers || !locks {
		return nil
	}
	return audit.Record(ctx, tx, audit.UserLocked, userName, audit.Details{"until": after.LockedUntil})
}

const stranger = "(unknown user)"

// Blame counts a wrong guess of the caller's address.
func (g *Guard) Blame(ctx context.Context) { g.addresses.Fail(audit.OriginOf(ctx).Address) }

// Right forgets a user's wrong guesses at one factor.
func (g *Guard) Right(tx *store.Tx, userName string, what Factor) error {
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
	state.LockedUntil = time.Time{} // it is past, or nothing would have been right
	return tx.SetLockout(userName, state)
}

// Unlock forgets all of a user's wrong guesses, on an administrator's word.
func (g *Guard) Unlock(ctx context.Context, tx *store.Tx, userName string) error {
	if err := tx.ClearLockout(userName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.UserUnlocked, userName, nil)
}
