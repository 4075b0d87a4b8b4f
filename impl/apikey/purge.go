package apikey

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/store"
)

// purge deletes keys after their retention. It runs at each creation, so that their number stays close to that of
// the keys created during the retention.
func purge(ctx context.Context, tx *store.Tx) error {
	ids, err := tx.Keys.Purge(tx.Now.Add(-retention))
	if err != nil {
		return err
	}
	return audit.RecordEach(ctx, tx, audit.KeyPurged, ids, nil)
}

// sweeping is the interval in which a process looks for unreferenced documents, which reads all keys.
const sweeping = time.Hour

// sweep deletes unreferenced documents, at most once per interval. It runs after keys were created or changed, which
// bounds the number of such documents.
func (s *Service) sweep(tx *store.Tx) error {
	last := s.swept.Load()
	if tx.Now.Sub(time.UnixMilli(last)) < sweeping || !s.swept.CompareAndSwap(last, tx.Now.UnixMilli()) {
		return nil // a transaction that is rolled back counts too: another one follows
	}
	_, err := tx.Documents.Purge()
	return err
}
