package roledescriptor

import (
	"encoding/binary"
	"slices"
	"strings"
)

// check returns fault.ParseFailed if an exception is not a subset of the granted fields, as Elasticsearch does. A
// regular expression (between slashes) is not analyzed; it is a subset of itself and of "*", and only itself is a
// subset of it.
func (f FieldSecurity) check(indices section) error {
	same := map[string]bool{}
	for _, pattern := range f.Grant {
		same[pattern] = true
	}
	if same["*"] {
		return nil
	}

	granted := f.compile()
	for _, pattern := range f.Except {
		if !same[pattern] && (isExpression(pattern) || !granted.covers(collapseStars(pattern))) {
			return f.coverageError(indices, granted)
		}
	}
	return nil
}

// coverageError returns the error for exceptions that the granted fields do not cover, or not within the budget.
func (f FieldSecurity) coverageError(indices section, granted *automaton) error {
	reason := "Exceptions for field permissions must be a subset of the granted fields but [" +
		strings.Join(f.Except, ",") + "] is not a subset of [" + strings.Join(f.Grant, ",") + "]"
	if granted.budget < 0 {
		reason = "Exceptions for field permissions are too complex to be compared with the granted fields"
	}
	return parseError("failed to parse %s - %s", indices, reason)
}

func isExpression(pattern string) bool { return strings.HasPrefix(pattern, "/") }

// Runes that occur in no pattern: the end of a pattern, and a rune that none of the patterns contains.
const (
	endOfPattern rune = -1
	otherRune    rune = -2
)

// automaton decides whether patterns with * and ? together match every text that another pattern matches. It is a
// nondeterministic automaton with one state per rune of the concatenated patterns (tape). Sets of states are built on
// demand and numbered.
type automaton struct {
	tape []rune
	sets [][]int
	ids  map[string]int
	next map[edge]int
	// budget is the number of steps left, negative once exhausted. Some patterns take exponential time; they are
	// refused.
	budget int
}

// edge is a transition out of a set of states.
type edge struct {
	set int
	on  rune
}

// budgetPerRune is far more than realistic patterns need. maxBudget bounds one check to about 0.1 s and some tens of
// megabytes, which the sets of states take, even for a megabyte of patterns.
const (
	budgetPerRune = 25
	maxBudget     = 2 << 20
)

// compile returns the automaton of the granted patterns, with a budget for checking the exceptions.
func (f FieldSecurity) compile() *automaton {
	c := &automaton{ids: map[string]int{}, next: map[edge]int{}}
	var start []int
	for _, pattern := range f.Grant {
		if isExpression(pattern) {
			continue
		}
		at := len(c.tape)
		c.tape = append(append(c.tape, collapseStars(pattern)...), endOfPattern)
		start = c.enter(start, at)
	}

	c.budget = budgetPerRune * (len(c.tape) + 1)
	for _, pattern := range f.Except {
		c.budget += budgetPerRune * (len(pattern) + 1)
	}
	c.budget = min(c.budget, maxBudget)

	c.internSet(start)
	return c
}

// collapseStars returns a pattern's runes with each run of * replaced by one *, which is equivalent.
func collapseStars(pattern string) []rune {
	var last rune
	var list []rune
	for _, r := range pattern {
		if r != '*' || last != '*' {
			list = append(list, r)
		}
		last = r
	}
	return list
}

// internSet returns the number of a set of states, which must be sorted, and numbers a new one. The first set has
// number 0.
func (c *automaton) internSet(states []int) int {
	var key []byte
	for _, state := range states {
		key = binary.AppendUvarint(key, uint64(state)) //nolint:gosec // a state is not negative
	}

	id, known := c.ids[string(key)]
	if !known {
		id = len(c.sets)
		c.ids[string(key)] = id
		c.sets = append(c.sets, states)
	}
	return id
}

// position is reached by some text: an index into the pattern under test, and a set of states of the automaton.
type position struct{ at, set int }

// covers reports whether the automaton accepts every text that the pattern matches. It returns false when the budget is
// exhausted.
func (c *automaton) covers(pattern []rune) bool {
	seen := map[position]bool{}
	open := []position{{0, 0}}
	for len(open) > 0 && c.budget >= 0 {
		s := open[len(open)-1]
		open = open[:len(open)-1]
		c.budget--
		if seen[s] {
			continue
		}
		seen[s] = true

		if s.at < len(pattern) {
			open = c.follow(open, s, pattern[s.at])
		} else if !c.accepts(s.set) {
			return false
		}
	}
	return c.budget >= 0
}

// follow appends the positions that follow a position by a symbol of the pattern.
func (c *automaton) follow(open []position, s position, symbol rune) []position {
	next := s.at + 1
	switch symbol {
	case '*':
		open = append(open, position{next, s.set})
		next = s.at
	case '?':
	default:
		return append(open, position{next, c.step(s.set, symbol)})
	}

	for _, r := range c.distinguishedRunes(s.set) {
		if c.budget < 0 {
			break
		}
		open = append(open, position{next, c.step(s.set, r)})
	}
	return open
}

// distinguishedRunes returns the runes that lead out of a set of states differently, and otherRune for all the rest.
func (c *automaton) distinguishedRunes(set int) []rune {
	c.budget -= len(c.sets[set])
	runes := []rune{otherRune}
	for _, state := range c.sets[set] {
		if r := c.tape[state]; r != endOfPattern && r != '*' && r != '?' {
			runes = append(runes, r)
		}
	}
	slices.Sort(runes)
	return slices.Compact(runes)
}

// step returns the set of states that a rune leads to.
func (c *automaton) step(set int, r rune) int {
	c.budget--
	way := edge{set, r}
	if next, known := c.next[way]; known {
		return next
	}

	c.budget -= len(c.sets[set])
	var states []int
	for _, state := range c.sets[set] {
		switch c.tape[state] {
		case '*':
			states = c.enter(states, state)
		case '?', r:
			states = c.enter(states, state+1)
		}
	}

	slices.Sort(states)
	c.next[way] = c.internSet(slices.Compact(states))
	return c.next[way]
}

// enter appends a state, and the state that is reached from it without a rune.
func (c *automaton) enter(states []int, state int) []int {
	states = append(states, state)
	if c.tape[state] == '*' {
		states = append(states, state+1)
	}
	return states
}

// accepts reports whether a set contains the final state of a pattern.
func (c *automaton) accepts(set int) bool {
	c.budget -= len(c.sets[set])
	return slices.ContainsFunc(c.sets[set], func(state int) bool { return c.tape[state] == endOfPattern })
}
