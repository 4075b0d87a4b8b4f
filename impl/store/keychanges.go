package store

import (
	"maps"
	"slices"
	"time"
)

// KeyChange is one change that many keys are given. A nil field keeps what a key has.
type KeyChange struct {
	Assigned *string
	Metadata *string
	// ExpiresAt is the zero time for keys that shall never expire.
	ExpiresAt *time.Time
	// LimitedBy, Creator and Version are always replaced.
	LimitedBy string
	Creator   string
	Version   int
}

// The statements on these records.
var (
	// The casts tell PostgreSQL the type of a null.
	updateKey = prepare(`UPDATE api_keys SET assigned = COALESCE(CAST($2 AS TEXT), assigned), metadata = COALESCE(CAST($3 AS TEXT), metadata),
		expires_at = COALESCE(CAST($4 AS BIGINT), expires_at), limited_by = $5, creator = $6, version = $7 WHERE id = $1 AND invalidated_at = 0`)
	invalidateKey        = prepare(`UPDATE api_keys SET invalidated_at = $2 WHERE id = $1 AND invalidated_at = 0`)
	touchKey             = prepare(`UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`)
	purgeExpiredKeys     = prepare(`DELETE FROM api_keys WHERE expires_at <> 0 AND expires_at < $1 RETURNING id`)
	purgeInvalidatedKeys = prepare(`DELETE FROM api_keys WHERE invalidated_at <> 0 AND invalidated_at < $1 RETURNING id`)
)

// UpdateKeys changes those of some keys that there are and that are not invalidated.
func (tx *Tx) UpdateKeys(ids []string, c KeyChange) error {
	args := []any{nil, nil, nil, nil, c.LimitedBy, c.Creator, c.Version}
	if c.Assigned != nil {
		args[1] = *c.Assigned
	}
	if c.Metadata != nil {
		args[2] = *c.Metadata
	}
	if c.ExpiresAt != nil {
		args[3] = millis(*c.ExpiresAt)
	}
	for _, id := range sorted(ids) {
		args[0] = id
		if _, err := tx.exec(updateKey, args...); err != nil {
			return err
		}
	}
	return nil
}

// InvalidateKeys ends, at the transaction's time, those of some keys that there are and that are not invalidated, and
// returns these, in order: of many who invalidate a key at once, one is returned it.
func (tx *Tx) InvalidateKeys(ids []string) ([]string, error) {
	changed := []string{}
	args := []any{nil, millis(tx.Now)}
	for _, id := range sorted(ids) {
		args[0] = id
		n, err := tx.exec(invalidateKey, args...)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			changed = append(changed, id)
		}
	}
	return changed, nil
}

// TouchKeys remembers when keys were used, by their ids, unless they were used later.
func (tx *Tx) TouchKeys(used map[string]time.Time) error {
	for _, id := range slices.Sorted(maps.Keys(used)) {
		if _, err := tx.exec(touchKey, id, millis(used[id])); err != nil {
			return err
		}
	}
	return nil
}

// PurgeKeys removes the keys that were invalidated or expired before a time, and returns their ids in order. It removes
// the documents, too, that no key refers to any more.
func (tx *Tx) PurgeKeys(before time.Time) ([]string, error) {
	ids, err := all(tx, scanText, purgeExpiredKeys, millis(before))
	if err != nil {
		return nil, err
	}
	invalidated, err := all(tx, scanText, purgeInvalidatedKeys, millis(before))
	if err != nil {
		return nil, err
	}
	purged := sorted(append(ids, invalidated...))
	if len(purged) == 0 {
		return purged, nil // then no document has lost its last key, but for those of changes, which can wait
	}
	_, err = tx.exec(purgeDocuments)
	return purged, err
}
