package elevation

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Reseal re-encrypts the secrets of all devices, and returns the number of devices. It returns secret.ErrUnsealable if
// one cannot be decrypted.
func Reseal(tx *store.Tx, from, to *secret.Sealer) (int, error) {
	devices, err := tx.TOTPDevices.All()
	if err != nil {
		return 0, err
	}

	var resealed [][2]string
	for _, d := range devices {
		key, err := from.Open(d.Sealed, sealContext(d.UserName))
		if err != nil {
			return 0, fmt.Errorf("the second factor of %q: %w", d.UserName, err)
		}
		resealed = append(resealed, [2]string{d.UserName, to.Seal(key, sealContext(d.UserName))})
	}

	return len(resealed), tx.TOTPDevices.Reseal(resealed)
}
