package access

import (
	"crypto/sha256"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/sallyport/sallyport/impl/privilege"
)

const (
	// maxCompiled bounds how many sets are remembered.
	maxCompiled = 1024
	// maxCompiledCost bounds the memory that they take, to some tens of megabytes: everybody who makes keys chooses what
	// theirs take.
	maxCompiledCost = 8 * privilege.MaxCost
)

// compiledSets remembers what descriptors allow together, by the hash of their canonical form, which says it all.
type compiledSets struct {
	mu   sync.Mutex
	sets *simplelru.LRU[[sha256.Size]byte, *privilege.Set]
	cost int
}

func newCompiledSets() (*compiledSets, error) {
	c := &compiledSets{}
	var err error
	c.sets, err = simplelru.NewLRU(maxCompiled, func(_ [sha256.Size]byte, s *privilege.Set) { c.cost -= s.Cost() })
	return c, err
}

func (c *compiledSets) get(hash [sha256.Size]byte) (*privilege.Set, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets.Get(hash)
}

// add remembers a set, and forgets those that were of no use for the longest time. One that is too large by itself is not
// remembered.
func (c *compiledSets) add(hash [sha256.Size]byte, s *privilege.Set) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets.Contains(hash) || s.Cost() > maxCompiledCost { // somebody was faster
		return
	}
	c.sets.Add(hash, s)
	for c.cost += s.Cost(); c.cost > maxCompiledCost; {
		c.sets.RemoveOldest()
	}
}
