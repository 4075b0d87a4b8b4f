package store

import "time"

var countExpiringKeys = prepare(`SELECT COUNT(*) FROM api_keys WHERE expires_at <> 0 AND expires_at > $1 AND expires_at <= $2 AND invalidated_at = 0 AND ` + notRevoked)

// KeysExpiring counts the keys that work now, and will have expired at a time.
func (tx *Tx) KeysExpiring(by time.Time) (int, error) {
	return one(tx, scanCount, countExpiringKeys, millis(tx.Now), millis(by))
}
