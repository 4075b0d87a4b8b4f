package privilege

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
)

// maxSearch bounds a search, in instructions looked at; it is some tens of milliseconds.
const maxSearch = 1 << 20

// contained tells whether every word of b is one of s. It follows the automata of all of them side by side, through every
// combination of states that some word of b leads to, and looks for one where b accepts and s does not. Combinations can
// be many, so the search gives up after a while; then the answer is no.
func contained(b box, s boxes, w *work) bool {
	near := slices.DeleteFunc(slices.Clone(s), func(c box) bool { return c.empty() || c.apartFrom(b) })
	if len(near) == 0 && b.inhabited() {
		return false
	}
	inner, err := w.build(b)
	if err != nil {
		return false
	}
	search := &search{seen: map[string]bool{}}
	search.add(inner)
	for _, c := range near {
		outer, err := w.automaton(c)
		if err != nil {
			return false
		}
		search.add(outer)
	}
	most := min(w.left, maxSearch)
	search.left = most
	found := search.run()
	w.left -= most - search.left
	return found
}

// states are, for each program, the instructions that wait for the next character, in order; and whether it accepts.
type states struct {
	waiting [][]uint32
	accepts []bool
}

// search holds the automata one after another, each as the index of its first program, and all of their programs.
type search struct {
	programs []*syntax.Prog
	first    []int
	left     int
	seen     map[string]bool
	queue    []states
}

func (s *search) add(a *automaton) {
	s.first = append(s.first, len(s.programs))
	s.programs = append(append(s.programs, a.in), a.out...)
}

// run tells whether no word of the first automaton is missing from all others.
func (s *search) run() bool {
	s.visit(s.start())
	for len(s.queue) > 0 && s.left > 0 {
		at := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		if s.missing(at) {
			return false
		}
		for _, r := range s.runes(at) {
			s.visit(s.step(at, r))
			if s.left <= 0 {
				return false
			}
		}
	}
	return s.left > 0
}

// visit puts a combination on the queue, unless it was there, or leads to no word of the first automaton.
func (s *search) visit(at states) {
	if len(at.waiting[0]) == 0 && !at.accepts[0] {
		return
	}
	key := at.key()
	s.left -= 1 + len(key)/4
	if !s.seen[key] {
		s.seen[key] = true
		s.queue = append(s.queue, at)
	}
}

func (at states) key() string {
	var key []byte
	for i, list := range at.waiting {
		key = binary.AppendUvarint(key, uint64(len(list))<<1|bit(at.accepts[i]))
		for _, pc := range list {
			key = binary.AppendUvarint(key, uint64(pc))
		}
	}
	return string(key)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

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

// accepts tells whether the automaton with that number accepts here: its first program does and no other.
func (s *search) accepts(at states, number int) bool {
	from, to := s.first[number], len(s.programs)
	if number+1 < len(s.first) {
		to = s.first[number+1]
	}
	return at.accepts[from] && !slices.Contains(at.accepts[from+1:to], true)
}

func (s *search) blank() states {
	return states{make([][]uint32, len(s.programs)), make([]bool, len(s.programs))}
}

func (s *search) start() states {
	at := s.blank()
	for i, p := range s.programs {
		s.left -= at.enter(i, p, []uint32{uint32(p.Start)}) //nolint:gosec // an index of an instruction
	}
	return at
}

func (s *search) step(at states, r rune) states {
	next := s.blank()
	for i, p := range s.programs {
		var reached []uint32
		for _, pc := range at.waiting[i] {
			if p.Inst[pc].MatchRune(r) {
				reached = append(reached, p.Inst[pc].Out)
			}
		}
		s.left -= len(at.waiting[i]) + next.enter(i, p, reached)
	}
	return next
}

// enter follows a program from some instructions to all that wait for a character or accept. Patterns have no anchors, so
// every other instruction is passed freely. It returns how many it looked at.
func (at states) enter(i int, p *syntax.Prog, pending []uint32) int {
	if len(pending) == 0 {
		return 1
	}
	entered := make(map[uint32]bool, len(pending))
	for len(pending) > 0 {
		pc := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if entered[pc] {
			continue
		}
		entered[pc] = true
		switch inst := &p.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			pending = append(pending, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
			pending = append(pending, inst.Out)
		case syntax.InstMatch:
			at.accepts[i] = true
		case syntax.InstFail:
		default:
			at.waiting[i] = append(at.waiting[i], pc)
		}
	}
	slices.Sort(at.waiting[i])
	return len(entered)
}

// runes returns one character of each class of those that all programs treat alike here.
func (s *search) runes(at states) []rune {
	limits := []rune{0}
	for i, p := range s.programs {
		for _, pc := range at.waiting[i] {
			limits = appendLimits(limits, &p.Inst[pc])
		}
	}
	s.left -= len(limits)
	slices.Sort(limits)
	limits = slices.Compact(limits)
	return slices.DeleteFunc(limits, func(r rune) bool { return r > unicode.MaxRune })
}

// appendLimits adds the characters at which an instruction's ranges begin, and those after which they end.
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
