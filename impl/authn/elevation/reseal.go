package elevation

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// resealBatch is the number of devices that Reseal reads at once.
const resealBatch = 1000

// Reseal is ResealAfter for all devices.
func Reseal(tx *store.Tx, from, to *secret.Sealer) (int, error) {
	total := 0
	for name, more := "", true; more; more = name != "" {
		n, last, err := ResealAfter(tx, from, to, name, resealBatch)
		if err != nil {
			return 0, err
		}
		total, name = total+n, last
	}
	return total, nil
}

// ResealAfter re-encrypts the secrets of up to limit devices of the users after a name with the current key of a
// sealer, except for those that are already. It returns the number of re-encrypted ones, and the name to continue
// after; "" after the last. It returns secret.ErrUnsealable if from does not open one.
func ResealAfter(tx *store.Tx, from, to *secret.Sealer, userName string, limit int) (n int, last string, err error) {
	devices, err := tx.TOTPDevices.After(userName, limit)
	if err != nil {
		return 0, "", err
	}

	var resealed [][2]string
	for _, d := range devices {
		sealed, changed, err := to.Reseal(from, d.Sealed, sealContext(d.UserName))
		if err != nil {
			return 0, "", fmt.Errorf("the second factor of %q: %w", d.UserName, err)
		}
		if changed {
			resealed = append(resealed, [2]string{d.UserName, sealed})
		}
	}

	if len(devices) == limit {
		last = devices[limit-1].UserName
	}
	return len(resealed), last, tx.TOTPDevices.Reseal(resealed)
}
