package audit

import (
	"context"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/store"
)

// MinRetention is the shortest retention.
const MinRetention = 24 * time.Hour

// removalInterval is the interval in which each replica looks for entries that are older than the retention.
const removalInterval = time.Hour

// pause is the pause after each transaction of a removal, for other users of the database.
const pause = 20 * time.Millisecond

// Retain starts to remove entries that are older than the retention, in the background. It returns nil, which can be
// closed, if the retention is zero: then entries are never removed.
func Retain(st *store.Store, retention time.Duration, log *slog.Logger) *background.Loop {
	if retention == 0 {
		return nil
	}
	return background.Start(removalInterval, func(ctx context.Context) {
		removed, err := RemoveOld(ctx, st, retention)
		if removed > 0 {
			log.InfoContext(ctx, "old entries of the audit trail removed", "entries", removed)
		}
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "removal of old entries of the audit trail failed; retrying", "error", err)
		}
	})
}

// RemoveOld removes all entries that are older than the retention, and returns how many. Each transaction removes a
// bounded number, and records it in the audit trail.
func RemoveOld(ctx context.Context, st *store.Store, retention time.Duration) (total int, err error) {
	for {
		removed, err := store.Write(ctx, st, func(tx *store.Tx) (int, error) {
			before := tx.Now.Add(-retention)
			removed, err := tx.Audit.RemoveBefore(before)
			if err != nil || removed == 0 {
				return 0, err
			}
			details := Details{"entries": removed, "before": before.Format(time.RFC3339Nano)}
			return removed, Record(ctx, tx, EntriesRemoved, "", details)
		})
		total += removed
		if err != nil || removed == 0 {
			return total, err
		}
		if !background.Pause(ctx, pause) {
			return total, ctx.Err()
		}
	}
}
