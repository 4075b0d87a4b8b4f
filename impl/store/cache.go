package store

import (
	"context"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache caches values that were read from a store, for a short time, until they change, and only while the store
// receives invalidation messages (see Follow). It is safe for concurrent use.
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

// NewCache returns a cache of at most size values.
func NewCache[T any](st *Store, size int) (*Cache[T], error) {
	entries, err := lru.New[string, entry[T]](size)
	return &Cache[T]{store: st, entries: entries}, err
}

// Read returns the cached value of a key, or calls f in a View. A key belongs to one f. f must use only methods of Tx
// with results that are invalidated, as their comments say, or never change. Callers share the value, and must not
// change it.
func (c *Cache[T]) Read(ctx context.Context, key string, f func(*Tx) (T, error)) (T, error) {
	changes := c.store.changes
	if changes == nil || !changes.connected() {
		value, _, err := c.view(ctx, f)
		return value, err
	}
	if e, ok := c.entries.Get(key); ok && changes.valid(e.read, e.of) {
		c.hits.Add(1)
		return e.value, nil
	}
	c.misses.Add(1)

	// This comes before the transaction, which may not see later changes.
	began := changes.moment()
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

// Counts returns the numbers of cache hits and misses. Reads while the cache is off count as neither.
func (c *Cache[T]) Counts() (hits, misses uint64) { return c.hits.Load(), c.misses.Load() }
