package store

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/store/condition"
)

// APIKey is a long-lived credential of a user.
type APIKey struct {
	ID          string
	UserName    string
	Description string
	// SecretDigest is secret.Digest of the key's secret part.
	SecretDigest string
	CreatedAt    time.Time
	// ExpiresAt is zero for a key that never expires, InvalidatedAt for one that is not invalidated, and LastUsedAt
	// for one without a recorded use.
	ExpiresAt     time.Time
	InvalidatedAt time.Time
	LastUsedAt    time.Time
	// Assigned is the document with the key's own role descriptors; empty for a key that has what its owner has.
	Assigned string
	// LimitedBy is the document with the owner's role descriptors, and Creator the one with the owner, as they were
	// when the key was made or changed last; both are empty for a key from before they were kept.
	LimitedBy string
	Creator   string
	// Metadata is a JSON object, or empty if none was given.
	Metadata string
	// Version is the form of what the documents and the metadata hold.
	Version int
	// Type is condition.Rest or condition.CrossCluster; Insert takes an empty one for the former.
	Type string
	// CertificateIdentity is empty for a key without one.
	CertificateIdentity string
}

// Documents returns the ids of the documents that the key refers to.
func (k APIKey) Documents() []string {
	return slices.DeleteFunc([]string{k.Assigned, k.LimitedBy, k.Creator}, func(id string) bool { return id == "" })
}

// sweepingOwners begins a statement that reads keys from keySource. Both databases read its few rows once, most of
// the time none, in place of the owner's row for each key.
const sweepingOwners = `WITH owner AS MATERIALIZED (SELECT name, key_epoch, keys_revoked_at, first_key_epoch
	FROM users WHERE sweeping) `

// keySource is all keys, each with its owner if rows of the owner wait for the sweep. A condition can follow.
const keySource = ` FROM api_keys LEFT JOIN owner ON owner.name = api_keys.user_name
	WHERE api_keys.epoch >= COALESCE(owner.first_key_epoch, 0)`

// invalidatedColumn shows a key of an earlier epoch than its owner's as invalidated when the owner's epoch was
// incremented.
const invalidatedColumn = `CASE WHEN api_keys.invalidated_at = 0 AND api_keys.epoch < owner.key_epoch
	THEN owner.keys_revoked_at ELSE api_keys.invalidated_at END`

// keyColumns are the columns of keySource.
const keyColumns = `api_keys.id, api_keys.user_name, api_keys.description, api_keys.secret_digest,
	api_keys.created_at, api_keys.expires_at, ` + invalidatedColumn + `, api_keys.last_used_at,
	api_keys.assigned, api_keys.limited_by, api_keys.creator, api_keys.metadata, api_keys.version,
	api_keys.type, api_keys.certificate_identity`

// keyFields returns the destinations for keyColumns.
func keyFields(k *APIKey) []any {
	return []any{&k.ID, &k.UserName, &k.Description, &k.SecretDigest, (*milliseconds)(&k.CreatedAt),
		(*milliseconds)(&k.ExpiresAt), (*milliseconds)(&k.InvalidatedAt), (*milliseconds)(&k.LastUsedAt),
		&k.Assigned, &k.LimitedBy, &k.Creator, &k.Metadata, &k.Version, &k.Type, &k.CertificateIdentity}
}

// The statements on these records.
var (
	insertAPIKey = prepare(`INSERT INTO api_keys (id, user_name, description, secret_digest, created_at, expires_at,
		assigned, limited_by, creator, metadata, version, type, certificate_identity)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
	selectAPIKey = prepare(sweepingOwners + `SELECT ` + keyColumns + keySource + ` AND api_keys.id = $1
		AND api_keys.user_name = $2`)
	selectAPIKeyByID      = prepare(sweepingOwners + `SELECT ` + keyColumns + keySource + ` AND api_keys.id = $1`)
	selectAPIKeyWithOwner = prepare(`SELECT ` + strings.ReplaceAll(keyColumns, `owner.`, `users.`) + `, ` +
		userColumns + `
		FROM api_keys JOIN users ON users.name = api_keys.user_name
		WHERE api_keys.id = $1 AND api_keys.epoch >= users.first_key_epoch AND NOT users.deleted`)
	selectKeysByIDs = prepare(sweepingOwners + `SELECT ` + keyColumns + keySource + ` AND api_keys.id ` + among)
	// The metadata of other users' keys is not read: a caller chooses the ids.
	selectKeysToChange = prepare(sweepingOwners + `SELECT api_keys.id, api_keys.user_name, api_keys.created_at,
		api_keys.expires_at, ` + invalidatedColumn + `, api_keys.assigned, api_keys.limited_by, api_keys.creator,
		CASE WHEN api_keys.user_name = $2 THEN api_keys.metadata ELSE '' END, api_keys.version, api_keys.type,
		api_keys.certificate_identity` + keySource +
		` AND api_keys.id ` + among)
)

// Insert adds a key, at the transaction's time, that was neither invalidated nor used, or returns ErrExists.
func (t Keys) Insert(k APIKey) error {
	return t.tx.do(insertAPIKey,
		k.ID, k.UserName, k.Description, k.SecretDigest, millis(t.tx.Now), millis(k.ExpiresAt), k.Assigned,
		k.LimitedBy, k.Creator, k.Metadata, k.Version, cmp.Or(k.Type, condition.Rest), k.CertificateIdentity)
}

// FindOwned returns a user's key, invalidated or not, or ErrNotFound.
func (t Keys) FindOwned(userName, id string) (APIKey, error) {
	return one(t.tx, keyFields, selectAPIKey, id, userName)
}

// Find returns a key, invalidated or not, or ErrNotFound.
func (t Keys) Find(id string) (APIKey, error) {
	return one(t.tx, keyFields, selectAPIKeyByID, id)
}

// ByIDs returns those of the keys that exist, by their ids, invalidated ones too.
func (t Keys) ByIDs(ids []string) (map[string]APIKey, error) {
	keys := map[string]APIKey{}
	err := each(t.tx, keyFields, func(key APIKey) { keys[key.ID] = key }, selectKeysByIDs, texts(ids))
	return keys, err
}

// Owned returns those of the keys that are a user's, by their ids, invalidated or not. Their descriptions, digests and
// last uses are left out.
func (t Keys) Owned(userName string, ids []string) (map[string]APIKey, error) {
	keys := make(map[string]APIKey, len(ids))
	columns := func(k *APIKey) []any {
		return []any{&k.ID, &k.UserName, (*milliseconds)(&k.CreatedAt), (*milliseconds)(&k.ExpiresAt),
			(*milliseconds)(&k.InvalidatedAt), &k.Assigned, &k.LimitedBy, &k.Creator, &k.Metadata, &k.Version,
			&k.Type, &k.CertificateIdentity}
	}
	err := each(t.tx, columns, func(key APIKey) {
		if key.UserName == userName {
			keys[key.ID] = key
		}
	}, selectKeysToChange, texts(ids), userName)
	return keys, err
}

// FindWithOwner returns a key, invalidated or not, and its owner, or ErrNotFound. Cached results are invalidated,
// except by the time when the key was used or the user signed in.
func (t Keys) FindWithOwner(id string) (APIKey, User, error) {
	var k APIKey
	u, err := one(t.tx, func(u *User) []any { return append(keyFields(&k), userFields(u)...) },
		selectAPIKeyWithOwner, id)
	t.tx.read.add(keyTag(k.ID), userTag(u.Name))
	return k, u, err
}
