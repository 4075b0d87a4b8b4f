package privilege

import (
	"cmp"
	"maps"
	"slices"
)

// GrantedBy returns the named cluster privileges that grant an action whatever it is about, the narrowest first, as
// Elasticsearch lists them when it denies one. What grants it for a caller's own API keys only is left out.
func GrantedBy(action string) []string {
	return granting(func(s *Set) bool { return s.AllowsCluster(action) })
}

// GrantedByOwning is GrantedBy for a request that is about the caller's own API keys only.
func GrantedByOwning(action string) []string {
	return granting(func(s *Set) bool { return s.AllowsOwning(action) })
}

// namedSet is what a named cluster privilege allows.
type namedSet struct {
	name string
	set  *Set
	// wider is the number of those in question that plainly have all of it.
	wider int
}

var namedSets = func() []namedSet {
	var list []namedSet
	for _, name := range slices.Sorted(maps.Keys(clusterNames)) {
		g, _ := clusterGrant(name) // it is a name
		list = append(list, namedSet{name: name, set: &Set{cluster: g}})
	}
	return list
}()

// granting returns the names of the privileges that grant something, those that more others have before those that fewer
// have; then lists of single actions before patterns. Whoever has all of a privilege that grants something, grants it.
func granting(grants func(*Set) bool) []string {
	list := slices.DeleteFunc(slices.Clone(namedSets), func(n namedSet) bool { return !grants(n.set) })
	for i, n := range list {
		for _, other := range list {
			if other.set.cluster.covers(n.set.cluster) {
				list[i].wider++
			}
		}
	}
	slices.SortStableFunc(list, func(a, b namedSet) int {
		return cmp.Or(cmp.Compare(b.wider, a.wider), cmp.Compare(a.set.cluster.patterns(), b.set.cluster.patterns()))
	})
	names := make([]string, len(list))
	for i, n := range list {
		names[i] = n.name
	}
	return names
}

// covers tells whether g has all of h, for the cases that need no search. A false means nothing.
func (g grant) covers(h grant) bool {
	either := append(append(boxes{}, g.always...), g.owning...)
	return g.always.covers(h.always) && either.covers(h.owning)
}

func (s boxes) covers(t boxes) bool {
	return !slices.ContainsFunc(t, func(b box) bool {
		return !slices.ContainsFunc(s, func(c box) bool { return c.covers(b) })
	})
}

// patterns counts what a privilege always grants that is not a single action.
func (g grant) patterns() int {
	count := 0
	for _, b := range g.always {
		for _, p := range b[0].in {
			if !p.exact {
				count++
			}
		}
	}
	return count
}
