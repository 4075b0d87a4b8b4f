package work_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

var errExceeded = errors.New("too much")

func TestBudget(t *testing.T) {
	t.Run("used up", func(t *testing.T) {
		b := work.New(t.Context(), 10, errExceeded)
		if err := b.Spend(10); err != nil || b.Left() != 0 {
			t.Fatalf("10 of 10 units: %v, %d left", err, b.Left())
		}
		if err := b.Spend(1); !errors.Is(err, errExceeded) {
			t.Errorf("11 of 10 units: %v", err)
		}
		if err := b.Spend(0); !errors.Is(err, errExceeded) || !errors.Is(b.Err(), errExceeded) {
			t.Errorf("afterwards: %v, %v; want the first error", err, b.Err())
		}
	})
	t.Run("caller disconnects", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := work.New(ctx, 1<<30, errExceeded)
		if err := b.Spend(1); err != nil {
			t.Fatal(err)
		}
		cancel()
		for range 1 << 15 {
			if b.Spend(1) != nil {
				break
			}
		}
		if !errors.Is(b.Err(), context.Canceled) || b.Left() != 0 {
			t.Errorf("after 32,768 units: %v, %d left; want the context's error", b.Err(), b.Left())
		}
	})
}

// Ensures that a meter adds up all budgets of a request, those that are used up too.
func TestMeter(t *testing.T) {
	outer, m := work.Metered(t.Context())
	ctx, same := work.Metered(outer)
	if same != m {
		t.Error("a context with a meter got another")
	}
	for _, units := range []int{3, 20} {
		_ = work.New(ctx, 10, errExceeded).Spend(units)
	}
	_ = work.New(t.Context(), 10, errExceeded).Spend(5)
	if m.Used() != 23 {
		t.Errorf("%d units, want 23", m.Used())
	}
}
