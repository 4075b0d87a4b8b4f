package store

import (
	"errors"
	"time"
)

// Lockout holds a user's failed attempts. The zero value is the state without any.
type Lockout struct {
	Failures int
	// CodeFailures is the number of failures with one-time codes and recovery codes, which Failures includes.
	CodeFailures int
	LastFailure  time.Time
	LockedUntil  time.Time
}

// UnknownUser is the name under which failures of all users that do not exist are counted. So they cost the same as
// others, and the table does not grow with guessed names.
const UnknownUser = ""

// The statements on these records.
var (
	selectLockout = prepare(`SELECT failures, code_failures, last_failure_at, locked_until FROM lockouts
		WHERE user_name = $1`)
	upsertLockout = prepare(`INSERT INTO lockouts (user_name, failures, code_failures, last_failure_at, locked_until)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_name) DO UPDATE SET failures = excluded.failures, code_failures = excluded.code_failures,
		last_failure_at = excluded.last_failure_at,
		locked_until = excluded.locked_until`)
	clearLockout = prepare(`DELETE FROM lockouts WHERE user_name = $1`)
)

// Get returns a user's failed attempts.
func (t Lockouts) Get(userName string) (Lockout, error) {
	state, err := one(t.tx, func(s *Lockout) []any {
		return []any{&s.Failures, &s.CodeFailures, (*milliseconds)(&s.LastFailure), (*milliseconds)(&s.LockedUntil)}
	}, selectLockout, userName)
	if errors.Is(err, ErrNotFound) {
		return Lockout{}, nil
	}
	return state, err
}

// Set replaces a user's failed attempts.
func (t Lockouts) Set(userName string, s Lockout) error {
	return t.tx.do(upsertLockout, userName, s.Failures, s.CodeFailures, millis(s.LastFailure),
		millis(s.LockedUntil))
}

// Clear deletes a user's failed attempts.
func (t Lockouts) Clear(userName string) error {
	return t.tx.do(clearLockout, userName)
}
