package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

func withCaller(ctx context.Context, caller string) context.Context {
	return WithCallerAt(ctx, &caller)
}

// bounded is a Bound or Slots.
type bounded interface {
	Load() (waiting, running int)
	Refused() (full, late uint64)
}

func wantLoad(t *testing.T, b bounded, waiting, running int) {
	t.Helper()
	if w, r := b.Load(); w != waiting || r != running {
		t.Errorf("%d wait and %d run; want %d and %d", w, r, waiting, running)
	}
}

func wantRefused(t *testing.T, b bounded, full, late uint64) {
	t.Helper()
	if f, l := b.Refused(); f != full || l != late {
		t.Errorf("%d were refused at once and %d late; want %d and %d", f, l, full, late)
	}
}

// Ensures that the bound's number of operations run and its number of operations wait, and that one more is refused at
// once, with the time after which to retry.
func TestBound_Full(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(2, 3)
		for range 5 {
			go func() {
				if err := b.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		wantLoad(t, b, 3, 2)
		began := time.Now()
		err := b.Acquire(t.Context())
		var busy *fault.Error
		if !errors.As(err, &busy) || busy.Code != fault.ServerBusy || busy.RetryAfter <= 0 || time.Since(began) != 0 {
			t.Errorf("the sixth: %v after %s", err, time.Since(began))
		}
		for range 5 {
			b.Release()
			synctest.Wait()
		}
		wantLoad(t, b, 0, 0)
		wantRefused(t, b, 1, 0)
	})
}

// Ensures that waiting operations run in the order of their arrival, and that an operation that arrives when a place
// becomes free does not run before them.
func TestBound_InOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 101)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []int
		for i := range 100 {
			go func() {
				if err := b.Acquire(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				b.Release()
			}()
			synctest.Wait()
		}
		b.Release()
		if err := b.Acquire(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(order) != 100 || !slices.IsSorted(order) {
			t.Errorf("the order is %v", order)
		}
	})
}

// Ensures that a place is handed to the operation that waits, and kept if none does.
func TestBound_HandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 1)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b.HandOver() {
			t.Error("it was handed over although no operation waits")
		}
		wantLoad(t, b, 0, 1)
		granted := false
		go func() { granted = b.Acquire(t.Context()) == nil }()
		synctest.Wait()
		if handed := b.HandOver(); !handed {
			t.Error("it was not handed over")
		}
		synctest.Wait()
		if !granted {
			t.Error("the operation that waited does not run")
		}
		wantLoad(t, b, 0, 1)
	})
}

// Ensures that an operation is refused after patience, or after its own deadline if that is earlier.
func TestBound_Late(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 2)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for ctx, want := range map[context.Context]time.Duration{t.Context(): patience, soon: time.Second} {
			began := time.Now()
			if err := b.Acquire(ctx); !fault.Has(err, fault.ServerBusy) || time.Since(began) > want {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		}
		wantLoad(t, b, 0, 1)
		wantRefused(t, b, 0, 2)
	})
}

// Ensures that a caller that disconnects leaves the queue at once, and does not get a place.
func TestBound_CallerDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 1)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := b.Acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that disconnected got %v", err)
			}
		}()
		synctest.Wait()
		wantLoad(t, b, 1, 1)
		cancel()
		synctest.Wait()
		wantLoad(t, b, 0, 1)
		b.Release()
		wantLoad(t, b, 0, 0)
		wantRefused(t, b, 0, 0)
	})
}

// Ensures that what is urgent waits although too many do, and for as long as its own deadline has it.
func TestBound_Urgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 0)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(Urgent(t.Context()), time.Minute)
		defer cancel()
		got := make(chan error, 1)
		go func() { got <- b.Acquire(ctx) }()
		time.Sleep(59 * time.Second)
		b.Release()
		if err := <-got; err != nil {
			t.Errorf("what is urgent got %v", err)
		}
		if err := b.Acquire(ctx); !fault.Has(err, fault.ServerBusy) {
			t.Errorf("after its deadline it got %v", err)
		}
		wantRefused(t, b, 0, 1)
	})
}

// Ensures that a caller alone gets a quarter of a budget, that the next still gets a quarter of what is free however
// many came before, and that what is given back is free again.
func TestBudget_Share(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	b := NewBudget(size)
	left := int64(size)
	for _, caller := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		share := left / 4
		if b.Take(caller, share+1) || !b.Take(caller, share) || b.Take(caller, 2) {
			t.Errorf("%s does not get exactly %d of %d", caller, share, left)
		}
		left -= share
	}
	if b.Held() != size-left || left < size/16 || b.Refused() != 16 {
		t.Errorf("%d are held, %d refused", b.Held(), b.Refused())
	}
	for caller, held := range b.held {
		b.Give(caller, held)
	}
	if !b.Take("i", size/4) || len(b.held) != 1 {
		t.Errorf("what was given back is not free; %d callers stay", len(b.held))
	}
}

// Ensures that callers at once do not take more than there is.
func TestBudget_Concurrent(t *testing.T) {
	t.Parallel()
	b := NewBudget(100)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if b.Take(fmt.Sprint(i%10), 5) {
				taken.Add(5)
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n == 0 || n > 100 || b.Held() != n {
		t.Errorf("%d of 100 were taken, and %d are held", n, b.Held())
	}
}

// Ensures that free places go to the callers in turn, however long the queue of one is, that a full queue refuses its
// own caller only, and that a caller alone gets all places.
func TestBound_Callers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(2, 4)
		as := func(caller string) context.Context { return withCaller(t.Context(), caller) }
		for range 2 {
			if err := b.Acquire(as("alice")); err != nil {
				t.Fatal(err)
			}
		}
		w := waiters{T: t, Bound: b}
		for range 4 {
			w.wait("alice", as("alice"))
		}
		if err := b.Acquire(as("alice")); !fault.Has(err, fault.ServerBusy) {
			t.Errorf("one more of a caller than may wait: %v", err)
		}
		w.wait("bob", as("bob"))
		w.wait("carol", as("carol"))
		w.wait("carol", as("carol"))

		b.Release()
		time.Sleep(time.Millisecond / 2) // so that no two operations end at the same moment
		b.Release()
		w.want("alice bob carol alice carol alice alice")
		wantLoad(t, b, 0, 0)
		wantRefused(t, b, 1, 0)
		if len(b.queues) != 0 {
			t.Errorf("%d queues stay", len(b.queues))
		}
	})
}

// Ensures that every second place goes to revocations if they wait, however many callers do, and that neither class
// starves the other.
func TestBound_Revocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 10)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := waiters{T: t, Bound: b}
		for i := range 4 {
			w.wait("write", withCaller(t.Context(), fmt.Sprint(i)))
		}
		for range 3 {
			w.wait("revoke", Revocation(withCaller(t.Context(), "admin")))
		}
		w.wait("revoke", Revocation(withCaller(t.Context(), "other")))
		b.Release()
		w.want("revoke write revoke write revoke write revoke write")
		wantLoad(t, b, 0, 0)
	})
}

// waiters are operations that wait for a bound, one for each call of wait, and the order in which they ran.
type waiters struct {
	*testing.T
	*Bound
	mu    sync.Mutex
	order []string
}

func (w *waiters) wait(name string, ctx context.Context) { //nolint:revive // the name reads better first
	go func() {
		if err := w.Acquire(ctx); err != nil {
			w.Error(err)
		}
		w.mu.Lock()
		w.order = append(w.order, name)
		w.mu.Unlock()
		time.Sleep(time.Millisecond)
		w.Release()
	}()
	synctest.Wait()
}

func (w *waiters) want(order string) {
	w.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	if got := strings.Join(w.order, " "); got != order {
		w.Errorf("the order is %s; want %s", got, order)
	}
}
