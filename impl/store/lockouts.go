package store

import (
	"errors"

	"github.com/sallyport/sallyport/impl/authn/lockout"
)

// UnknownUser is the name under which failures of users that do not exist are counted together. So they cost the same as
// others, and the table does not grow with guessed names.
const UnknownUser = ""

// The statements on these records.
var (
	selectLockout = prepare(`SELECT failures, code_failures, last_failure_at, locked_until FROM lockouts WHERE user_name = $1`)
	upsertLockout = prepare(`INSERT INTO lockouts (user_name, failures, code_failures, last_failure_at, locked_until) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_name) DO UPDATE SET failures = excluded.failures, code_failures = excluded.code_failures, last_failure_at = excluded.last_failure_at,
		locked_until = excluded.locked_until`)
	clearLockout = prepare(`DELETE FROM lockouts WHERE user_name = $1`)
)

// Lockout returns how often a user failed, and until when the user is locked; the zero State for one who did not fail.
func (tx *Tx) Lockout(userName string) (lockout.State, error) {
	state, err := one(tx, func(row scanner) (s lockout.State, err error) {
		var last, until int64
		err = row.Scan(&s.Failures, &s.CodeFailures, &last, &until)
		s.LastFailure, s.LockedUntil = at(last), at(until)
		return s, err
	}, selectLockout, userName)
	if errors.Is(err, ErrNotFound) {
		return lockout.State{}, nil
	}
	return state, err
}

// SetLockout stores how often a user failed.
func (tx *Tx) SetLockout(userName string, s lockout.State) error {
	_, err := tx.exec(upsertLockout, userName, s.Failures, s.CodeFailures, millis(s.LastFailure), millis(s.LockedUntil))
	return err
}

// ClearLockout forgets a user's failures.
func (tx *Tx) ClearLockout(userName string) error {
	_, err := tx.exec(clearLockout, userName)
	return err
}
