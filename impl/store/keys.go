package store

import "time"

// APIKey is a long-lived credential of a user.
type APIKey struct {
	ID          string
	UserName    string
	Description string
	// SecretDigest is secret.Digest of the key's secret part.
	SecretDigest string
	CreatedAt    time.Time
	// ExpiresAt is zero for a key that never expires.
	ExpiresAt time.Time
}

const keyColumns = `api_keys.id, api_keys.user_name, api_keys.description, api_keys.secret_digest, api_keys.created_at, api_keys.expires_at`

func keyFields(k *APIKey) ([]any, func()) {
	var created, expires int64
	return []any{&k.ID, &k.UserName, &k.Description, &k.SecretDigest, &created, &expires}, func() {
		k.CreatedAt, k.ExpiresAt = at(created), at(expires)
	}
}

func scanKey(row scanner) (APIKey, error) {
	var k APIKey
	fields, finish := keyFields(&k)
	err := row.Scan(fields...)
	finish()
	return k, err
}

// The statements on these records.
var (
	insertAPIKey          = prepare(`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`)
	selectAPIKey          = prepare(`SELECT ` + keyColumns + ` FROM api_keys WHERE id = $1 AND user_name = $2`)
	selectAPIKeyWithOwner = prepare(`SELECT ` + keyColumns + `, ` + userColumns + ` FROM api_keys JOIN users ON users.name = api_keys.user_name WHERE api_keys.id = $1`)
	selectAPIKeys         = prepare(`SELECT ` + keyColumns + ` FROM api_keys WHERE user_name = $1 ORDER BY created_at, id`)
	selectAllAPIKeys      = prepare(`SELECT ` + keyColumns + ` FROM api_keys ORDER BY created_at, id`)
	deleteAPIKey          = prepare(`DELETE FROM api_keys WHERE id = $1 AND user_name = $2`)
)

// InsertAPIKey adds a key, at the transaction's time, or returns ErrExists.
func (tx *Tx) InsertAPIKey(k APIKey) error {
	_, err := tx.exec(insertAPIKey,
		k.ID, k.UserName, k.Description, k.SecretDigest, millis(tx.Now), millis(k.ExpiresAt))
	return err
}

// APIKey returns a user's key, or ErrNotFound.
func (tx *Tx) APIKey(userName, id string) (APIKey, error) {
	return one(tx, scanKey, selectAPIKey, id, userName)
}

// APIKeyWithOwner returns a key and its owner, or ErrNotFound.
func (tx *Tx) APIKeyWithOwner(id string) (APIKey, User, error) {
	var k APIKey
	u, err := one(tx, func(row scanner) (u User, err error) {
		key, finishKey := keyFields(&k)
		owner, finishUser := userFields(&u)
		err = row.Scan(append(key, owner...)...)
		finishKey()
		finishUser()
		return u, err
	}, selectAPIKeyWithOwner, id)
	return k, u, err
}

// APIKeys returns a user's keys, oldest first.
func (tx *Tx) APIKeys(userName string) ([]APIKey, error) {
	return all(tx, scanKey, selectAPIKeys, userName)
}

// AllAPIKeys returns everybody's keys, oldest first.
func (tx *Tx) AllAPIKeys() ([]APIKey, error) {
	return all(tx, scanKey, selectAllAPIKeys)
}

// DeleteAPIKey removes a user's key and tells whether there was one.
func (tx *Tx) DeleteAPIKey(userName, id string) (bool, error) {
	n, err := tx.exec(deleteAPIKey, id, userName)
	return n > 0, err
}
