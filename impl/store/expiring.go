package store

import "time"

var countExpiringKeys = prepare(`SELECT COUNT(*) FROM api_keys WHERE expires_at <> 0 AND expires_at > $1
	AND expires_at <= $2 AND invalidated_at = 0 AND ` + notRevoked)

// CountExpiring returns the number of keys that work now and expire until a time.
func (t Keys) CountExpiring(by time.Time) (int, error) {
	return one(t.tx, single[int], countExpiringKeys, millis(t.tx.Now), millis(by))
}
