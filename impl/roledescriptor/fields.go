package roledescriptor

import (
	"encoding/binary"
	"slices"
	"strings"
)

// check refuses exceptions that are not among the granted fields: Elasticsearch takes them for a mistake. A regular
// expression (between slashes) is not taken apart; it is covered by itself and by "*", and covers only itself.
func (f FieldSecurity) check() error {
	same := map[string]bool{}
	for _, pattern := range f.Grant {
		same[pattern] = true
	}
	if same["*"] {
		return nil
	}
	granted := f.compile()
	for _, pattern := range f.Except {
		if !same[pattern] && (isExpression(pattern) || !granted.covers(runes(pattern))) {
			return f.refuse(granted)
		}
	}
	return nil
}

func (f FieldSecurity) refuse(granted *cover) error {
	if granted.work < 0 {
		return parseError("Exceptions for field permissions are too intricate to be compared with the granted fields")
	}
	return parseError("Exceptions for field permissions must be a subset of the granted fields but [%s] is not a subset of [%s]",
		strings.Join(f.Except, ","), strings.Join(f.Grant, ","))
}

func isExpression(pattern string) bool { return strings.HasPrefix(pattern, "/") }

// Runes that no pattern has: one for the end of a pattern, one for all that the patterns at hand do not mention.
const (
	end   rune = -1
	other rune = -2
)

// cover tells whether patterns with * and ? match all that another one matches. It is an automaton with one state per
// rune of the patterns, which lie end to end in tape; sets of states are made as they are needed, and known by number.
type cover struct {
	tape []rune
	sets [][]int
	ids  map[string]int
	next map[edge]int
	// work is what may still be done. Patterns exist that take exponential time; they are refused.
	work int
}

// edge leads from a set of states to another.
type edge struct {
	set int
	on  rune
}

// workPerRune is far more than any patterns need that people write. maxWork keeps a megabyte of them below a tenth of a
// second or so, and below some tens of megabytes: sets of states take room.
const (
	workPerRune = 25
	maxWork     = 2 << 20
)

func (f FieldSecurity) compile() *cover {
	c := &cover{ids: map[string]int{}, next: map[edge]int{}}
	var start []int
	for _, pattern := range f.Grant {
		if isExpression(pattern) {
			continue
		}
		at := len(c.tape)
		c.tape = append(append(c.tape, runes(pattern)...), end)
		start = c.enter(start, at)
	}
	c.work = workPerRune * (len(c.tape) + 1)
	for _, pattern := range f.Except {
		c.work += workPerRune * (len(pattern) + 1)
	}
	c.work = min(c.work, maxWork)
	c.number(start)
	return c
}

// runes returns a pattern with one * for several in a row, which mean the same.
func runes(pattern string) []rune {
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

// number returns the number of a set of states, which are in order. The first set is number 0.
func (c *cover) number(states []int) int {
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

// situation is where a text may have led: to a place in the one pattern, and to a set of states of the others.
type situation struct{ at, set int }

// covers looks for a text that the pattern matches and the others do not.
func (c *cover) covers(pattern []rune) bool {
	seen := map[situation]bool{}
	open := []situation{{0, 0}}
	for len(open) > 0 && c.work >= 0 {
		s := open[len(open)-1]
		open = open[:len(open)-1]
		c.work--
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
	return c.work >= 0
}

// follow adds the situations that come next.
func (c *cover) follow(open []situation, s situation, symbol rune) []situation {
	next := s.at + 1
	switch symbol {
	case '*':
		open = append(open, situation{next, s.set})
		next = s.at
	case '?':
	default:
		return append(open, situation{next, c.step(s.set, symbol)})
	}
	for _, r := range c.mentioned(s.set) {
		if c.work < 0 {
			break
		}
		open = append(open, situation{next, c.step(s.set, r)})
	}
	return open
}

// mentioned returns the runes that make a difference in a set of states, and one for all the rest.
func (c *cover) mentioned(set int) []rune {
	c.work -= len(c.sets[set])
	runes := []rune{other}
	for _, state := range c.sets[set] {
		if r := c.tape[state]; r != end && r != '*' && r != '?' {
			runes = append(runes, r)
		}
	}
	slices.Sort(runes)
	return slices.Compact(runes)
}

// step returns the set of states after one rune more.
func (c *cover) step(set int, r rune) int {
	c.work--
	way := edge{set, r}
	if next, known := c.next[way]; known {
		return next
	}
	c.work -= len(c.sets[set])
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
	c.next[way] = c.number(slices.Compact(states))
	return c.next[way]
}

// enter adds a state, and the one that can be reached from it without a rune.
func (c *cover) enter(states []int, state int) []int {
	states = append(states, state)
	if c.tape[state] == '*' {
		states = append(states, state+1)
	}
	return states
}

func (c *cover) accepts(set int) bool {
	c.work -= len(c.sets[set])
	return slices.ContainsFunc(c.sets[set], func(state int) bool { return c.tape[state] == end })
}
