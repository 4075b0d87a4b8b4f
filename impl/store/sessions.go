package store

import "time"

// Session is what a sign-in began. It ends at ExpiresAt at the latest, refreshed or not.
type Session struct {
	ID        string
	UserName  string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// SessionToken is one of the tokens that stand for a session.
type SessionToken struct {
	ID        string
	SessionID string
	ExpiresAt time.Time
	// ElevatedUntil is zero for a plain token.
	ElevatedUntil time.Time
}

// The statements on these records.
var (
	insertSession      = prepare(`INSERT INTO sessions (id, user_name, created_at, expires_at) VALUES ($1, $2, $3, $4)`)
	insertSessionToken = prepare(`INSERT INTO session_tokens (id, session_id, expires_at, elevated_until) VALUES ($1, $2, $3, $4)`)
	selectLiveSession  = prepare(`SELECT t.id, t.session_id, t.expires_at, t.elevated_until, s.user_name, s.created_at, s.expires_at, ` + userColumns + `
		FROM session_tokens t JOIN sessions s ON s.id = t.session_id JOIN users ON users.name = s.user_name
		WHERE t.id = $1 AND t.expires_at > $2 AND s.expires_at > $2`)
	selectSession = prepare(`SELECT s.id, s.user_name, s.created_at, s.expires_at, ` + userColumns + `
		FROM sessions s JOIN users ON users.name = s.user_name WHERE s.id = $1 AND s.expires_at > $2`)
	shortenSessionToken = prepare(`UPDATE session_tokens SET expires_at = $2 WHERE id = $1 AND expires_at > $2`)
	lowerUserSessions   = prepare(`UPDATE session_tokens SET elevated_until = 0 WHERE elevated_until <> 0
		AND session_id IN (SELECT id FROM sessions WHERE user_name = $1)`)
	lowerSession       = prepare(`UPDATE session_tokens SET elevated_until = 0 WHERE session_id = $1 AND elevated_until <> 0`)
	deleteSession      = prepare(`DELETE FROM sessions WHERE id = $1`)
	deleteUserSessions = prepare(`DELETE FROM sessions WHERE user_name = $1`)
	sweepSessionTokens = prepare(`DELETE FROM session_tokens WHERE expires_at <= $1`)
	sweepSessions      = prepare(`DELETE FROM sessions WHERE expires_at <= $1`)
)

// InsertSession adds a session, at the transaction's time.
func (tx *Tx) InsertSession(s Session) error {
	_, err := tx.exec(insertSession,
		s.ID, s.UserName, millis(tx.Now), millis(s.ExpiresAt))
	return err
}

// InsertSessionToken adds a token to a session.
func (tx *Tx) InsertSessionToken(t SessionToken) error {
	_, err := tx.exec(insertSessionToken,
		t.ID, t.SessionID, millis(t.ExpiresAt), millis(t.ElevatedUntil))
	return err
}

// LiveSession returns a token that has not expired, its session and the session's user, or ErrNotFound. Changes of these are
// told, beside when the user signed in.
func (tx *Tx) LiveSession(tokenID string) (SessionToken, Session, User, error) {
	var t SessionToken
	var s Session
	u, err := one(tx, func(row scanner) (u User, err error) {
		var tokenEnd, elevationEnd, created, sessionEnd int64
		fields, finish := userFields(&u)
		err = row.Scan(append([]any{&t.ID, &t.SessionID, &tokenEnd, &elevationEnd, &s.UserName, &created, &sessionEnd}, fields...)...)
		finish()
		t.ExpiresAt, t.ElevatedUntil = at(tokenEnd), at(elevationEnd)
		s.ID, s.CreatedAt, s.ExpiresAt = t.SessionID, at(created), at(sessionEnd)
		return u, err
	}, selectLiveSession, tokenID, millis(tx.Now))
	tx.read = append(tx.read, tokenTag(t.ID), sessionTag(s.ID), userTag(u.Name))
	return t, s, u, err
}

// Session returns a session that has not expired and its user, or ErrNotFound. Its tokens may have expired.
func (tx *Tx) Session(id string) (Session, User, error) {
	var s Session
	u, err := one(tx, func(row scanner) (u User, err error) {
		var created, end int64
		fields, finish := userFields(&u)
		err = row.Scan(append([]any{&s.ID, &s.UserName, &created, &end}, fields...)...)
		finish()
		s.CreatedAt, s.ExpiresAt = at(created), at(end)
		return u, err
	}, selectSession, id, millis(tx.Now))
	return s, u, err
}

// ShortenSessionToken lets a token expire at a time, unless it does before. That is told only if somebody may remember the
// token longer: tokens are shortened all the time.
func (tx *Tx) ShortenSessionToken(id string, end time.Time) error {
	if end.Sub(tx.Now) < MaxLifetime {
		tx.changed.add(tokenTag(id))
	}
	_, err := tx.exec(shortenSessionToken, id, millis(end))
	return err
}

// LowerSession makes all tokens of a session plain, and tells whether one was not.
func (tx *Tx) LowerSession(id string) (bool, error) {
	tx.changed.add(sessionTag(id))
	n, err := tx.exec(lowerSession, id)
	return n > 0, err
}

// LowerUserSessions makes all tokens of a user plain.
func (tx *Tx) LowerUserSessions(userName string) error {
	tx.changed.add(userTag(userName))
	_, err := tx.exec(lowerUserSessions, userName)
	return err
}

// DeleteSession ends a session and all its tokens, and tells whether there was one.
func (tx *Tx) DeleteSession(id string) (bool, error) {
	tx.changed.add(sessionTag(id))
	n, err := tx.exec(deleteSession, id)
	return n > 0, err
}

// DeleteUserSessions ends all sessions of a user and returns how many there were.
func (tx *Tx) DeleteUserSessions(userName string) (int, error) {
	tx.changed.add(userTag(userName))
	return tx.exec(deleteUserSessions, userName)
}

// SweepSessions removes what has expired, so that sessions nobody ended do not pile up.
func (tx *Tx) SweepSessions() error {
	for _, sweep := range []statement{sweepSessionTokens, sweepRefreshTokens, sweepSessions} {
		if _, err := tx.exec(sweep, millis(tx.Now)); err != nil {
			return err
		}
	}
	return nil
}
