package storetest

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Remembering is a store whose caches remember, with the user alice, and a clock that tests move.
type Remembering struct {
	*testing.T
	*store.Store
	now atomic.Pointer[time.Time]
}

// OpenRemembering opens an empty database on PostgreSQL, and returns when changes are heard. It is closed when the test ends.
func OpenRemembering(t *testing.T) *Remembering {
	t.Helper()
	r := &Remembering{T: t}
	began := time.UnixMilli(1e12)
	r.now.Store(&began)
	st, err := store.Open(t.Context(), postgrestest.DSN(t), r.Time)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	r.Store = st
	st.Follow(store.MaxLifetime, slog.New(slog.DiscardHandler))
	r.Change(func(tx *store.Tx) error { return tx.InsertUser(alice()) })
	for deadline := time.Now().Add(20 * time.Second); !st.Following(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("changes are not heard")
		}
	}
	return r
}

// Change is Update of what must succeed.
func (r *Remembering) Change(f func(*store.Tx) error) {
	r.Helper()
	if err := r.Update(r.Context(), f); err != nil {
		r.Fatal(err)
	}
}

// Time is what the clock shows.
func (r *Remembering) Time() time.Time { return *r.now.Load() }

// Advance moves the clock.
func (r *Remembering) Advance(d time.Duration) {
	later := r.Time().Add(d)
	r.now.Store(&later)
}
