package privilege

// work is what may still be done to find answers, and what was made on the way and serves again.
type work struct {
	// left counts instructions looked at.
	left int
	// automata are those of the boxes whose first side stands there.
	automata map[*term]*automaton
}

func newWork(left int) work { return work{left, map[*term]*automaton{}} }

// spend takes the work of comparing two boxes.
func (w *work) spend(b, c box) {
	w.left--
	for i := range b {
		w.left -= comparing(b[i].in, c[i].in) / 8 // a pattern is compared faster than an instruction is followed
	}
}

// comparing counts the steps of telling whether some patterns cover others.
func comparing(patterns, others []*pattern) int {
	length := len(others)
	for _, p := range others {
		length += len(p.head)
	}
	steps := len(patterns) * len(others)
	for _, p := range patterns {
		if p.expression != nil { // it may be run over each head
			steps += p.states * length
		}
	}
	return steps
}

// automaton returns the automaton of a box that stays as it is.
func (w *work) automaton(b box) (*automaton, error) {
	if a, found := w.automata[&b[0]]; found {
		return a, nil
	}
	a, err := w.build(b)
	if err == nil {
		w.automata[&b[0]] = a
	}
	return a, err
}

// build makes the automaton of a box, if there is enough work left for it.
func (w *work) build(b box) (*automaton, error) {
	for _, t := range b {
		for _, p := range append(t.in[:len(t.in):len(t.in)], t.out...) {
			w.left -= 4 * p.states
		}
	}
	if w.left <= 0 {
		return nil, ErrTooMuch
	}
	return b.automaton()
}
