package store

import "time"

// SigningKey is a key that session tokens are signed with.
type SigningKey struct {
	// ID is the tokens' "kid".
	ID string
	// Sealed is the private key, sealed for "signing_keys:ID:seed".
	Sealed    string
	CreatedAt time.Time
}

// The statements on these records.
var (
	selectSigningKeys = prepare(`SELECT id, sealed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	insertSigningKey  = prepare(`INSERT INTO signing_keys (id, sealed, created_at) VALUES ($1, $2, $3)`)
)

// SigningKeys returns all keys, newest first.
func (tx *Tx) SigningKeys() ([]SigningKey, error) {
	return all(tx, func(row scanner) (k SigningKey, err error) {
		var created int64
		err = row.Scan(&k.ID, &k.Sealed, &created)
		k.CreatedAt = at(created)
		return k, err
	}, selectSigningKeys)
}

// InsertSigningKey adds a key, at the transaction's time.
func (tx *Tx) InsertSigningKey(k SigningKey) error {
	_, err := tx.exec(insertSigningKey, k.ID, k.Sealed, millis(tx.Now))
	return err
}
