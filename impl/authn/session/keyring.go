package session

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// keyring caches the keys that sign tokens, as of the last load from the store.
type keyring struct {
	store  *store.Store
	sealer *secret.Sealer
	// keys are all keys that verify tokens. The map is read without a lock and is never modified.
	keys atomic.Pointer[privateKeys]
	// published are the public keys of keys.
	published atomic.Pointer[KeySet]

	// loading is held while the store is read, so that an older reading never replaces a newer one.
	loading sync.Mutex
	// loadErr is the error of the last load.
	loadErr error
	// reloadedAt is when a token with an unknown key last caused a load, by the clock now, which is used for nothing
	// else.
	reloadedAt time.Time
	now        func() time.Time
}

// privateKeys are keys by id.
type privateKeys map[string]ed25519.PrivateKey

// reloadInterval is the shortest time between two loads that tokens with unknown keys cause. An unauthenticated caller
// can send tokens with arbitrary key ids.
const reloadInterval = time.Second

// openKeyring loads the signing keys from the store, and creates one if there are none.
func openKeyring(ctx context.Context, st *store.Store, sealer *secret.Sealer) (*keyring, error) {
	k := &keyring{store: st, sealer: sealer, now: time.Now}
	records, err := k.load(ctx)
	if err != nil {
		return k, err
	}
	if len(records) > 0 {
		return k, registerSealer(ctx, st, sealer)
	}

	err = st.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys.All()
		if err == nil && len(records) == 0 {
			_, err = k.create(ctx, tx, tx.Now, nil)
		}
		return err
	})
	if err == nil {
		_, err = k.load(ctx)
	}
	return k, err
}

// registerSealer records the key-encryption key of a server that starts, unless it is recorded already.
func registerSealer(ctx context.Context, st *store.Store, sealer *secret.Sealer) error {
	registered, err := store.Read(ctx, st, func(tx *store.Tx) (bool, error) { return sealing.Check(tx, sealer) })
	if err != nil || registered {
		return err
	}
	return st.Update(ctx, func(tx *store.Tx) error { return sealing.Register(ctx, tx, sealer) })
}

// load caches the keys in the store, and returns their records.
func (k *keyring) load(ctx context.Context) ([]store.SigningKey, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	return k.loadLocked(ctx)
}

func (k *keyring) loadLocked(ctx context.Context) (records []store.SigningKey, err error) {
	defer func() { k.loadErr = err }()
	records, err = store.Read(ctx, k.store, func(tx *store.Tx) ([]store.SigningKey, error) { return tx.SigningKeys.All() })
	if err != nil {
		return nil, err
	}

	// The keys are replaced even if one of them does not open, so that a deleted key no longer verifies.
	keys, opening := k.open(records)
	k.keys.Store(&keys)
	set, err := publish(records, keys)
	if err != nil {
		return records, err
	}
	k.published.Store(set)
	return records, opening
}

// open returns the keys in records. It skips those that cannot be decrypted, and returns an error for each.
func (k *keyring) open(records []store.SigningKey) (privateKeys, error) {
	keys := privateKeys{}
	var problems []error
	for _, record := range records {
		key, err := k.unseal(record)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		keys[record.ID] = key
	}
	return keys, errors.Join(problems...)
}

func (k *keyring) unseal(record store.SigningKey) (ed25519.PrivateKey, error) {
	seed, err := openSeed(k.sealer, record)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func place(keyID string) string { return "signing_keys:" + keyID + ":seed" }

// has reports whether a key is cached.
func (k *keyring) has(id string) bool {
	_, ok := (*k.keys.Load())[id]
	return ok
}

// errUnknownKey means that a token names a key that does not exist.
var errUnknownKey = errors.New("session: the token names no signing key of this server")

// public returns the public key with an id, or errUnknownKey. It reloads an unknown key, which another replica may have
// created.
func (k *keyring) public(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if !k.has(id) {
		if err := k.reload(ctx); err != nil {
			return nil, err
		}
	}
	key, ok := (*k.keys.Load())[id]
	if !ok {
		return nil, errUnknownKey
	}
	return ed25519.PublicKey(key[ed25519.SeedSize:]), nil
}

// reload loads the keys, unless it did so within the last reloadInterval. Concurrent calls share one load.
func (k *keyring) reload(ctx context.Context) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	if k.now().Sub(k.reloadedAt) < reloadInterval {
		return k.loadErr
	}

	// The load serves other callers, too, so it goes on if this one disconnects.
	_, err := k.loadLocked(context.WithoutCancel(ctx))
	k.reloadedAt = k.now()
	return err
}

var errNoSigningKey = errors.New("session: the store has no signing key")

// signer returns the current signing key. It is read from the store each time, because a replaced key must not sign,
// even on a replica that has not reloaded its keys.
func (k *keyring) signer(tx *store.Tx) (store.SigningKey, error) {
	records, err := tx.SigningKeys.All()
	if err != nil {
		return store.SigningKey{}, err
	}

	i := currentKey(records, tx.Now)
	if i < 0 {
		return store.SigningKey{}, errNoSigningKey
	}
	return records[i], nil
}

// currentKey returns the index of the record that signs at a time, given the records in the store's order, newest
// first; -1 if there are none. If no key signs yet, because clocks differ, it is the oldest.
func currentKey(records []store.SigningKey, now time.Time) int {
	for i, record := range records {
		if !record.SignsFrom.After(now) {
			return i
		}
	}
	return len(records) - 1
}

// sign returns a signed token with the claims.
func (k *keyring) sign(record store.SigningKey, claims jwt.Claims) (string, error) {
	key, cached := (*k.keys.Load())[record.ID]
	if !cached {
		var err error
		if key, err = k.unseal(record); err != nil {
			return "", err
		}
	}

	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = record.ID
	return token.SignedString(key)
}
