package privilege

import (
	"context"
	"regexp/syntax"

	"github.com/sallyport/sallyport/impl/overload/work"
)

// maxInquiry bounds the work for all questions of one inquiry, in instructions of automata looked at. It is some hundreds of
// milliseconds and some tens of megabytes.
const maxInquiry = 5 << 20

// NewBudget returns the budget of one inquiry. Its error is ErrTooMuch, or the context's once that is done.
func NewBudget(ctx context.Context) *work.Budget { return work.New(ctx, maxInquiry, ErrTooMuch) }

// effort is what is spent to find answers, and what was made on the way and serves again.
type effort struct {
	*work.Budget

	// automata are those of the boxes whose first side stands there.
	automata map[*term]*automaton
	trees    map[alternatives]*syntax.Regexp
}

func newEffort(budget *work.Budget) effort {
	return effort{budget, map[*term]*automaton{}, map[alternatives]*syntax.Regexp{}}
}

// compare takes the work of comparing two boxes, and reports whether there was enough.
func (w *effort) compare(b, c box) bool {
	units := 1
	for i := range b {
		units += comparing(b[i].in, c[i].in) / 8 // a pattern is compared faster than an instruction is followed
	}
	return w.Spend(units) == nil
}

// comparing counts the steps of finding out whether some patterns cover others.
func comparing(patterns, others []*pattern) int {
	length := len(others)
	for _, p := range others {
		length += len(p.head)
	}
	steps := len(patterns) * len(others)
	for _, p := range patterns {
		switch { // it may be run over each head
		case p.regular():
			steps += p.states * length
		case p.glob != nil:
			steps += length
		}
	}
	return steps
}

// made takes the work of having parsed patterns.
func (w *effort) made(patterns []*pattern) error { return charge(w.Budget, patterns) }

func charge(budget *work.Budget, patterns []*pattern) error {
	units := 0
	for _, p := range patterns {
		units += costOfParsing
		if p.regular() {
			units += costOfInstruction * p.states
		}
	}
	return budget.Spend(units)
}
