// Package rekey replaces the key-encryption key of a database, while its servers run or while they are stopped.
package rekey

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Replaced holds the numbers of re-encrypted records.
type Replaced struct{ SigningKeys, SecondFactors int }

func (r Replaced) details() audit.Details {
	return audit.Details{"signing_keys": r.SigningKeys, "second_factors": r.SecondFactors}
}

// Replace re-encrypts all sealed values of the store in one transaction. It returns secret.ErrUnsealable, and changes
// nothing, if the old key does not open one of them. No server may run.
func Replace(ctx context.Context, st *store.Store, from, to *secret.Sealer) (Replaced, error) {
	return store.Write(ctx, st, func(tx *store.Tx) (r Replaced, err error) {
		if r.SigningKeys, err = session.Reseal(tx, from, to); err != nil {
			return r, err
		}

		if r.SecondFactors, err = elevation.Reseal(tx, from, to); err != nil {
			return r, err
		}

		if err := sealing.Replace(tx, to); err != nil {
			return r, err
		}
		return r, audit.Record(ctx, tx, audit.KeyEncryptionKeyReplaced, to.KeyID(), r.details())
	})
}

// batch is the number of second factors in a transaction, which conflicts with the use of each of them.
const batch = 100

// maxPasses is how often Reencrypt begins again.
const maxPasses = 3

// InUseError says that a server still encrypts with a key that is to be dropped.
type InUseError struct{ KeyID string }

// Error implements error.
func (e *InUseError) Error() string {
	return fmt.Sprintf("a server still encrypts with the key %s: restart it with the new key, and run this again", e.KeyID)
}

// Reencrypt re-encrypts with the sealer's current key what is encrypted with its fallbacks, while servers that have all
// these keys run. It works in short transactions, and can be repeated after an error: it skips what is done. It returns
// what it re-encrypted and the ids of the keys that are no longer needed, and calls report with the number so far.
//
// A server that encrypts with another key unmarks that key as retiring, in the transaction that stores the value.
// So a key that is still marked after all values were read is not needed by any value. It returns an *InUseError for
// a key that does not stay marked, and secret.ErrUnsealable for a value that none of the keys opens.
func Reencrypt(
	ctx context.Context, st *store.Store, sealer *secret.Sealer, report func(Replaced),
) (total Replaced, dropped []string, err error) {
	for pass := 1; ; pass++ {
		if err := st.Update(ctx, func(tx *store.Tx) error { return sealing.Retire(ctx, tx, sealer) }); err != nil {
			return total, nil, err
		}
		if err := total.reencrypt(ctx, st, sealer, report); err != nil {
			return total, nil, err
		}

		d, err := drop(ctx, st, sealer, total)
		switch {
		case err != nil || d.Used == "":
			return total, d.Keys, err
		case pass == maxPasses:
			return total, nil, &InUseError{d.Used}
		}
	}
}

// reencrypt is one pass over all values.
func (r *Replaced) reencrypt(ctx context.Context, st *store.Store, sealer *secret.Sealer, report func(Replaced)) error {
	// The signing keys are first: then a server of an earlier version, which has one key, encrypts nothing any more.
	n, err := store.Write(ctx, st, func(tx *store.Tx) (int, error) { return session.Reseal(tx, sealer, sealer) })
	if err != nil {
		return err
	}
	r.SigningKeys += n
	report(*r)

	type progress struct {
		n    int
		last string
	}
	for name, more := "", true; more; more = name != "" {
		done, err := store.Write(ctx, st, func(tx *store.Tx) (p progress, err error) {
			p.n, p.last, err = elevation.ResealAfter(tx, sealer, sealer, name, batch)
			return p, err
		})
		if err != nil {
			return err
		}
		name = done.last
		r.SecondFactors += done.n
		report(*r)
	}
	return nil
}

// drop removes the keys that no value needs, and records that.
func drop(ctx context.Context, st *store.Store, sealer *secret.Sealer, total Replaced) (sealing.Dropped, error) {
	return store.Write(ctx, st, func(tx *store.Tx) (sealing.Dropped, error) {
		d, err := sealing.Drop(tx, sealer)
		if err != nil || len(d.Keys) == 0 {
			return d, err
		}
		details := total.details()
		details["replaced"] = d.Keys
		return d, audit.Record(ctx, tx, audit.KeyEncryptionKeyReplaced, sealer.KeyID(), details)
	})
}

// Check returns secret.ErrUnsealable unless the sealer has the key-encryption keys of the store.
func Check(ctx context.Context, st *store.Store, sealer *secret.Sealer) error {
	return st.View(ctx, func(tx *store.Tx) error { return session.CheckSealer(tx, sealer) })
}
