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

// These decide when a user's keys are counted. To count 100,000 takes milliseconds, so where the limit is far it is not
// done for each creation: a process makes up to 1/replicasMost of the margin and then counts again. Replicas of which
// there are up to replicasMost cannot pass the limit together, as each counts in the transaction of the creation once
// the margin is reached.
const (
	// marginShare is the last part of the limit, in which each creation counts; all of it where the limit is
	// alwaysCounted or less.
	marginShare   = 10
	alwaysCounted = 1000
	replicasMost  = 16
	// estimateLife is how long a count is used. In the margin, other replicas make far fewer keys than the margin in
	// this time.
	estimateLife = 10 * time.Second
	// maxEstimates bounds the memory that estimates take.
	maxEstimates = 4096
)

// quota bounds how many valid keys a user has. It is safe for concurrent use.
type quota struct {
	store *store.Store
	// most is zero for no limit.
	most      int
	estimates *lru.Cache[string, *estimate]
}

// estimate says that a user was far from the limit.
type estimate struct {
	at time.Time
	// left is how many more keys this process makes before it counts again.
	left atomic.Int64
}

func newQuota(st *store.Store, most int) quota {
	estimates, _ := lru.New[string, *estimate](maxEstimates) // this fails for a size that is not positive only
	return quota{st, most, estimates}
}

// near reports whether a user may be so near the limit that check must be called in the creation's transaction. It must
// not be called in a transaction.
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

// check returns fault.KeyInvalidInput if a user has as many valid keys as there may be.
func (q quota) check(tx *store.Tx, userName string) error {
	count, err := tx.Keys.CountValid(userName, q.most)
	if err == nil && count >= q.most {
		err = fault.New(fault.KeyInvalidInput, fmt.Sprintf(
			"the user \"%s\" has %d API keys that are neither invalidated nor expired, the maximum on this server; "+
				"invalidate some first", userName, q.most))
	}
	return err
}
