package overload

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

func wantLoad(t *testing.T, b *Bound, waiting, running int) {
	t.Helper()
	if w, r := b.Load(); w != waiting || r != running {
		t.Errorf("%d wait and %d run; want %d and %d", w, r, waiting, running)
	}
}

func wantRefused(t *testing.T, b *Bound, full, late uint64) {
	t.Helper()
	if f, l := b.Refused(); f != full || l != late {
		t.Errorf("%d were refused at once and %d late; want %d and %d", f, l, full, late)
	}
}

// Ensures that as many run as may, that as many wait as may, and that the next is turned away at once, and told when to
// come back.
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

// Ensures that turns come in the order of those who wait, and that nobody who comes when one ends gets it before them.
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

// Ensures that nobody waits for longer than has a point, nor beyond a deadline of one's own.
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

// Ensures that who goes away leaves the queue, at once and without a turn.
func TestBound_Gone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBound(1, 1)
		if err := b.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := b.Acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("who went away got %v", err)
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

// Ensures that no more is taken than there is, whoever takes it at once, and that what is given back is there again.
func TestBudget(t *testing.T) {
	t.Parallel()
	b := NewBudget(10)
	if !b.Take(10) || b.Take(1) || b.Held() != 10 || b.Refused() != 1 {
		t.Errorf("%d are held, %d refused", b.Held(), b.Refused())
	}
	b.Give(10)
	var taken sync.Map
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if b.Take(3) {
				taken.Store(i, true)
			}
		})
	}
	wg.Wait()
	n := int64(0)
	taken.Range(func(any, any) bool { n++; return true })
	if n > 3 || b.Held() != 3*n {
		t.Errorf("%d took 3 of 10, and %d are held", n, b.Held())
	}
}
