package store

import (
	"maps"
	"slices"
	"time"
)

// KeyChange is one change for several keys. A nil field keeps the value of each key.
type KeyChange struct {
	Assigned *string
	Metadata *string
	// ExpiresAt is the zero time for keys that never expire.
	ExpiresAt *time.Time
	// CertificateIdentity is empty to remove the identity.
	CertificateIdentity *string
	// LimitedBy, Creator and Version are always replaced.
	LimitedBy string
	Creator   string
	Version   int
}

// notRevoked is a condition on a key: its owner's epoch has not been incremented since. It is a scalar query rather
// than a join, so that PostgreSQL still uses the index on ids.
const notRevoked = `epoch >= COALESCE((SELECT key_epoch FROM users WHERE users.name = api_keys.user_name
	AND users.sweeping), 0)`

// The statements on these records.
var (
	// The casts tell PostgreSQL the type of a null.
	updateKeys = prepare(`UPDATE api_keys SET assigned = COALESCE(CAST($2 AS TEXT), assigned),
		metadata = COALESCE(CAST($3 AS TEXT), metadata),
		expires_at = COALESCE(CAST($4 AS BIGINT), expires_at), limited_by = $5, creator = $6, version = $7,
		certificate_identity = COALESCE(CAST($8 AS TEXT), certificate_identity)
		WHERE id ` + among + ` AND invalidated_at = 0 AND ` + notRevoked)
	invalidateKeys = prepare(`UPDATE api_keys SET invalidated_at = $2 WHERE id ` + among + ` AND invalidated_at = 0
		AND ` + notRevoked + ` RETURNING id`)
	touchKeys = prepare(`UPDATE api_keys SET last_used_at = used.at
		FROM (SELECT value ->> 0 AS id, CAST(value ->> 1 AS BIGINT) AS at FROM ` + elements + `) AS used
		WHERE api_keys.id = used.id AND last_used_at < used.at`)
	purgeExpiredKeys = prepare(`DELETE FROM api_keys WHERE id IN
		(SELECT id FROM api_keys WHERE expires_at <> 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)
		RETURNING ` + deletedColumns)
	purgeInvalidatedKeys = prepare(`DELETE FROM api_keys WHERE id IN
		(SELECT id FROM api_keys WHERE invalidated_at <> 0 AND invalidated_at < $1 ORDER BY invalidated_at LIMIT $2)
		RETURNING ` + deletedColumns)
)

// Update changes those keys that exist and are not invalidated.
func (t Keys) Update(ids []string, c KeyChange) error {
	t.tx.changed.keys(ids)
	args := []any{texts(ids), nil, nil, nil, c.LimitedBy, c.Creator, c.Version, nil}
	if c.Assigned != nil {
		args[1] = *c.Assigned
	}
	if c.Metadata != nil {
		args[2] = *c.Metadata
	}
	if c.ExpiresAt != nil {
		args[3] = millis(*c.ExpiresAt)
	}
	if c.CertificateIdentity != nil {
		args[7] = *c.CertificateIdentity
	}
	return t.tx.do(updateKeys, args...)
}

// Invalidate invalidates, at the transaction's time, those keys that exist and are not invalidated yet, and returns
// their ids in order. Of several concurrent transactions that invalidate a key, one gets its id.
func (t Keys) Invalidate(ids []string) ([]string, error) {
	t.tx.changed.keys(ids)
	changed, err := all(t.tx, single[string], invalidateKeys, texts(ids), millis(t.tx.Now))
	return sorted(changed), err
}

// Touch records when keys were last used, by their ids. It never moves a time back.
func (t Keys) Touch(used map[string]time.Time) error {
	uses := make(list[[2]any], 0, len(used))
	for id, at := range used {
		uses = append(uses, [2]any{id, millis(at)})
	}
	return t.tx.do(touchKeys, uses)
}

// Purge removes keys that were invalidated or expired before a time, a bounded number per call, and returns their ids
// in order.
func (t Keys) Purge(before time.Time) ([]string, error) {
	expired, err := t.remove(purgeExpiredKeys, millis(before), sweepMost)
	if err != nil {
		return nil, err
	}
	invalidated, err := t.remove(purgeInvalidatedKeys, millis(before), sweepMost)
	return sorted(append(expired, invalidated...)), err
}

// deletedColumns are what a statement that deletes keys returns.
const deletedColumns = `id, assigned, limited_by, creator`

// remove runs a statement that deletes keys, and returns their ids.
func (t Keys) remove(s statement, args ...any) ([]string, error) {
	var ids []string
	documents := map[string]bool{}
	fields := func(k *APIKey) []any { return []any{&k.ID, &k.Assigned, &k.LimitedBy, &k.Creator} }
	err := each(t.tx, fields, func(k APIKey) {
		ids = append(ids, k.ID)
		for _, id := range k.Documents() {
			documents[id] = true
		}
	}, s, args...)
	if err != nil {
		return nil, err
	}
	return ids, t.tx.Documents.Release(slices.Collect(maps.Keys(documents))...)
}

// Lock keeps other transactions from changing keys until this one ends. A transaction that changes many keys calls it
// first. Otherwise PostgreSQL makes it retry if another transaction changes one of the keys meanwhile, and of
// thousands there is always one with a last use to record.
func (t Keys) Lock() error {
	if t.tx.d.lockKeys == "" {
		return nil
	}
	return t.tx.do(statement{text: t.tx.d.lockKeys})
}
