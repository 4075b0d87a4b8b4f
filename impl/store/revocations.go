package store

import (
	"errors"
	"math"
	"slices"
	"strings"
)

// sweepingPrefix precedes the text in users.roles while rows of the user wait for the sweep. A server from before
// epochs cannot read such a row, so it neither accepts what was revoked nor acknowledges a change of the user.
const sweepingPrefix = "sweeping: "

// rolesColumn is users.roles without the prefix.
const rolesColumn = `CASE WHEN users.sweeping THEN substr(users.roles, 11) ELSE users.roles END`

// gone is a first_key_epoch that no key reaches.
const gone = math.MaxInt64

// The statements on these records.
var (
	selectEpochs = prepare(`SELECT key_epoch, keys_revoked_at, first_key_epoch, session_epoch, deleted FROM users
		WHERE name = $1`)
	// One concatenated text takes a third of the time of a row per key.
	selectKeysOfEpoch = prepare(`SELECT COALESCE(string_agg(id, $3), '') FROM api_keys WHERE user_name = $1
		AND epoch = $2 AND invalidated_at = 0`)
	countSessions     = prepare(`SELECT COUNT(*) FROM sessions WHERE user_name = $1 AND epoch >= $2`)
	incrementKeyEpoch = prepare(`UPDATE users SET key_epoch = key_epoch + 1, keys_revoked_at = $2 WHERE name = $1`)
	incrementSessions = prepare(`UPDATE users SET session_epoch = session_epoch + 1 WHERE name = $1`)
	selectValidOwners = prepare(`SELECT DISTINCT user_name FROM api_keys WHERE invalidated_at = 0 ORDER BY user_name`)
	countValidKeys    = prepare(`SELECT COUNT(*) FROM (SELECT 1 FROM api_keys WHERE user_name = $1
		AND invalidated_at = 0
		AND epoch >= (SELECT key_epoch FROM users WHERE name = $1) AND (expires_at = 0 OR expires_at > $2)
		LIMIT $3) AS valid`)
	manyKeys            = prepare(`SELECT id FROM api_keys WHERE user_name = $1 LIMIT 1 OFFSET $2`)
	selectSweepingUsers = prepare(`SELECT name FROM users WHERE sweeping ORDER BY name`)
	sweepDeletedKeys    = prepare(`DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE user_name = $1
		AND epoch < $2 LIMIT $3) RETURNING ` + deletedColumns)
	sweepRevokedKeys = prepare(`UPDATE api_keys SET invalidated_at = $4 WHERE id IN
		(SELECT id FROM api_keys WHERE user_name = $1 AND epoch < $2 AND invalidated_at = 0 ORDER BY epoch, id
		LIMIT $3)`)
	sweepRevokedSessions = prepare(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_name = $1
		AND epoch < $2 LIMIT $3)`)
	// hideUser clears everything of a user but the name, which the rows that wait for the sweep refer to.
	hideUser = prepare(`UPDATE users SET deleted = TRUE, enabled = FALSE, password_hash = '', realm = '',
		name_id = '', full_name = '', email = '', metadata = '',
		first_key_epoch = $2, key_epoch = key_epoch + 1, session_epoch = session_epoch + 1 WHERE name = $1
		AND NOT deleted`)
)

// epochs are the columns of a user's row about the user's keys and sessions.
type epochs struct {
	key, keysRevokedAt, firstKey, session int64
	deleted                               bool
}

func (tx *Tx) epochs(userName string) (epochs, error) {
	return one(tx, func(e *epochs) []any {
		return []any{&e.key, &e.keysRevokedAt, &e.firstKey, &e.session, &e.deleted}
	}, selectEpochs, userName)
}

// idSeparator is not part of any key's id.
const idSeparator = "\n"

// KeyRevocation is the result of RevokeUser.
type KeyRevocation struct {
	// IDs are the keys that were valid until now, expired ones included, in order.
	IDs []string
	// Epoch is the user's new epoch: keys of an earlier one are invalidated.
	Epoch int64
}

// RevokeUser invalidates all keys of a user, at the transaction's time. Up to sweepMost keys are invalidated in this
// transaction; more are by the user's epoch, and their rows by Users.Sweep. A user without valid keys keeps the
// epoch; an unknown user has no effect.
func (t Keys) RevokeUser(userName string) (KeyRevocation, error) {
	e, err := t.tx.epochs(userName)
	if errors.Is(err, ErrNotFound) || err == nil && e.deleted {
		return KeyRevocation{}, nil
	}
	if err != nil {
		return KeyRevocation{}, err
	}
	list, err := one(t.tx, single[string], selectKeysOfEpoch, userName, e.key, idSeparator)
	if err != nil || list == "" {
		return KeyRevocation{Epoch: e.key}, err
	}
	ids := strings.Split(list, idSeparator)
	slices.Sort(ids) // as they are in the index: it costs nothing
	t.tx.changed.add(userTag(userName))

	if len(ids) <= sweepMost {
		err = t.tx.do(invalidateKeys, texts(ids), millis(t.tx.Now))
	} else {
		err = t.tx.do(beginSweeping, userName)
	}
	if err != nil {
		return KeyRevocation{}, err
	}
	err = t.tx.do(incrementKeyEpoch, userName, millis(t.tx.Now))
	return KeyRevocation{IDs: ids, Epoch: e.key + 1}, err
}

// ValidOwners returns the names of users with keys that are not invalidated, in order. Users with keys that were just
// revoked may be among them.
func (t Keys) ValidOwners() ([]string, error) {
	return all(t.tx, single[string], selectValidOwners)
}

// CountValid returns the number of a user's keys that are neither invalidated nor expired, at most the limit.
func (t Keys) CountValid(userName string, most int) (int, error) {
	return one(t.tx, single[int], countValidKeys, userName, millis(t.tx.Now), most)
}

// DeleteUser ends all sessions of a user and returns their number, expired ones included. Up to sweepMost rows are
// deleted in this transaction; more end by the user's epoch, and Users.Sweep deletes them. Codes that would begin a
// session are deleted, too: the epoch of a user without sessions stays.
func (t Sessions) DeleteUser(userName string) (int, error) {
	t.tx.changed.add(userTag(userName))
	if err := t.tx.do(deleteUserSSOCodes, userName); err != nil {
		return 0, err
	}
	e, err := t.tx.epochs(userName)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	count, err := one(t.tx, single[int], countSessions, userName, e.session)
	if err != nil || count == 0 {
		return 0, err
	}

	if count <= sweepMost {
		err = t.tx.do(deleteUserSessions, userName, e.session)
	} else {
		err = t.tx.do(beginSweeping, userName)
	}
	if err != nil {
		return 0, err
	}
	err = t.tx.do(incrementSessions, userName)
	return count, err
}

// Delete removes a user with sessions, keys, profile, second factor and failures, and reports whether there was one.
// With more rows than sweepMost, it only marks the user's row, so that no query finds it; Users.Sweep deletes it with
// the rest.
func (t Users) Delete(name string) (bool, error) {
	if err := t.tx.Lockouts.Clear(name); err != nil {
		return false, err
	}
	t.tx.changed.add(userTag(name))
	many, err := t.ownsMany(name)
	if err != nil {
		return false, err
	}
	if unstorable(name) {
		return false, nil
	}
	if !many {
		if err := t.tx.do(releaseUserDocuments, name, millis(t.tx.Now)); err != nil {
			return false, err
		}
		return t.tx.changes(deleteUser, name)
	}

	if _, err := t.tx.TOTPDevices.Delete(name); err != nil {
		return false, err
	}
	if err := t.tx.do(deleteUserProfile, name); err != nil {
		return false, err
	}
	if err := t.tx.do(beginSweeping, name); err != nil {
		return false, err
	}
	return t.tx.changes(hideUser, name, int64(gone))
}

// ownsMany reports whether a user has more keys, or more sessions, than one transaction deletes.
func (t Users) ownsMany(name string) (bool, error) {
	for _, s := range []statement{manyKeys, selectExcessSession} {
		found, err := all(t.tx, single[string], s, name, sweepMost)
		if err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}

// Sweeping returns the names of users with rows that wait for Users.Sweep, in order.
func (t Users) Sweeping() ([]string, error) {
	return all(t.tx, single[string], selectSweepingUsers)
}

// Sweep finishes a bounded number of the rows that a revocation left behind: revoked keys are marked as invalidated,
// ended sessions and a deleted user's keys are deleted. It reports whether none is left. Then the user's row is as it
// was for servers without epochs, or deleted.
func (t Users) Sweep(name string) (done bool, err error) {
	e, err := t.tx.epochs(name)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if e.deleted {
		e.session = gone
	}
	deleteKeys := func() (int, error) {
		if e.firstKey == 0 { // a search for a deleted user's keys reads all keys of the name
			return 0, nil
		}
		ids, err := t.tx.Keys.remove(sweepDeletedKeys, name, e.firstKey, sweepMost)
		return len(ids), err
	}
	for _, step := range []func() (int, error){
		func() (int, error) { return t.tx.exec(sweepRevokedSessions, name, e.session, sweepMost) },
		deleteKeys,
		func() (int, error) { return t.tx.exec(sweepRevokedKeys, name, e.key, sweepMost, e.keysRevokedAt) },
	} {
		if n, err := step(); err != nil || n >= sweepMost {
			return false, err
		}
	}

	t.tx.changed.add(userTag(name))
	if e.deleted {
		err = t.tx.do(sweepUser, name)
	} else {
		err = t.tx.do(endSweeping, name)
	}
	return err == nil, err
}
