// Package storetest opens stores for the tests of other packages.
package storetest

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Caching is a store with warm caches, the user alice, and a clock that tests control.
type Caching struct {
	*testing.T
	*store.Store
	now atomic.Pointer[time.Time]
}

// OpenCaching opens an empty database on PostgreSQL and waits until invalidation messages arrive. It is closed when
// the test ends.
func OpenCaching(t *testing.T) *Caching {
	t.Helper()
	r := &Caching{T: t}
	began := time.UnixMilli(1e12)
	r.now.Store(&began)
	st := Open(t, postgrestest.DSN(t), r.Time)
	r.Store = st
	st.Follow(store.MaxLifetime, slog.New(slog.DiscardHandler))
	r.Change(func(tx *store.Tx) error { return tx.Users.Insert(store.User{Name: "alice", Enabled: true}) })
	for deadline := time.Now().Add(20 * time.Second); !st.Following(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("invalidation messages do not arrive")
		}
	}

	return r
}

// Change is Update that must succeed.
func (r *Caching) Change(f func(*store.Tx) error) {
	r.Helper()
	if err := r.Update(r.Context(), f); err != nil {
		r.Fatal(err)
	}
}

// Time returns the time of the clock.
func (r *Caching) Time() time.Time { return *r.now.Load() }

// Advance moves the clock.
func (r *Caching) Advance(d time.Duration) {
	later := r.Time().Add(d)
	r.now.Store(&later)
}
