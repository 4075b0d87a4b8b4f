package session

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// keyring knows the keys that tokens are signed with, as they were in the store when it was last loaded.
type keyring struct {
	store  *store.Store
	sealer *secret.Sealer
	// keys are all that verify. Nobody waits to read them, and nobody changes them once they are here.
	keys atomic.Pointer[privateKeys]

	// loading is held while the store is read, so that what was read later replaces what was read before.
	loading sync.Mutex
	// failed is what came of the last load.
	failed error
	// learnt is when tokens with unknown keys last made for a load, by a clock that is used for nothing else.
	learnt time.Time
	now    func() time.Time
}

// privateKeys are keys by their ids.
type privateKeys map[string]ed25519.PrivateKey

// askAgain is how soon tokens with unknown keys make for another load: anybody can name a key that never was.
const askAgain = time.Second

// openKeyring reads the signing keys from the store, and makes the first one.
func openKeyring(ctx context.Context, st *store.Store, sealer *secret.Sealer) (*keyring, error) {
	k := &keyring{store: st, sealer: sealer, now: time.Now}
	records, _, err := k.load(ctx)
	if err != nil || len(records) > 0 {
		return k, err
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		if err == nil && len(records) == 0 {
			_, err = k.create(ctx, tx, tx.Now, nil)
		}
		return err
	})
	if err == nil {
		_, _, err = k.load(ctx)
	}
	return k, err
}

// load takes the keys that the store has, and returns their records and the time of the transaction that read them.
func (k *keyring) load(ctx context.Context) ([]store.SigningKey, time.Time, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	return k.loadLocked(ctx)
}

func (k *keyring) loadLocked(ctx context.Context) (records []store.SigningKey, at time.Time, err error) {
	defer func() { k.failed = err }()
	err = k.store.View(ctx, func(tx *store.Tx) (err error) {
		records, err = tx.SigningKeys()
		at = tx.Now
		return err
	})
	if err != nil {
		return nil, at, err
	}
	keys, err := k.open(records)
	k.keys.Store(&keys) // one that does not open must not keep one alive that was deleted
	return records, at, err
}

// open returns the keys that records hold, but for those that do not open.
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

// knows tells whether a key verifies.
func (k *keyring) knows(id string) bool {
	_, ok := (*k.keys.Load())[id]
	return ok
}

// errUnknownKey means that a token names no key that there is.
var errUnknownKey = errors.New("session: the token names no signing key of this server")

// public returns the key that checks signatures, or errUnknownKey. One that is unknown here may be another replica's that is new.
func (k *keyring) public(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if !k.knows(id) {
		if err := k.learn(ctx); err != nil {
			return nil, err
		}
	}
	key, ok := (*k.keys.Load())[id]
	if !ok {
		return nil, errUnknownKey
	}
	return ed25519.PublicKey(key[ed25519.SeedSize:]), nil
}

// learn loads the keys for all who wait for that, unless it was done a moment ago.
func (k *keyring) learn(ctx context.Context) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	if k.now().Sub(k.learnt) < askAgain {
		return k.failed
	}
	_, _, err := k.loadLocked(context.WithoutCancel(ctx)) // not only for a caller who may go away
	k.learnt = k.now()
	return err
}

var errNoSigningKey = errors.New("session: the store has no signing key")

// signer returns the key whose turn it is. The store is asked each time, because a key that was replaced must not sign, not
// even on a replica that does not know yet.
func (k *keyring) signer(tx *store.Tx) (store.SigningKey, error) {
	records, err := tx.SigningKeys()
	if err != nil {
		return store.SigningKey{}, err
	}
	i := turn(records, tx.Now)
	if i < 0 {
		return store.SigningKey{}, errNoSigningKey
	}
	return records[i], nil
}

// turn returns the index of the key, of those in the store's order, that signs at a time; -1 if there are none. Where the time
// of none has come, because clocks differ, it is the first one's.
func turn(records []store.SigningKey, now time.Time) int {
	for i, record := range records {
		if !record.SignsFrom.After(now) {
			return i
		}
	}
	return len(records) - 1
}

// sign returns a token with claims.
func (k *keyring) sign(record store.SigningKey, claims jwt.Claims) (string, error) {
	key, known := (*k.keys.Load())[record.ID]
	if !known {
		var err error
		if key, err = k.unseal(record); err != nil {
			return "", err
		}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = record.ID
	return token.SignedString(key)
}
