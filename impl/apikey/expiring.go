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
	return store.Read(ctx, s.store, func(tx *store.Tx) (int, error) { return tx.Keys.CountExpiring(tx.Now.Add(soon)) })
}
