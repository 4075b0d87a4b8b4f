package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// occupied takes all work slots, with transactions that last until release is called.
func occupied(
	t *testing.T, bound *admission.Bound, do func(context.Context, func(*store.Tx) error) error,
) (release func()) {
	t.Helper()
	began, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	hold := func(*store.Tx) error {
		select {
		case began <- struct{}{}:
			<-end
		case <-end: // retried
		}
		return errors.New("roll back")
	}
	taken := 0
	for more := true; more; {
		wg.Go(func() { _ = do(t.Context(), hold) })
		<-began
		taken++
		ctx, cancel := context.WithDeadline(t.Context(), time.Now())
		if more = bound.Acquire(ctx) == nil; more {
			bound.Release()
		}
		cancel()
	}
	t.Logf("%d slots", taken)
	return func() { close(end); wg.Wait() }
}

// Ensures that readers and writers do not block each other, that a full queue is refused, that revocations read while
// all slots are taken, and that Ready waits for none of them.
func TestSlots(t *testing.T) {
	for name, dsn := range map[string]func(*testing.T) string{
		"SQLite":              func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") },
		"PostgreSQL":          func(t *testing.T) string { return postgrestest.DSN(t) },
		"PostgreSQL, smaller": func(t *testing.T) string { return postgrestest.DSN(t) + "&pool_max_conns=4" },
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, dsn(t), time.Now)
			reads, writes := st.Slots()
			nothing := func(*store.Tx) error { return nil }
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()

			stopWriting := occupied(t, writes, st.Update)
			if err := st.View(t.Context(), nothing); err != nil {
				t.Errorf("reading while all write: %v", err)
			}
			if err := st.Update(soon, nothing); !fault.Has(err, fault.ServerBusy) {
				t.Errorf("one more writer: %v", err)
			}
			stopReading := occupied(t, reads, st.View)
			if err := st.View(soon, nothing); !fault.Has(err, fault.ServerBusy) {
				t.Errorf("one more reader: %v", err)
			}
			revocation, cancel := context.WithTimeout(admission.Revocation(t.Context()), 30*time.Second)
			defer cancel()
			if err := st.View(revocation, nothing); err != nil {
				t.Errorf("reading for a revocation while all read: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if err := st.Ready(ctx); err != nil {
				t.Errorf("ready while all are busy: %v", err)
			}
			stopReading()
			stopWriting()
			if err := errors.Join(st.View(t.Context(), nothing), st.Update(t.Context(), nothing)); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}
