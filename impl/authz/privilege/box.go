package privilege

import (
	"slices"
)

// term is a set of names: those that match a pattern of in, but none of out.
type term struct{ in, out []*pattern }

func (t term) has(name string) bool { return anyMatches(t.in, name) && !anyMatches(t.out, name) }

func anyMatches(patterns []*pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p *pattern) bool { return p.matches(name) })
}

// covers reports whether all names of u are in t, for the cases that need no search. False is inconclusive.
func (t term) covers(u term) bool {
	for _, p := range u.in {
		if !slices.ContainsFunc(t.in, func(q *pattern) bool { return q.covers(p) }) {
			return false
		}
	}
	return !slices.ContainsFunc(t.out, u.reaches)
}

// reaches reports whether t may contain a name that matches hole. True is inconclusive.
func (t term) reaches(hole *pattern) bool {
	if slices.ContainsFunc(t.out, func(q *pattern) bool { return q.covers(hole) }) {
		return false
	}
	return slices.ContainsFunc(t.in,
		func(p *pattern) bool { return !hole.disjoint(p) && (!p.exact || hole.matches(p.head)) })
}

// box is a set of tuples of names: those with each name in the set of its side. A box with one side is a set of
// actions, with two of index names and actions, with three of applications, resources and privileges.
type box []term

func (b box) has(names ...string) bool {
	for i, t := range b {
		if !t.has(names[i]) {
			return false
		}
	}
	return true
}

// covers reports whether all tuples of c are in b, for the cases that need no search. False is inconclusive.
func (b box) covers(c box) bool {
	for i, t := range b {
		if !t.covers(c[i]) {
			return false
		}
	}
	return true
}

// empty reports whether a side has no pattern, so that the box has no tuple.
func (b box) empty() bool { return slices.ContainsFunc(b, func(t term) bool { return len(t.in) == 0 }) }

// clearlyNotEmpty reports whether the box has a tuple, for the cases that need no search. False is inconclusive.
func (b box) clearlyNotEmpty() bool {
	for _, t := range b {
		plainly := func(p *pattern) bool {
			return !p.regular() && !slices.ContainsFunc(t.out, term{in: []*pattern{p}}.reaches)
		}
		if !slices.ContainsFunc(t.in, plainly) {
			return false
		}
	}

	return true
}

// boxes is a union of boxes with the same number of sides.
type boxes []box

func (s boxes) has(names ...string) bool {
	return slices.ContainsFunc(s, func(b box) bool { return b.has(names...) })
}

// contains reports whether all of b is in s, even if no single box of s has it. True is certain; false can also mean
// that the search takes too long.
func (s boxes) contains(b box, w *effort) bool {
	if b.empty() {
		return true
	}
	if names, single := b.single(); single {
		return slices.ContainsFunc(s, func(c box) bool { return w.has(c, names) })
	}

	for _, c := range s {
		if !w.compare(c, b) {
			return false
		}
		if c.covers(b) {
			return true
		}
	}

	return contained(b, s, w)
}

// single returns the tuple of a box that has exactly one by construction.
func (b box) single() ([]string, bool) {
	names := make([]string, len(b))
	for i, t := range b {
		if len(t.in) != 1 || !t.in[0].exact || len(t.out) > 0 {
			return nil, false
		}
		names[i] = t.in[0].head
	}

	return names, true
}

// disjoint reports whether the literal prefixes of the patterns exclude a common tuple. False is inconclusive.
func (b box) disjoint(c box) bool {
	for i, t := range b {
		if !slices.ContainsFunc(t.in, func(p *pattern) bool { return term{in: c[i].in}.reaches(p) }) {
			return true
		}
	}
	return false
}

// containsAll reports whether all of t is in s. False is inconclusive.
func (s boxes) containsAll(t boxes, w *effort) bool {
	return !slices.ContainsFunc(t, func(b box) bool { return !s.contains(b, w) })
}
