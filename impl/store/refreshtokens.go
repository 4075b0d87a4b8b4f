package store

import "time"

// The statements on these records.
var (
	insertRefreshToken = prepare(`INSERT INTO refresh_tokens (digest, session_id, expires_at) VALUES ($1, $2, $3)`)
	selectRefreshToken = prepare(`SELECT session_id FROM refresh_tokens WHERE digest = $1 AND expires_at > $2`)
	deleteRefreshToken = prepare(`DELETE FROM refresh_tokens WHERE digest = $1 AND expires_at > $2
		RETURNING session_id`)
	countRefreshTokens = prepare(`SELECT COUNT(*) FROM refresh_tokens
		JOIN sessions ON sessions.id = refresh_tokens.session_id JOIN users ON users.name = sessions.user_name
		WHERE sessions.user_name = $1 AND sessions.epoch >= users.session_epoch AND refresh_tokens.expires_at > $2`)
	sweepRefreshTokens = prepare(`DELETE FROM refresh_tokens WHERE digest IN (SELECT digest FROM refresh_tokens
		WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
)

// Insert adds a token, by its digest, that can refresh a session once, or returns ErrExists.
func (t RefreshTokens) Insert(digest, sessionID string, expires time.Time) error {
	return t.tx.do(insertRefreshToken, digest, sessionID, millis(expires))
}

// Session returns the session of a refresh token that has not expired, or ErrNotFound.
func (t RefreshTokens) Session(digest string) (string, error) {
	return one(t.tx, single[string], selectRefreshToken, digest, millis(t.tx.Now))
}

// CountUser returns the number of refresh tokens of a user's sessions that have not expired.
func (t RefreshTokens) CountUser(userName string) (int, error) {
	return one(t.tx, single[int], countRefreshTokens, userName, millis(t.tx.Now))
}

// Consume removes a refresh token that has not expired and returns its session, or ErrNotFound. Of several concurrent
// uses of a token, one gets the session.
func (t RefreshTokens) Consume(digest string) (string, error) {
	return one(t.tx, single[string], deleteRefreshToken, digest, millis(t.tx.Now))
}
