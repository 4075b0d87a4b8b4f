package overload

import "sync/atomic"

// Budget bounds how many bytes are held at once for one purpose. It is safe for concurrent use.
type Budget struct {
	size    int64
	left    atomic.Int64
	refused atomic.Uint64
}

// NewBudget returns a budget of so many bytes.
func NewBudget(size int64) *Budget {
	b := &Budget{size: size}
	b.left.Store(size)
	return b
}

// Take takes bytes, to be given back by Give, and tells whether there were that many.
func (b *Budget) Take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	b.refused.Add(1)
	return false
}

// Give gives back what was taken.
func (b *Budget) Give(n int64) { b.left.Add(n) }

// Held tells how many bytes are taken.
func (b *Budget) Held() int64 { return b.size - b.left.Load() }

// Refused tells how often there were not enough so far.
func (b *Budget) Refused() uint64 { return b.refused.Load() }
