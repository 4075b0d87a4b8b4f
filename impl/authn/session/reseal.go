package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// RegisterSealer must be called in each transaction that stores a value of the sealer. It returns secret.ErrUnsealable
// as CheckSealer does: other servers may not have the sealer's key then.
func RegisterSealer(ctx context.Context, tx *store.Tx, sealer *secret.Sealer) error {
	if err := CheckSealer(tx, sealer); err != nil {
		return err
	}
	return sealing.Register(ctx, tx, sealer)
}

// CheckSealer returns secret.ErrUnsealable unless the sealer opens the signing keys and has all keys that values in the
// store are encrypted with. If not, the key-encryption key was replaced after this server started.
func CheckSealer(tx *store.Tx, sealer *secret.Sealer) error {
	records, err := tx.SigningKeys.All()
	if err != nil {
		return err
	}
	if err := checkSealer(records, sealer); err != nil {
		return err
	}
	_, err = sealing.Check(tx, sealer)
	return err
}

func checkSealer(records []store.SigningKey, sealer *secret.Sealer) error {
	for _, record := range records {
		if _, err := openSeed(sealer, record); err != nil {
			return err
		}
	}
	return nil
}

// Ready returns an error unless the store is ready and this server's key-encryption key opens the signing keys. Without
// them it can neither sign tokens nor verify those of other servers.
func (s *Service) Ready(ctx context.Context) error {
	records, encryption, err := s.store.ReadyKeys(ctx)
	if err != nil || s.keys == nil {
		return err
	}
	if len(records) == 0 {
		return errNoSigningKey
	}
	return errors.Join(checkSealer(records, s.keys.sealer), sealing.CheckKeys(encryption, s.keys.sealer))
}

// Reseal re-encrypts the signing keys with the current key of a sealer, except for those that are already, and returns
// the number of re-encrypted ones. It returns secret.ErrUnsealable if from does not open one.
func Reseal(tx *store.Tx, from, to *secret.Sealer) (int, error) {
	records, err := tx.SigningKeys.All()
	if err != nil {
		return 0, err
	}
	var resealed [][2]string
	for _, record := range records {
		sealed, changed, err := to.Reseal(from, record.Sealed, place(record.ID))
		if err != nil {
			return 0, unsealable(record, err)
		}
		if changed {
			resealed = append(resealed, [2]string{record.ID, sealed})
		}
	}
	return len(resealed), tx.SigningKeys.Reseal(resealed)
}

func openSeed(sealer *secret.Sealer, record store.SigningKey) ([]byte, error) {
	seed, err := sealer.Open(record.Sealed, place(record.ID))
	if err != nil {
		err = unsealable(record, err)
	}
	return seed, err
}

func unsealable(record store.SigningKey, err error) error {
	return fmt.Errorf("the signing key %s: %w; was the key-encryption key replaced?", record.ID, err)
}
