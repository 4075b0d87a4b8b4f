package filterpath

import (
	"strings"

	"github.com/sallyport/sallyport/impl/overload/wildcard"
	"github.com/sallyport/sallyport/impl/overload/work"
)

// automaton is a set of paths as a nondeterministic automaton that reads the names of members from the root of a document
// inwards. Paths that begin alike share their states, so a list of paths has at most one state for each of its bytes, and
// one for the root.
type automaton struct{ nodes []node }

// state is the index of a node.
type state = uint16

// root is where all paths begin.
const root state = 0

// node is what remains of some paths.
type node struct {
	// next is where the steps lead, by their text. Those with a * are patterns, too.
	next     map[string]state
	patterns []pattern
	// deep is where ** leads, without any member being entered; root if there is no ** here.
	deep state
	// stays is true after **, which holds for any number of members.
	stays bool
	// end is true if a path ends here.
	end bool
}

// pattern is a step with a *.
type pattern struct {
	*wildcard.Pattern

	to state
}

func newAutomaton() automaton { return automaton{make([]node, 1)} }

// empty reports whether there are no paths.
func (a *automaton) empty() bool { return len(a.nodes) == 1 }

// add adds a path by its steps.
func (a *automaton) add(steps []string) {
	at := root
	for _, step := range steps {
		if step == "**" {
			at = a.deepen(at)
		} else {
			at = a.follow(at, step)
		}
	}
	a.nodes[at].end = true
}

func (a *automaton) deepen(at state) state {
	if a.nodes[at].stays {
		return at // a second ** means nothing new
	}
	if a.nodes[at].deep == root {
		to := a.grow(node{stays: true})
		a.nodes[at].deep = to
	}
	return a.nodes[at].deep
}

func (a *automaton) follow(at state, step string) state {
	if to, found := a.nodes[at].next[step]; found {
		return to
	}
	to := a.grow(node{})
	n := &a.nodes[at]
	if n.next == nil {
		n.next = map[string]state{}
	}
	n.next[step] = to
	if strings.Contains(step, "*") {
		n.patterns = append(n.patterns, pattern{wildcard.ParseStars(step), to})
	}
	return to
}

func (a *automaton) grow(n node) state {
	a.nodes = append(a.nodes, n)
	return state(len(a.nodes) - 1) //nolint:gosec // a list of at most maxLength bytes has fewer steps
}

// run follows an automaton into a document and out of it again.
type run struct {
	*automaton

	work *work.Budget
	// reached holds the states of each open level after those of the level around it.
	reached []state
	// entered says of each state in which move it was reached last, so that no level has one twice.
	entered []int
	moves   int
}

func newRun(a *automaton, w *work.Budget) *run {
	return &run{automaton: a, work: w, entered: make([]int, len(a.nodes))}
}

// level is the states that were reached at a place in the document.
type level struct {
	from, to int
	// arrived is true if a path ends here.
	arrived bool
}

// begin returns the level of the document itself.
func (r *run) begin() level {
	l := r.open()
	r.enter(root, &l)
	return l
}

// into returns the level of a member of what is at a level. It is closed by leave.
func (r *run) into(from level, name string) level {
	l := r.open()
	units := 1 + from.to - from.from
	for i := from.from; i < from.to; i++ {
		at := r.reached[i]
		n := &r.nodes[at]
		if n.stays {
			r.enter(at, &l)
		}
		if to, found := n.next[name]; found {
			r.enter(to, &l)
		}
		for _, p := range n.patterns {
			matched, examined := p.Match(name)
			units += examined
			if matched {
				r.enter(p.to, &l)
			}
		}
	}
	_ = r.work.Spend(units) // the rewriter asks for it
	return l
}

func (r *run) open() level {
	r.moves++
	return level{from: len(r.reached), to: len(r.reached)}
}

// enter adds a state to a level, and the state that ** leads to from there.
func (r *run) enter(s state, l *level) {
	if r.entered[s] == r.moves {
		return
	}
	r.entered[s] = r.moves
	r.reached = append(r.reached, s)
	l.to++
	n := &r.nodes[s]
	l.arrived = l.arrived || n.end
	if n.deep != root {
		r.enter(n.deep, l)
	}
}

// leave closes the level that was opened last.
func (r *run) leave(l level) { r.reached = r.reached[:l.from] }
