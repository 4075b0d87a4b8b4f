package privilege

import (
	"slices"
)

// term is a set of names: those that match one of some patterns, without those that match one of others.
type term struct{ in, out []*pattern }

func (t term) has(name string) bool { return some(t.in, name) && !some(t.out, name) }

func some(patterns []*pattern, name string) bool {
	return slices.ContainsFunc(patterns, func(p *pattern) bool { return p.matches(name) })
}

// covers tells whether u's names are all t's, for the cases that need no search. A false means nothing.
func (t term) covers(u term) bool {
	for _, p := range u.in {
		if !slices.ContainsFunc(t.in, func(q *pattern) bool { return q.covers(p) }) {
			return false
		}
	}
	return !slices.ContainsFunc(t.out, u.reaches)
}

// reaches tells whether t may have a name that is the hole's. A true means nothing.
func (t term) reaches(hole *pattern) bool {
	if slices.ContainsFunc(t.out, func(q *pattern) bool { return q.covers(hole) }) {
		return false
	}
	return slices.ContainsFunc(t.in, func(p *pattern) bool { return !hole.apartFrom(p) && (!p.exact || hole.matches(p.head)) })
}

// box is a set of tuples of names: those that have each name in the set of its side. A box of one side is a set of
// actions; one of two sides is of index names and actions; one of three is of applications, resources and privileges.
type box []term

func (b box) has(names ...string) bool {
	for i, t := range b {
		if !t.has(names[i]) {
			return false
		}
	}
	return true
}

func (b box) covers(c box) bool {
	for i, t := range b {
		if !t.covers(c[i]) {
			return false
		}
	}
	return true
}

// empty tells whether a side has no pattern, so that nothing is in the box.
func (b box) empty() bool { return slices.ContainsFunc(b, func(t term) bool { return len(t.in) == 0 }) }

// inhabited tells whether something is plainly in the box. A false means nothing.
func (b box) inhabited() bool {
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

// boxes is a set of tuples: those that are in one of some boxes, all of the same number of sides.
type boxes []box

func (s boxes) has(names ...string) bool {
	return slices.ContainsFunc(s, func(b box) bool { return b.has(names...) })
}

// contain tells whether all of b is in s, also if it is in no single box. A true can be relied upon; a false can also
// mean that finding out takes too long.
func (s boxes) contain(b box, w *effort) bool {
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

// single returns the only tuple of a box that is made for one.
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

// apartFrom tells whether the two boxes have nothing in common, as the heads of their patterns show. A false means nothing.
func (b box) apartFrom(c box) bool {
	for i, t := range b {
		if !slices.ContainsFunc(t.in, func(p *pattern) bool { return term{in: c[i].in}.reaches(p) }) {
			return true
		}
	}
	return false
}

// containAll tells whether everything in t is in s.
func (s boxes) containAll(t boxes, w *effort) bool {
	return !slices.ContainsFunc(t, func(b box) bool { return !s.contain(b, w) })
}
