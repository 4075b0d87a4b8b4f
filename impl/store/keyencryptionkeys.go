package store

import "time"

// KeyEncryptionKey is a key that values in this store may be encrypted with. The key itself is not in the store.
type KeyEncryptionKey struct {
	// ID is secret.KeyID of the key.
	ID        string
	CreatedAt time.Time
	// Retiring is set when a rotation begins to re-encrypt values, and unset when a server encrypts a value with the
	// key.
	Retiring bool
}

// The statements on these records.
var (
	selectKeyEncryptionKeys = prepare(`SELECT id, created_at, retiring FROM key_encryption_keys
		ORDER BY created_at, id`)
	insertKeyEncryptionKey = prepare(`INSERT INTO key_encryption_keys (id, created_at) VALUES ($1, $2)
		ON CONFLICT (id) DO NOTHING`)
	retireKeyEncryptionKey = prepare(`UPDATE key_encryption_keys SET retiring = $2 WHERE id = $1`)
	deleteKeyEncryptionKey = prepare(`DELETE FROM key_encryption_keys WHERE id = $1`)
)

// All returns all keys, the oldest first.
func (t KeyEncryptionKeys) All() ([]KeyEncryptionKey, error) {
	return all(t.tx, keyEncryptionKeyFields, selectKeyEncryptionKeys)
}

func keyEncryptionKeyFields(k *KeyEncryptionKey) []any {
	return []any{&k.ID, (*milliseconds)(&k.CreatedAt), &k.Retiring}
}

// Insert adds a key, at the transaction's time, unless it is there.
func (t KeyEncryptionKeys) Insert(id string) error {
	return t.tx.do(insertKeyEncryptionKey, id, millis(t.tx.Now))
}

// SetRetiring sets or unsets KeyEncryptionKey.Retiring.
func (t KeyEncryptionKeys) SetRetiring(id string, retiring bool) error {
	return t.tx.do(retireKeyEncryptionKey, id, retiring)
}

// Delete removes a key.
func (t KeyEncryptionKeys) Delete(id string) error {
	return t.tx.do(deleteKeyEncryptionKey, id)
}
