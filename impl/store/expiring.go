package store

import "time"

var countExpiringKeys = prepare(`SELECT COUNT(*) FROM api_keys WHERE expires_at <> 0 AND expires_at > $1 AND expires_at <= $2 AND invalidated_at = 0 AND ` + notRevoked)

// CountExpiring counts the keys that work now, and will have expired at a time.
func (t Keys) CountExpiring(by time.Time) (int, error) {
	return one(t.tx, scanCount, countExpiringKeys, millis(t.tx.Now), millis(by))
}
