package store

import (
	"context"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache remembers what was read from a store until that changes, for a short time, and only while the store tells of
// changes (see Follow). It is safe for concurrent use.
type Cache[T any] struct {
	store        *Store
	entries      *lru.Cache[string, entry[T]]
	hits, misses atomic.Uint64
}

type entry[T any] struct {
	value T
	read  moment
	of    []tag
}

// NewCache returns a cache of at most so many values.
func NewCache[T any](st *Store, size int) (*Cache[T], error) {
	entries, err := lru.New[string, entry[T]](size)
	return &Cache[T]{store: st, entries: entries}, err
}

// Read returns what f reads, in a View, or has read lately. Each key stands for what one f reads. f must read with such
// methods of Tx only as say that changes are told, beside what never changes. All who read get the same value, and must not
// change it.
func (c *Cache[T]) Read(ctx context.Context, key string, f func(*Tx) (T, error)) (T, error) {
	changes := c.store.changes
	if changes == nil || !changes.known() {
		value, _, err := c.view(ctx, f)
		return value, err
	}
	if e, ok := c.entries.Get(key); ok && changes.good(e.read, e.of) {
		c.hits.Add(1)
		return e.value, nil
	}
	c.misses.Add(1)
	began := changes.moment() // before the transaction, which may not see what happens from now on
	value, of, err := c.view(ctx, f)
	if err == nil && len(of) > 0 {
		c.entries.Add(key, entry[T]{value, began, of})
	}
	return value, err
}

func (c *Cache[T]) view(ctx context.Context, f func(*Tx) (T, error)) (value T, of []tag, err error) {
	err = c.store.View(ctx, func(tx *Tx) (err error) {
		value, err = f(tx)
		of = tx.read
		return err
	})
	return value, of, err
}

// Counts returns how often a value was remembered, and how often it had to be read although it might have been.
func (c *Cache[T]) Counts() (hits, misses uint64) { return c.hits.Load(), c.misses.Load() }
