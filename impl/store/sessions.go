package store

import (
	"errors"
	"time"
)

// Session is a signed-in session. It expires at ExpiresAt at the latest, refreshed or not.
type Session struct {
	ID        string
	UserName  string
	CreatedAt time.Time
	ExpiresAt time.Time
	// OnBehalf is set if another caller began the session for the user.
	OnBehalf bool
}

// SessionToken is one of the tokens of a session.
type SessionToken struct {
	ID        string
	SessionID string
	ExpiresAt time.Time
	// ElevatedUntil is zero for a plain token.
	ElevatedUntil time.Time
}

const sessionColumns = `s.id, s.user_name, s.created_at, s.expires_at, s.on_behalf`

// sessionFields returns the destinations for sessionColumns.
func sessionFields(s *Session) []any {
	return []any{&s.ID, &s.UserName, (*milliseconds)(&s.CreatedAt), (*milliseconds)(&s.ExpiresAt), &s.OnBehalf}
}

// The statements on these records.
var (
	insertSession = prepare(`INSERT INTO sessions (id, user_name, created_at, expires_at, on_behalf)
		VALUES ($1, $2, $3, $4, $5)`)
	insertSessionToken = prepare(`INSERT INTO session_tokens (id, session_id, expires_at, elevated_until)
		VALUES ($1, $2, $3, $4)`)
	selectLiveSession = prepare(`SELECT t.id, t.session_id, t.expires_at, t.elevated_until, ` +
		sessionColumns + `, ` + userColumns + `
		FROM session_tokens t JOIN sessions s ON s.id = t.session_id JOIN users ON users.name = s.user_name
		WHERE t.id = $1 AND t.expires_at > $2 AND s.expires_at > $2 AND s.epoch >= users.session_epoch
		AND NOT users.deleted`)
	selectSession = prepare(`SELECT ` + sessionColumns + `, ` + userColumns + `
		FROM sessions s JOIN users ON users.name = s.user_name WHERE s.id = $1 AND s.expires_at > $2
		AND s.epoch >= users.session_epoch AND NOT users.deleted`)
	shortenSessionToken = prepare(`UPDATE session_tokens SET expires_at = $2 WHERE id = $1 AND expires_at > $2`)
	lowerUserSessions   = prepare(`UPDATE session_tokens SET elevated_until = 0 WHERE elevated_until <> 0
		AND session_id IN (SELECT id FROM sessions WHERE user_name = $1)`)
	lowerSession = prepare(`UPDATE session_tokens SET elevated_until = 0 WHERE session_id = $1
		AND elevated_until <> 0`)
	deleteSession      = prepare(`DELETE FROM sessions WHERE id = $1`)
	deleteUserSessions = prepare(`DELETE FROM sessions WHERE user_name = $1 AND epoch >= $2`)
	sweepSessionTokens = prepare(`DELETE FROM session_tokens WHERE id IN (SELECT id FROM session_tokens
		WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
	sweepSessions = prepare(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1
		ORDER BY expires_at LIMIT $2)`)
	// sweepTokensOf is limited to one session, so that concurrent refreshes of different sessions do not wait for
	// each other.
	sweepTokensOf = prepare(`DELETE FROM session_tokens WHERE id IN (SELECT id FROM session_tokens
		WHERE session_id = $1 AND expires_at <= $2 LIMIT $3)`)
	selectExcessSession = prepare(`SELECT id FROM sessions WHERE user_name = $1 LIMIT 1 OFFSET $2`)
	oldestSessions      = prepare(`DELETE FROM sessions WHERE id IN
		(SELECT id FROM sessions WHERE user_name = $1 ORDER BY created_at DESC, id LIMIT $3 OFFSET $2) RETURNING id`)
)

// Insert adds a session, at the transaction's time.
func (t Sessions) Insert(s Session) error {
	return t.tx.do(insertSession,
		s.ID, s.UserName, millis(t.tx.Now), millis(s.ExpiresAt), s.OnBehalf)
}

// InsertToken adds a token to a session.
func (t Sessions) InsertToken(token SessionToken) error {
	return t.tx.do(insertSessionToken,
		token.ID, token.SessionID, millis(token.ExpiresAt), millis(token.ElevatedUntil))
}

// FindByToken returns a token that has not expired, its session and the session's user, or ErrNotFound. Cached
// results are invalidated, except by the time when the user signed in.
func (t Sessions) FindByToken(tokenID string) (SessionToken, Session, User, error) {
	var token SessionToken
	var s Session
	u, err := one(t.tx, func(u *User) []any {
		fields := []any{&token.ID, &token.SessionID, (*milliseconds)(&token.ExpiresAt),
			(*milliseconds)(&token.ElevatedUntil)}
		return append(append(fields, sessionFields(&s)...), userFields(u)...)
	}, selectLiveSession, tokenID, millis(t.tx.Now))
	t.tx.read.add(tokenTag(token.ID), sessionTag(s.ID), userTag(u.Name))
	return token, s, u, err
}

// Find returns a session that has not expired and its user, or ErrNotFound. Its tokens may have expired.
func (t Sessions) Find(id string) (Session, User, error) {
	var s Session
	u, err := one(t.tx, func(u *User) []any { return append(sessionFields(&s), userFields(u)...) },
		selectSession, id, millis(t.tx.Now))
	return s, u, err
}

// ShortenToken makes a token expire at a time, unless it does before. Caches are notified only if they may hold the
// token for longer, because every refresh shortens a token.
func (t Sessions) ShortenToken(id string, end time.Time) error {
	if end.Sub(t.tx.Now) < MaxLifetime {
		t.tx.changed.add(tokenTag(id))
	}
	return t.tx.do(shortenSessionToken, id, millis(end))
}

// Lower makes all tokens of a session plain, and reports whether one was elevated.
func (t Sessions) Lower(id string) (bool, error) {
	t.tx.changed.add(sessionTag(id))
	return t.tx.changes(lowerSession, id)
}

// LowerUser makes all tokens of a user plain.
func (t Sessions) LowerUser(userName string) error {
	t.tx.changed.add(userTag(userName))
	return t.tx.do(lowerUserSessions, userName)
}

// Delete deletes a session with all its tokens, and reports whether there was one.
func (t Sessions) Delete(id string) (bool, error) {
	t.tx.changed.add(sessionTag(id))
	return t.tx.changes(deleteSession, id)
}

// sweepMost is the maximum number of records that one sweep removes. Deleting a session takes some 70 µs, with the
// rows that refer to it: all that expired overnight would take longer than a transaction may, and the next sign-in
// would wait for it. As each sign-in adds one session and removes up to sweepMost, they do not pile up.
const sweepMost = 1000

// Sweep removes expired sessions and tokens, a bounded number per call.
func (t Sessions) Sweep() error {
	for _, sweep := range []statement{sweepSessionTokens, sweepRefreshTokens, sweepSessions} {
		if err := t.tx.do(sweep, millis(t.tx.Now), sweepMost); err != nil {
			return err
		}
	}
	return nil
}

// SweepTokens removes expired tokens of one session, a bounded number per call, so that a session that was refreshed
// often can still be deleted quickly.
func (t Sessions) SweepTokens(sessionID string) error {
	return t.tx.do(sweepTokensOf, sessionID, millis(t.tx.Now), sweepMost)
}

// EvictOldest deletes the oldest sessions of a user that has most of them or more: at least a tenth, and a bounded
// number per call. It returns how many it deleted.
func (t Sessions) EvictOldest(userName string, most int) (int, error) {
	_, err := one(t.tx, single[string], selectExcessSession, userName, most-1)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}

	ended, err := all(t.tx, single[string], oldestSessions, userName, most-max(1, most/10), 2*sweepMost)
	for _, id := range ended {
		t.tx.changed.add(sessionTag(id))
	}
	return len(ended), err
}
