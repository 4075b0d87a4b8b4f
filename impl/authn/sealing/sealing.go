// Package sealing records which key-encryption keys the values in a store are encrypted with, so that a server with
// the wrong key neither starts nor encrypts, and a rotation can tell when the old key is no longer needed.
package sealing

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// UnknownKeyError says that values are encrypted with a key that the sealer does not have. It is a
// secret.ErrUnsealable.
type UnknownKeyError struct{ KeyID string }

// Error implements error.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("sealing: values are encrypted with the key-encryption key %s, which this server does not have",
		e.KeyID)
}

// Unwrap returns secret.ErrUnsealable.
func (e *UnknownKeyError) Unwrap() error { return secret.ErrUnsealable }

// Check returns an *UnknownKeyError if values may be encrypted with a key that the sealer does not have. It reports
// whether the sealer's current key is recorded.
func Check(tx *store.Tx, sealer *secret.Sealer) (registered bool, err error) {
	keys, err := tx.KeyEncryptionKeys.All()
	if err != nil {
		return false, err
	}
	return current(keys, sealer) != nil, CheckKeys(keys, sealer)
}

// CheckKeys is Check for records that were read already.
func CheckKeys(keys []store.KeyEncryptionKey, sealer *secret.Sealer) error {
	for _, key := range keys {
		if !sealer.Knows(key.ID) {
			return &UnknownKeyError{key.ID}
		}
	}
	return nil
}

// Register records that a value is encrypted with the sealer's current key, in the transaction that stores the value.
// It returns an *UnknownKeyError as Check does.
func Register(ctx context.Context, tx *store.Tx, sealer *secret.Sealer) error {
	keys, err := tx.KeyEncryptionKeys.All()
	if err != nil {
		return err
	}
	if err := CheckKeys(keys, sealer); err != nil {
		return err
	}

	switch key := current(keys, sealer); {
	case key == nil:
		return add(ctx, tx, sealer.KeyID(), len(keys) == 0)
	case key.Retiring:
		// The rotation in progress may have passed by where this value is stored.
		return tx.KeyEncryptionKeys.SetRetiring(key.ID, false)
	}
	return nil
}

// add records a key. The first one of a database is not in the audit trail: it changes nothing.
func add(ctx context.Context, tx *store.Tx, id string, isFirst bool) error {
	if err := tx.KeyEncryptionKeys.Insert(id); err != nil || isFirst {
		return err
	}
	return audit.Record(ctx, tx, audit.KeyEncryptionKeyAdded, id, nil)
}

// current returns the record of the sealer's current key; nil if there is none.
func current(keys []store.KeyEncryptionKey, sealer *secret.Sealer) *store.KeyEncryptionKey {
	i := slices.IndexFunc(keys, func(k store.KeyEncryptionKey) bool { return k.ID == sealer.KeyID() })
	if i < 0 {
		return nil
	}
	return &keys[i]
}

// Retire marks all keys but the sealer's current one, before their values are re-encrypted.
func Retire(ctx context.Context, tx *store.Tx, sealer *secret.Sealer) error {
	if err := Register(ctx, tx, sealer); err != nil {
		return err
	}
	keys, err := tx.KeyEncryptionKeys.All()
	if err != nil {
		return err
	}

	for _, key := range keys {
		if key.ID == sealer.KeyID() || key.Retiring {
			continue
		}
		if err := tx.KeyEncryptionKeys.SetRetiring(key.ID, true); err != nil {
			return err
		}
		details := audit.Details{"replaced_by": sealer.KeyID()}
		if err := audit.Record(ctx, tx, audit.KeyEncryptionKeyRetired, key.ID, details); err != nil {
			return err
		}
	}
	return nil
}

// Dropped is the result of Drop.
type Dropped struct {
	// Keys are the ids of the removed keys.
	Keys []string
	// Used is the id of a key that a server has encrypted with since Retire; no key was removed then.
	Used string
}

// Drop removes the keys that Retire marked, after their values were re-encrypted.
func Drop(tx *store.Tx, sealer *secret.Sealer) (Dropped, error) {
	keys, err := tx.KeyEncryptionKeys.All()
	if err != nil {
		return Dropped{}, err
	}
	if err := CheckKeys(keys, sealer); err != nil {
		return Dropped{}, err
	}

	var d Dropped
	for _, key := range keys {
		switch {
		case key.ID == sealer.KeyID():
		case !key.Retiring:
			return Dropped{Used: key.ID}, nil
		default:
			d.Keys = append(d.Keys, key.ID)
		}
	}
	for _, id := range d.Keys {
		if err := tx.KeyEncryptionKeys.Delete(id); err != nil {
			return Dropped{}, err
		}
	}
	return d, nil
}

// Replace records that all values are encrypted with the current key of a sealer, and with no other.
func Replace(tx *store.Tx, sealer *secret.Sealer) error {
	keys, err := tx.KeyEncryptionKeys.All()
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := tx.KeyEncryptionKeys.Delete(key.ID); err != nil {
			return err
		}
	}
	return tx.KeyEncryptionKeys.Insert(sealer.KeyID())
}
