package session

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// CheckSealer returns secret.ErrUnsealable unless a sealer opens the signing keys. What it seals would be lost: the
// key-encryption key was replaced since this server started.
func CheckSealer(tx *store.Tx, sealer *secret.Sealer) error {
	records, err := tx.SigningKeys()
	if err != nil {
		return err
	}
	for _, record := range records {
		if _, err := openSeed(sealer, record); err != nil {
			return err
		}
	}
	return nil
}

// Reseal seals the signing keys anew, and returns how many there are. It returns secret.ErrUnsealable.
func Reseal(tx *store.Tx, from, to *secret.Sealer) (int, error) {
	records, err := tx.SigningKeys()
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
	return len(resealed), tx.ResealSigningKeys(resealed)
}

func openSeed(sealer *secret.Sealer, record store.SigningKey) ([]byte, error) {
	seed, err := sealer.Open(record.Sealed, place(record.ID))
	if err != nil {
		err = fmt.Errorf("the signing key %s: %w; was the key-encryption key replaced?", record.ID, err)
	}
	return seed, err
}
