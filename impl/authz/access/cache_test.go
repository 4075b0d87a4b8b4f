package access

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/impl/authz/privilege"
)

// Ensures that the cache is bounded by the cost of its sets, not only by their number.
func TestCompiledCache_CostBound(t *testing.T) {
	sets, err := newCompiledCache()
	if err != nil {
		t.Fatal(err)
	}
	hash := func(i int) [sha256.Size]byte { return sha256.Sum256(fmt.Append(nil, i)) }
	const names = 40_000
	large, err := privilege.Compile([]privilege.Role{{RunAs: make([]string, names)}})
	if err != nil {
		t.Fatal(err)
	}
	small, err := privilege.Compile([]privilege.Role{{}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		sets.add(hash(i), large)
		sets.add(hash(i), large)
	}
	if sets.cost > maxCompiledCost || sets.cost < maxCompiledCost-names-privilege.MaxCost ||
		sets.cost != sets.sets.Len()*large.Cost() {
		t.Errorf("%d sets at a cost of %d", sets.sets.Len(), sets.cost)
	}
	for i := range 2 * maxCompiled {
		sets.add(hash(-i), small)
	}
	if sets.sets.Len() != maxCompiled || sets.cost != maxCompiled*small.Cost() {
		t.Errorf("%d small sets at a cost of %d", sets.sets.Len(), sets.cost)
	}
	huge, err := privilege.Compile([]privilege.Role{{RunAs: make([]string, maxCompiledCost)}})
	if err != nil {
		t.Fatal(err)
	}
	sets.add(hash(1_000_000), huge)
	if _, found := sets.get(hash(1_000_000)); found || sets.sets.Len() != maxCompiled {
		t.Error("a set that is too large was cached or evicted others")
	}
}
