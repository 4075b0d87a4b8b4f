// Package rekey replaces the key-encryption key of a database.
package rekey

import (
	"context"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Replaced holds the numbers of re-encrypted records.
type Replaced struct{ SigningKeys, SecondFactors int }

// Replace re-encrypts all sealed values of the store in one transaction. It returns secret.ErrUnsealable, and changes
// nothing, if the old key does not open one of them.
func Replace(ctx context.Context, st *store.Store, from, to *secret.Sealer) (Replaced, error) {
	return store.Write(ctx, st, func(tx *store.Tx) (r Replaced, err error) {
		if r.SigningKeys, err = session.Reseal(tx, from, to); err != nil {
			return r, err
		}

		if r.SecondFactors, err = elevation.Reseal(tx, from, to); err != nil {
			return r, err
		}

		details := audit.Details{"signing_keys": r.SigningKeys, "second_factors": r.SecondFactors}
		return r, audit.Record(ctx, tx, audit.KeyEncryptionKeyReplaced, "", details)
	})
}

// Check returns secret.ErrUnsealable unless the sealer has the key-encryption key of the store.
func Check(ctx context.Context, st *store.Store, sealer *secret.Sealer) error {
	return st.View(ctx, func(tx *store.Tx) error { return session.CheckSealer(tx, sealer) })
}
