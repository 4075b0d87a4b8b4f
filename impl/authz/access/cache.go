package access

import (
	"crypto/sha256"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/sallyport/sallyport/impl/authz/privilege"
)

const (
	// maxCompiled is the maximum number of cached sets.
	maxCompiled = 1024
	// maxCompiledCost bounds the memory of the cached sets to some tens of megabytes. The creator of an API key chooses
	// the size of its set, so the number alone bounds nothing.
	maxCompiledCost = 8 * privilege.MaxCost
)

// compiledCache caches compiled sets of descriptors by the hash of the set's canonical form.
type compiledCache struct {
	mu   sync.Mutex
	sets *simplelru.LRU[[sha256.Size]byte, *privilege.Set]
	cost int
}

func newCompiledCache() (*compiledCache, error) {
	c := &compiledCache{}
	var err error
	c.sets, err = simplelru.NewLRU(maxCompiled, func(_ [sha256.Size]byte, s *privilege.Set) { c.cost -= s.Cost() })
	return c, err
}

func (c *compiledCache) get(hash [sha256.Size]byte) (*privilege.Set, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets.Get(hash)
}

// add caches a set, and evicts the least recently used ones. It does not cache a set that alone exceeds the maximum
// cost.
func (c *compiledCache) add(hash [sha256.Size]byte, s *privilege.Set) {
	c.mu.Lock()
	defer c.mu.Unlock()

	// A concurrent caller may have added the set already.
	if c.sets.Contains(hash) || s.Cost() > maxCompiledCost {
		return
	}

	c.sets.Add(hash, s)
	for c.cost += s.Cost(); c.cost > maxCompiledCost; {
		c.sets.RemoveOldest()
	}
}
