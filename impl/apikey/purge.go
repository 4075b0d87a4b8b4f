package apikey

import (
	"context"
	"sync/atomic"
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

const (
	// sweeping is the interval in which a process removes unreferenced documents, and checkingAll the one in which it does
	// however many keys it has to read for that.
	sweeping    = time.Hour
	checkingAll = 24 * time.Hour
)

// sweep removes unreferenced documents in the background, at most once per interval. It is called after keys were
// created or changed, which bounds the number of such documents.
func (s *Service) sweep() {
	now := s.store.Now()
	if !due(&s.swept, now, sweeping) {
		return
	}
	s.sweeps.Go(func() {
		swept, err := s.store.SweepDocuments(s.ctx, due(&s.checked, now, checkingAll))
		if err != nil {
			if s.ctx.Err() == nil {
				s.log.Warn("unreferenced documents not removed", "error", err)
			}
			return
		}
		if swept.Checked > 0 {
			s.checked.Store(now.UnixMilli())
			s.log.Info("unreferenced documents removed", "checked", swept.Checked, "removed", swept.Removed)
		}
	})
}

// due reports whether an interval has passed since a time in milliseconds, and then sets the time.
func due(last *atomic.Int64, now time.Time, interval time.Duration) bool {
	before := last.Load()
	return now.Sub(time.UnixMilli(before)) >= interval && last.CompareAndSwap(before, now.UnixMilli())
}
