package privilege

import (
	"cmp"
	"maps"
	"slices"
)

// GrantedBy returns the named cluster privileges that grant an action on everything, narrowest first, in the order of
// Elasticsearch's denials.
func GrantedBy(action string) []string {
	return granting(func(s *Set) bool { return s.AllowsCluster(action) })
}

// GrantedForOwnKeys is GrantedBy for requests on the caller's own API keys only.
func GrantedForOwnKeys(action string) []string {
	return granting(func(s *Set) bool { return s.AllowsForOwnKeys(action) })
}

// namedSet is the set of a named cluster privilege.
type namedSet struct {
	name string
	set  *Set
	// wider counts the listed privileges that cover this one.
	wider int
}

var namedSets = func() []namedSet {
	var list []namedSet
	for _, name := range slices.Sorted(maps.Keys(clusterNames)) {
		// The name is known, so there is no error.
		g, _ := clusterGrant(name)
		list = append(list, namedSet{name: name, set: &Set{cluster: g}})
	}
	return list
}()

// granting returns the names of the privileges that satisfy a condition. Privileges covered by more others come
// first, and lists of single actions before patterns.
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

// covers reports whether g has all of h, for the cases that need no search. False is inconclusive.
func (g grant) covers(h grant) bool {
	either := append(append(boxes{}, g.always...), g.ownKeyGrants...)
	return g.always.covers(h.always) && either.covers(h.ownKeyGrants)
}

// covers reports whether each box of t is covered by one of s.
func (s boxes) covers(t boxes) bool {
	return !slices.ContainsFunc(t, func(b box) bool {
		return !slices.ContainsFunc(s, func(c box) bool { return c.covers(b) })
	})
}

// patterns counts the patterns in always that match more than one action.
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
