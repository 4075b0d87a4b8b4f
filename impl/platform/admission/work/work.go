// Package work bounds what one request may compute. A unit of work stands for about the same time wherever it is
// counted: a character that a pattern is compared with, a state of an automaton, a member of a document.
package work

import (
	"context"
	"sync/atomic"
)

// interval is how many units are spent between two looks at the context: some tens of microseconds.
const interval = 1 << 14

// Budget is what one evaluation may spend. It fails for good as soon as that is used up or the caller has disconnected.
// It is for one goroutine.
type Budget struct {
	used, limit, checkAt int
	exceeded             error
	failed               error
	done                 <-chan struct{}
	cause                func() error
	meter                *Meter
}

// New returns a budget of limit units for a request. Exceeded is the error of spending more, with a text that is fit
// for a caller; the error after the caller has disconnected is the context's.
func New(ctx context.Context, limit int, exceeded error) *Budget {
	meter, _ := ctx.Value(meterKey{}).(*Meter)
	return &Budget{limit: limit, exceeded: exceeded, done: ctx.Done(), cause: ctx.Err, meter: meter}
}

// Spend counts units and reports why the evaluation must stop, if it must. From the first error on, it returns that.
func (b *Budget) Spend(units int) error {
	if b.failed != nil {
		return b.failed
	}
	b.used += units
	b.meter.add(units)
	if b.used > b.limit {
		b.failed = b.exceeded
		return b.failed
	}
	if b.used >= b.checkAt {
		b.checkAt = b.used + interval
		b.checkContext()
	}
	return b.failed
}

func (b *Budget) checkContext() {
	select {
	case <-b.done:
		b.failed = b.cause()
	default:
	}
}

// Err returns the error that Spend returned first, or nil.
func (b *Budget) Err() error { return b.failed }

// Left returns how many units may still be spent.
func (b *Budget) Left() int {
	if b.failed != nil {
		return 0
	}
	return b.limit - b.used
}

// Meter adds up the units of all budgets of a request. It is safe for concurrent use; a nil *Meter counts nothing.
type Meter struct{ units atomic.Int64 }

// Used returns the units spent so far.
func (m *Meter) Used() int64 {
	if m == nil {
		return 0
	}
	return m.units.Load()
}

func (m *Meter) add(units int) {
	if m != nil {
		m.units.Add(int64(units))
	}
}

type meterKey struct{}

// Metered returns a context under which a meter counts all budgets: the meter that the context has, or a new one.
func Metered(ctx context.Context) (context.Context, *Meter) {
	if m, ok := ctx.Value(meterKey{}).(*Meter); ok {
		return ctx, m
	}
	m := &Meter{}
	return context.WithValue(ctx, meterKey{}, m), m
}
