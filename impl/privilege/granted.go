package privilege

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// GrantedBy returns the named cluster privileges that grant an action whatever it is about, the narrowest first, as
// Elasticsearch lists them when it denies one. What grants it for a caller's own API keys only is left out.
func GrantedBy(action string) []string {
	return granting(action, func(s *Set) bool { return s.AllowsCluster(action) })
}

// GrantedByOwning is GrantedBy for a request that is about the caller's own API keys only.
func GrantedByOwning(action string) []string {
	return granting(action, func(s *Set) bool { return s.AllowsOwning(action) })
}

func granting(action string, grants func(*Set) bool) []string {
	granted := []string{}
	if !plain(action) {
		return granted
	}
	for _, n := range byWidth() {
		if grants(n.set) {
			granted = append(granted, n.name)
		}
	}
	return granted
}

type namedSet struct {
	name string
	set  *Set
	// wider is the number of named privileges that contain this one.
	wider int
}

// byWidth is all named cluster privileges, those that more others contain before those that fewer do, and otherwise by
// name.
var byWidth = sync.OnceValue(func() []namedSet {
	var list []namedSet
	for _, name := range slices.Sorted(maps.Keys(clusterNames)) {
		g, _ := clusterGrant(name) // it is a name
		list = append(list, namedSet{name: name, set: &Set{cluster: g}})
	}
	for i := range list {
		for _, other := range list {
			if other.set.Contains(list[i].set) {
				list[i].wider++
			}
		}
	}
	slices.SortStableFunc(list, func(a, b namedSet) int { return cmp.Compare(b.wider, a.wider) })
	return list
})
