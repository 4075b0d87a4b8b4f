package apikey

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// soon is the time before its expiration from which on a key counts as expiring soon: enough to replace it.
const soon = 7 * 24 * time.Hour

// Expiring counts the valid keys that expire within a week.
func (s *Service) Expiring(ctx context.Context) (count int, err error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (int, error) { return tx.Keys.CountExpiring(tx.Now.Add(soon)) })
}
