package store

import (
	"context"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache caches values that were read from a store, for a short time, until they change, and only while the store
// learns of the changes of other processes (see Follow). It is safe for concurrent use.
type Cache[K comparable, T any] struct {
	store        *Store
	entries      *lru.Cache[K, entry[T]]
	hits, misses atomic.Uint64
}

// maxCached is the maximum number of bytes in documents and roles that a cached value was made of.
const maxCached = 16 << 10

type entry[T any] struct {
	value T
	read  moment
	of    []tag
}

// NewCache returns a cache of at most size values.
func NewCache[K comparable, T any](st *Store, size int) (*Cache[K, T], error) {
	entries, err := lru.New[K, entry[T]](size)
	return &Cache[K, T]{store: st, entries: entries}, err
}

// Read returns the cached value of a key, or calls f in a View. A key belongs to one f. f must use only methods of Tx
// with results that are invalidated, as their comments say, or never change. Callers share the value, and must not
// change it. A value that f makes of more than maxCached bytes is not cached.
func (c *Cache[K, T]) Read(ctx context.Context, key K, f func(*Tx) (T, error)) (T, error) {
	if !c.store.current() {
		value, _, err := c.view(ctx, f)
		return value, err
	}
	changes := c.store.changes
	if e, ok := c.entries.Get(key); ok && changes.valid(e.read, e.of) {
		c.hits.Add(1)
		return e.value, nil
	}
	c.misses.Add(1)

	// This comes before the transaction, which may not see later changes.
	began := changes.moment()
	value, read, err := c.view(ctx, f)
	if err == nil && read.bytes <= maxCached {
		c.entries.Add(key, entry[T]{value, began, read.tags})
	}
	return value, err
}

func (c *Cache[K, T]) view(ctx context.Context, f func(*Tx) (T, error)) (value T, read dependencies, err error) {
	err = c.store.View(ctx, func(tx *Tx) (err error) {
		value, err = f(tx)
		read = tx.read
		return err
	})
	return value, read, err
}

// Counts returns the numbers of cache hits and misses. Reads while the cache is off count as neither.
func (c *Cache[K, T]) Counts() (hits, misses uint64) { return c.hits.Load(), c.misses.Load() }
