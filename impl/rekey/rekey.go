// Package rekey replaces the key-encryption key under a database.
package rekey

import (
	"context"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/elevation"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
)

// Replaced counts what was sealed anew.
type Replaced struct{ SigningKeys, SecondFactors int }

// Replace seals anew all that the store has sealed, in one transaction. It returns secret.ErrUnsealable, and changes nothing, if
// there is anything that the old key does not open.
func Replace(ctx context.Context, st *store.Store, from, to *secret.Sealer) (Replaced, error) {
	var r Replaced
	err := st.Update(ctx, func(tx *store.Tx) (err error) {
		if r.SigningKeys, err = session.Reseal(tx, from, to); err != nil {
			return err
		}
		if r.SecondFactors, err = elevation.Reseal(tx, from, to); err != nil {
			return err
		}
		details := audit.Details{"signing_keys": r.SigningKeys, "second_factors": r.SecondFactors}
		return audit.Record(ctx, tx, audit.KeyEncryptionKeyReplaced, "", details)
	})
	return r, err
}

// Check returns secret.ErrUnsealable unless a sealer has the key that the store's secrets are sealed with.
func Check(ctx context.Context, st *store.Store, sealer *secret.Sealer) error {
	return st.View(ctx, func(tx *store.Tx) error { return session.CheckSealer(tx, sealer) })
}
