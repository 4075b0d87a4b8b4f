package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
)

// atOnce returns a context that ends at once, to try without waiting.
func atOnce(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	t.Cleanup(cancel)
	return ctx
}

// Ensures that one caller holds at most a quarter of the slots, at least one and never all, and a second one only while
// another stays free.
func TestSlots_Share(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{0: 1, 1: 1, 2: 1, 4: 1, 7: 1, 8: 2, 16: 4, 64: 16} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			s := NewSlots(size, 1)
			got := 0
			for s.Acquire(atOnce(t), "alice") == nil {
				got++
			}
			if got != want {
				t.Errorf("one caller got %d of %d slots; want %d", got, size, want)
			}
			if err := s.Acquire(atOnce(t), "bob"); err != nil {
				t.Errorf("another caller: %v", err)
			}
		})
	}
}

// Ensures that a caller that holds a slot does not get the last free one, and that one without gets it.
func TestSlots_LastFree(t *testing.T) {
	t.Parallel()
	s := NewSlots(8, 1)
	for i := range 7 {
		if err := s.Acquire(atOnce(t), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Acquire(atOnce(t), "0"); !fault.Has(err, fault.ServerBusy) {
		t.Errorf("a second slot, the last: %v", err)
	}
	if err := s.Acquire(atOnce(t), "7"); err != nil {
		t.Errorf("a first slot, the last: %v", err)
	}
}

// Ensures that callers that wait get free slots in turn, each in the order of its own requests, however long the queue
// of another is.
func TestSlots_InTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(2, 10)
		for _, name := range []string{"x", "y"} {
			if err := s.Acquire(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		var order []string
		begin := func(name string, i int) {
			go func() {
				if err := s.Acquire(t.Context(), name); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, fmt.Sprint(name, i))
				mu.Unlock()
				time.Sleep(time.Millisecond)
				s.Release(name)
			}()
			synctest.Wait()
		}
		for i := range 4 {
			begin("alice", i)
		}
		begin("bob", 0)
		begin("carol", 0)
		s.Release("x")
		time.Sleep(time.Second)
		s.Release("y")
		if want := []string{"alice0", "bob0", "carol0", "alice1", "alice2", "alice3"}; !slices.Equal(order, want) {
			t.Errorf("the order is %v; want %v", order, want)
		}
		wantLoad(t, s, 0, 0)
		if len(s.callers) != 0 {
			t.Errorf("%d callers stay", len(s.callers))
		}
	})
}

// Ensures that a full queue refuses at once and only its own caller, that a wait ends after a time, and that a caller
// that disconnects leaves the queue.
func TestSlots_Refused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(2, 2)
		for _, name := range []string{"alice", "bob"} {
			if err := s.Acquire(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		cancelled, cancel := context.WithCancel(t.Context())
		got := make(chan error, 2)
		for _, ctx := range []context.Context{t.Context(), cancelled} {
			go func() { got <- s.Acquire(ctx, "alice") }()
		}
		synctest.Wait()
		if err := s.Acquire(t.Context(), "alice"); !fault.Has(err, fault.ServerBusy) || time.Since(began) != 0 {
			t.Errorf("one more than the queue holds: %v after %s", err, time.Since(began))
		}
		wantLoad(t, s, 2, 2)
		if cancel(); !errors.Is(<-got, context.Canceled) {
			t.Error("the caller that disconnected does not get its error")
		}
		wantLoad(t, s, 1, 2)
		if err := <-got; !fault.Has(err, fault.ServerBusy) || time.Since(began) != patience {
			t.Errorf("a wait: %v after %s", err, time.Since(began))
		}
		wantRefused(t, s, 1, 1)
		s.Release("alice")
		s.Release("bob")
		wantLoad(t, s, 0, 0)
	})
}

// Ensures that no more slots are held than there are, and none by more than its share, whatever the callers do at once.
func TestSlots_Concurrent(t *testing.T) {
	t.Parallel()
	const size, callers = 8, 5
	s := NewSlots(size, 100)
	var mu sync.Mutex
	running := map[string]int{}
	var wg sync.WaitGroup
	for i := range 200 {
		name := fmt.Sprint(i % callers)
		wg.Go(func() {
			for range 20 {
				if s.Acquire(t.Context(), name) != nil {
					continue
				}
				mu.Lock()
				running[name]++
				total := 0
				for _, n := range running {
					total += n
				}
				if running[name] > size/4 || total > size {
					t.Errorf("%d of %d run, %d for one caller", total, size, running[name])
				}
				running[name]--
				mu.Unlock()
				s.Release(name)
			}
		})
	}
	wg.Wait()
	wantLoad(t, s, 0, 0)
}
