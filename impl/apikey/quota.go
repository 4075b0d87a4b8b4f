package apikey

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// These decide when a user's keys are counted. Counting 100,000 keys takes milliseconds, so far below the limit it is
// not done at each creation: a process creates up to 1/replicasMost of the margin, and then counts again. Up to
// replicasMost replicas cannot exceed the limit together, because within the margin each creation counts in its
// transaction.
const (
	// marginShare determines the margin, the last part of the limit, within which each creation counts. It is the whole
	// limit up to alwaysCounted.
	marginShare   = 10
	alwaysCounted = 1000
	replicasMost  = 16
	// estimateLife is the time for which a count is used. Within it, other replicas create far fewer keys than the
	// margin.
	estimateLife = 10 * time.Second
	// maxEstimates bounds the memory that estimates take.
	maxEstimates = 4096
)

// quota bounds the number of a user's valid keys. It is safe for concurrent use.
type quota struct {
	store *store.Store
	// most is zero for no limit.
	most      int
	estimates *lru.Cache[string, *estimate]
}

// estimate records that a user was far below the limit.
type estimate struct {
	at time.Time
	// left is the number of keys that this process creates before it counts again.
	left atomic.Int64
}

func newQuota(st *store.Store, most int) quota {
	estimates, _ := lru.New[string, *estimate](maxEstimates) // this fails for a size that is not positive only
	return quota{st, most, estimates}
}

// near reports whether a user may be so near the limit that the creation's transaction must call check. It must not be
// called in a transaction.
func (q quota) near(ctx context.Context, userName string) (bool, error) {
	if q.most <= alwaysCounted {
		return q.most > 0, nil
	}
	e, found := q.estimates.Get(userName)
	if found && q.store.Now().Sub(e.at).Abs() < estimateLife && e.left.Add(-1) >= 0 {
		return false, nil
	}

	margin, fresh := q.most/marginShare, &estimate{at: q.store.Now()}
	count, err := store.Read(ctx, q.store,
		func(tx *store.Tx) (int, error) { return tx.Keys.CountValid(userName, q.most-margin) })
	if err != nil || count >= q.most-margin {
		return true, err
	}
	fresh.left.Store(int64(margin / replicasMost))
	q.estimates.Add(userName, fresh)
	return false, nil
}

// check returns fault.KeyInvalidInput if a user has the maximum number of valid keys.
func (q quota) check(tx *store.Tx, userName string) error {
	count, err := tx.Keys.CountValid(userName, q.most)
	if err == nil && count >= q.most {
		err = fault.New(fault.KeyInvalidInput, fmt.Sprintf(
			"the user \"%s\" has %d API keys that are neither invalidated nor expired, the maximum on this server; "+
				"invalidate some first", userName, q.most))
	}
	return err
}
