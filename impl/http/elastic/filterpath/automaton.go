package filterpath

import (
	"strings"

	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// automaton is a set of paths as a nondeterministic finite automaton. Its input are the member names on the way from
// the root of a document to a value. Paths with a common prefix share states, so a list of paths has at most one state
// for each of its bytes, and one for the root.
type automaton struct{ nodes []node }

// state is the index of a node.
type state = uint16

// root is the state where all paths begin.
const root state = 0

// node holds the transitions of a state.
type node struct {
	// next is the state after a step, by the step's text. Steps with a * are in patterns, too.
	next     map[string]state
	patterns []pattern
	// deep is the state that ** leads to without consuming a name; root if no path has ** here.
	deep state
	// stays is true after **, which consumes any number of names.
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

// add adds a path with the given steps.
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

// deepen returns the state after ** from a state, and adds it if necessary.
func (a *automaton) deepen(at state) state {
	// Two successive ** are equivalent to one.
	if a.nodes[at].stays {
		return at
	}

	if a.nodes[at].deep == root {
		to := a.addNode(node{stays: true})
		a.nodes[at].deep = to
	}
	return a.nodes[at].deep
}

// follow returns the state after a step from a state, and adds it if necessary.
func (a *automaton) follow(at state, step string) state {
	if to, found := a.nodes[at].next[step]; found {
		return to
	}

	to := a.addNode(node{})
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

func (a *automaton) addNode(n node) state {
	a.nodes = append(a.nodes, n)
	return state(len(a.nodes) - 1) //nolint:gosec // a list of at most maxLength bytes has fewer steps
}

// run is the execution of an automaton on a document, as the rewriter enters and leaves its members.
type run struct {
	*automaton

	work *work.Budget
	// reached is a stack of the states of all open levels, the innermost last.
	reached []state
	// entered holds, by state, the move in which it was last entered, so that no level contains a state twice.
	entered []int
	// moves counts the levels that were opened.
	moves int
}

func newRun(a *automaton, w *work.Budget) *run {
	return &run{automaton: a, work: w, entered: make([]int, len(a.nodes))}
}

// level is the set of states at a position in the document.
type level struct {
	// from and to delimit the states in run.reached.
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

// into returns the level of a member, given the level of its object. leave closes it.
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

	// The rewriter checks the error before it reads the next value.
	_ = r.work.Spend(units)
	return l
}

func (r *run) open() level {
	r.moves++
	return level{from: len(r.reached), to: len(r.reached)}
}

// enter adds a state to a level, and the state that ** leads to from it.
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
