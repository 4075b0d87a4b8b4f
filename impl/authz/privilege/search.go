package privilege

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
)

// maxSearch bounds a search, in instructions visited. It takes some milliseconds.
const maxSearch = 1 << 18

// contained reports whether every word of b is accepted by s. It follows all automata in parallel through each
// combination of states that a word of b leads to, and looks for one where b accepts and s does not. There can be too
// many combinations: then the search stops and the result is false.
func contained(b box, s boxes, w *effort) bool {
	if w.Spend(costOfBox*len(s)) != nil {
		return false
	}

	var near boxes
	for _, c := range s {
		if !c.empty() && !c.disjoint(b) {
			near = append(near, c)
		}
	}

	if len(near) == 0 && b.clearlyNotEmpty() {
		return false
	}

	inner, err := w.build(b)
	if err != nil {
		return false
	}

	search := &search{effort: w, seen: map[string]bool{}}
	search.add(inner)
	for _, c := range near {
		outer, err := w.automaton(c)
		if err != nil {
			return false
		}
		search.add(outer)
	}

	search.left = maxSearch
	return search.run()
}

// states is a combination of states. For each program it has the sorted instructions that wait for the next
// character, and whether the program accepts.
type states struct {
	waiting [][]uint32
	accepts []bool
}

// search holds the automata as indexes of their first programs, and all programs in sequence.
type search struct {
	effort   *effort
	programs []*syntax.Prog
	first    []int
	left     int
	seen     map[string]bool
	queue    []states
	// The remaining fields are buffers, reused for each combination.
	next    states
	key     []byte
	pending []uint32
	limits  []rune
	// entered holds, for each instruction of each program, the move in which it was last reached.
	entered [][]int
	move    int
}

// add appends the programs of an automaton.
func (s *search) add(a *automaton) {
	s.first = append(s.first, len(s.programs))
	s.programs = append(append(s.programs, a.in), a.out...)
}

// spend charges work to the budget and to the bound of this search.
func (s *search) spend(units int) {
	s.left -= units
	if s.effort.Spend(units) != nil {
		s.left = 0
	}
}

// run reports whether all words of the first automaton are accepted by another one.
func (s *search) run() bool {
	s.next = states{make([][]uint32, len(s.programs)), make([]bool, len(s.programs))}
	for _, p := range s.programs {
		s.entered = append(s.entered, make([]int, len(p.Inst)))
	}

	s.start()
	s.visit()
	for len(s.queue) > 0 && s.left > 0 {
		at := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		if s.missing(at) {
			return false
		}

		for _, r := range s.runes(at) {
			s.step(at, r)
			s.visit()
			if s.left <= 0 {
				return false
			}
		}
	}

	return s.left > 0
}

// visit queues the next combination, unless it was visited before or leads to no word of the first automaton.
func (s *search) visit() {
	if len(s.next.waiting[0]) == 0 && !s.next.accepts[0] {
		return
	}

	s.key = s.next.appendKey(s.key[:0])
	s.spend(1 + len(s.key)/4)
	if s.seen[string(s.key)] {
		return
	}

	// The key and the combination are stored.
	s.spend(len(s.key) + 2*len(s.programs))
	s.seen[string(s.key)] = true
	s.queue = append(s.queue, s.next.clone())
}

func (at states) clone() states {
	kept := states{make([][]uint32, len(at.waiting)), slices.Clone(at.accepts)}
	for i, list := range at.waiting {
		kept.waiting[i] = slices.Clone(list)
	}
	return kept
}

func (at states) appendKey(key []byte) []byte {
	for i, list := range at.waiting {
		key = binary.AppendUvarint(key, uint64(len(list))<<1|bit(at.accepts[i]))
		for _, pc := range list {
			key = binary.AppendUvarint(key, uint64(pc))
		}
	}

	return key
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// missing reports whether the first automaton accepts a word here that no other one does.
func (s *search) missing(at states) bool {
	if !s.accepts(at, 0) {
		return false
	}

	for i := 1; i < len(s.first); i++ {
		if s.accepts(at, i) {
			return false
		}
	}

	return true
}

// accepts reports whether an automaton accepts here: its first program does and no other one.
func (s *search) accepts(at states, number int) bool {
	from, to := s.first[number], len(s.programs)
	if number+1 < len(s.first) {
		to = s.first[number+1]
	}
	return at.accepts[from] && !slices.Contains(at.accepts[from+1:to], true)
}

// start sets the next combination to the initial one.
func (s *search) start() {
	for i, p := range s.programs {
		s.pending = append(s.pending[:0], uint32(p.Start)) //nolint:gosec // an index of an instruction
		s.enter(i)
	}
}

// step sets the next combination to the one after a character.
func (s *search) step(at states, r rune) {
	for i, p := range s.programs {
		s.pending = s.pending[:0]
		for _, pc := range at.waiting[i] {
			if p.Inst[pc].MatchRune(r) {
				s.pending = append(s.pending, p.Inst[pc].Out)
			}
		}

		s.spend(len(at.waiting[i]))
		s.enter(i)
	}
}

// enter follows a program from the pending instructions to all that wait for a character or accept. Patterns have no
// anchors, so every other instruction is followed without a condition.
func (s *search) enter(i int) {
	s.move++
	p, entered, units := s.programs[i], s.entered[i], 1
	waiting := s.next.waiting[i][:0]
	s.next.accepts[i] = false
	for len(s.pending) > 0 {
		pc := s.pending[len(s.pending)-1]
		s.pending = s.pending[:len(s.pending)-1]
		if entered[pc] == s.move {
			continue
		}

		entered[pc] = s.move
		units++
		switch inst := &p.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			s.pending = append(s.pending, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			s.pending = append(s.pending, inst.Out)
		case syntax.InstMatch:
			s.next.accepts[i] = true
		case syntax.InstFail:
		default:
			waiting = append(waiting, pc)
		}
	}

	slices.Sort(waiting)
	s.next.waiting[i] = waiting
	s.spend(units)
}

// runes returns one representative of each class of characters that all programs treat alike here.
func (s *search) runes(at states) []rune {
	limits := s.limits[:0]
	limits = append(limits, 0)
	for i, p := range s.programs {
		for _, pc := range at.waiting[i] {
			limits = appendLimits(limits, &p.Inst[pc])
		}
	}

	s.spend(len(limits))
	slices.Sort(limits)
	limits = slices.Compact(limits)
	s.limits = limits
	return slices.DeleteFunc(limits, func(r rune) bool { return r > unicode.MaxRune })
}

// appendLimits appends the first characters of an instruction's ranges and the characters after their ends.
func appendLimits(limits []rune, inst *syntax.Inst) []rune {
	switch inst.Op {
	case syntax.InstRune, syntax.InstRune1:
		if len(inst.Rune) == 1 {
			return append(limits, inst.Rune[0], inst.Rune[0]+1)
		}
		for i := 0; i+1 < len(inst.Rune); i += 2 {
			limits = append(limits, inst.Rune[i], inst.Rune[i+1]+1)
		}
	case syntax.InstRuneAnyNotNL:
		limits = append(limits, '\n', '\n'+1)
	default: // the others match every character
	}

	return limits
}
