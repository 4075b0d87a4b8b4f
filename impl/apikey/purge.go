package apikey

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
)

// purge removes the keys that nobody needs to see any more. It is done when keys are made, so that there are never many
// more of them than are made in the retention time.
func purge(ctx context.Context, tx *store.Tx) error {
	ids, err := tx.Keys.Purge(tx.Now.Add(-retention))
	if err != nil {
		return err
	}
	return audit.RecordEach(ctx, tx, audit.KeyPurged, ids, nil)
}

// sweeping is how often a process looks for documents that no key refers to: it reads all keys.
const sweeping = time.Hour

// sweep removes, once in a while, the documents that no key refers to any more. It is done after keys were made or
// changed, so that there are never many more of them than come in that time.
func (s *Service) sweep(tx *store.Tx) error {
	last := s.swept.Load()
	if tx.Now.Sub(time.UnixMilli(last)) < sweeping || !s.swept.CompareAndSwap(last, tx.Now.UnixMilli()) {
		return nil // a transaction that comes to nothing has had its turn too: there will be another
	}
	_, err := tx.Documents.Purge()
	return err
}
