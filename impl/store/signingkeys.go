package store

import (
	"context"
	"time"
)

// SigningKey is a key that session tokens are signed with.
type SigningKey struct {
	// ID is the tokens' "kid".
	ID string
	// Sealed is the private key, sealed for "signing_keys:ID:seed".
	Sealed    string
	CreatedAt time.Time
	// SignsFrom is when the key replaces its predecessor.
	SignsFrom time.Time
	// VerifiesUntil is when the last token that the key may have signed expires. It is zero until the key has a
	// successor.
	VerifiesUntil time.Time
}

// The statements on these records.
var (
	selectSigningKeys = prepare(`SELECT id, sealed, created_at, signs_from, verifies_until FROM signing_keys
		ORDER BY signs_from DESC, created_at DESC, id`)
	insertSigningKey = prepare(`INSERT INTO signing_keys (id, sealed, created_at, signs_from, verifies_until)
		VALUES ($1, $2, $3, $4, $5)`)
	supersedeSigningKeys = prepare(`UPDATE signing_keys SET verifies_until = $1 WHERE verifies_until = 0`)
	resealSigningKeys    = prepare(`UPDATE signing_keys SET sealed = new.sealed FROM (SELECT value ->> 0 AS id,
		value ->> 1 AS sealed FROM ` + elements + `) AS new
		WHERE signing_keys.id = new.id`)
	deleteSigningKey = prepare(`DELETE FROM signing_keys WHERE id = $1`)
)

// All returns all keys, the newest SignsFrom first.
func (t SigningKeys) All() ([]SigningKey, error) {
	return all(t.tx, signingKeyFields, selectSigningKeys)
}

func signingKeyFields(k *SigningKey) []any {
	return []any{&k.ID, &k.Sealed, (*milliseconds)(&k.CreatedAt), (*milliseconds)(&k.SignsFrom),
		(*milliseconds)(&k.VerifiesUntil)}
}

// ReadyKeys is Ready, and also returns all signing keys and all key-encryption keys. Like Ready it takes no work slot,
// so that a busy server stays ready.
func (s *Store) ReadyKeys(ctx context.Context) (signing []SigningKey, encryption []KeyEncryptionKey, err error) {
	if err := s.Ready(ctx); err != nil {
		return nil, nil, err
	}
	if signing, err = readyRows(ctx, s, signingKeyFields, selectSigningKeys); err != nil {
		return nil, nil, failure(ctx, "read the signing keys", err)
	}
	if encryption, err = readyRows(ctx, s, keyEncryptionKeyFields, selectKeyEncryptionKeys); err != nil {
		return nil, nil, failure(ctx, "read the ids of the key-encryption keys", err)
	}
	return signing, encryption, nil
}

// readyRows returns the records of a query without arguments, on a connection of its own.
func readyRows[T any](ctx context.Context, s *Store, fields func(*T) []any, query statement) (found []T, err error) {
	rows, err := s.reader.QueryContext(ctx, query.text)
	if err == nil {
		err = scan(rows, fields, func(record T) { found = append(found, record) })
	}
	return found, err
}

// Insert adds a key, at the transaction's time.
func (t SigningKeys) Insert(k SigningKey) error {
	return t.tx.do(insertSigningKey, k.ID, k.Sealed, millis(t.tx.Now), millis(k.SignsFrom),
		millis(k.VerifiesUntil))
}

// Supersede makes the keys without an expiry verify until a time.
func (t SigningKeys) Supersede(until time.Time) error {
	return t.tx.do(supersedeSigningKeys, millis(until))
}

// Reseal replaces encrypted values, given in pairs with the keys' ids.
func (t SigningKeys) Reseal(resealed [][2]string) error {
	return t.tx.do(resealSigningKeys, list[[2]string](resealed))
}

// Delete removes a key with its encrypted value.
func (t SigningKeys) Delete(id string) error {
	return t.tx.do(deleteSigningKey, id)
}
