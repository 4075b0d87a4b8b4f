package apikey

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// soon is how long before its end a key counts as one that expires soon: time enough to replace it.
const soon = 7 * 24 * time.Hour

// Expiring counts the keys that work now and expire within a week.
func (s *Service) Expiring(ctx context.Context) (count int, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		count, err = tx.KeysExpiring(tx.Now.Add(soon))
		return err
	})
	return count, err
}
