package admission

import (
	"sync"
	"sync/atomic"
)

// Budget bounds how much of something, such as bytes, is held at once for one purpose, and shares it between callers:
// what a caller holds is at most a third of what stays free. A caller alone gets a quarter of the budget; several
// together never use it up, so that there is always something left for the next. It is safe for concurrent use.
type Budget struct {
	size    int64
	refused atomic.Uint64

	mu   sync.Mutex
	left int64
	held map[string]int64
}

// NewBudget returns a budget of a size, in the unit that Take counts.
func NewBudget(size int64) *Budget {
	return &Budget{size: size, left: size, held: map[string]int64{}}
}

// Take takes n units for a caller, to be given back by Give, and reports whether the caller's share has that many.
func (b *Budget) Take(caller string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if held := b.held[caller] + n; held > (b.left-n)/3 {
		b.refused.Add(1)
		return false
	}
	b.left -= n
	b.held[caller] += n
	return true
}

// Give gives back what was taken for a caller.
func (b *Budget) Give(caller string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	if b.held[caller] -= n; b.held[caller] == 0 {
		delete(b.held, caller)
	}
}

// Held returns how many units are taken.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size - b.left
}

// Refused returns how often Take has refused so far.
func (b *Budget) Refused() uint64 { return b.refused.Load() }
