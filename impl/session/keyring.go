package session

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// keyring signs tokens with the newest key and knows all that tokens may have been signed with.
type keyring struct {
	newest  string
	private map[string]ed25519.PrivateKey
}

// openKeyring reads the signing keys from the store, and makes the first one.
func openKeyring(ctx context.Context, st *store.Store, sealer *secret.Sealer) (*keyring, error) {
	var ring *keyring
	err := st.Update(ctx, func(tx *store.Tx) error {
		records, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		if len(records) == 0 {
			record, err := makeKey(ctx, tx, sealer)
			if err != nil {
				return err
			}
			records = append(records, record)
		}
		ring, err = unseal(records, sealer)
		return err
	})
	return ring, err
}

func makeKey(ctx context.Context, tx *store.Tx, sealer *secret.Sealer) (store.SigningKey, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return store.SigningKey{}, err
	}
	id := secret.Text(9)
	record := store.SigningKey{ID: id, Sealed: sealer.Seal(private.Seed(), place(id))}
	if err := tx.InsertSigningKey(record); err != nil {
		return store.SigningKey{}, err
	}
	return record, audit.Record(ctx, tx, audit.SigningKeyCreated, id, nil)
}

func unseal(records []store.SigningKey, sealer *secret.Sealer) (*keyring, error) {
	ring := &keyring{newest: records[0].ID, private: map[string]ed25519.PrivateKey{}}
	for _, record := range records {
		seed, err := sealer.Open(record.Sealed, place(record.ID))
		if err != nil {
			return nil, fmt.Errorf("the signing key %s: %w; was the key-encryption key replaced?", record.ID, err)
		}
		ring.private[record.ID] = ed25519.NewKeyFromSeed(seed)
	}
	return ring, nil
}

func place(keyID string) string { return "signing_keys:" + keyID + ":seed" }

func (k *keyring) sign(claims jwt.Claims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = k.newest
	return token.SignedString(k.private[k.newest])
}

// public is a jwt.Keyfunc.
func (k *keyring) public(token *jwt.Token) (any, error) {
	id, _ := token.Header["kid"].(string)
	private, ok := k.private[id]
	if !ok {
		return nil, errors.New("session: the token names no signing key of this server")
	}
	return private.Public(), nil
}
