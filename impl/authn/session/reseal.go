package session

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// CheckSealer returns secret.ErrUnsealable unless the sealer opens the signing keys. If it does not, the key-encryption
// key was replaced after this server started, and values that the sealer seals could not be opened again.
func CheckSealer(tx *store.Tx, sealer *secret.Sealer) error {
	records, err := tx.SigningKeys.All()
	if err != nil {
		return err
	}
	return checkSealer(records, sealer)
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
	records, err := s.store.ReadySigningKeys(ctx)
	if err != nil || s.keys == nil {
		return err
	}
	if len(records) == 0 {
		return errNoSigningKey
	}
	return checkSealer(records, s.keys.sealer)
}

// Reseal re-encrypts the signing keys and returns their number. It returns secret.ErrUnsealable if from does not open
// one.
func Reseal(tx *store.Tx, from, to *secret.Sealer) (int, error) {
	records, err := tx.SigningKeys.All()
	if err != nil {
		return 0, err
	}
	var resealed [][2]string
	for _, record := range records {
		seed, err := openSeed(from, record)
		if err != nil {
			return 0, err
		}
		resealed = append(resealed, [2]string{record.ID, to.Seal(seed, place(record.ID))})
	}
	return len(resealed), tx.SigningKeys.Reseal(resealed)
}

func openSeed(sealer *secret.Sealer, record store.SigningKey) ([]byte, error) {
	seed, err := sealer.Open(record.Sealed, place(record.ID))
	if err != nil {
		err = fmt.Errorf("the signing key %s: %w; was the key-encryption key replaced?", record.ID, err)
	}
	return seed, err
}
