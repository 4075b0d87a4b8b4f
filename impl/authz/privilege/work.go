package privilege

import (
	"context"
	"regexp/syntax"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// maxInquiry bounds the work of one inquiry, in instructions visited: some hundreds of milliseconds and some tens of
// megabytes.
const maxInquiry = 5 << 20

// NewBudget returns the work budget of one inquiry. Its error is ErrTooMuch, or the context's once that is done.
func NewBudget(ctx context.Context) *work.Budget { return work.New(ctx, maxInquiry, ErrTooMuch) }

// effort is the work budget with the automata and trees that are cached during an inquiry.
type effort struct {
	*work.Budget

	// automata are keyed by the address of the box's first side.
	automata map[*term]*automaton
	trees    map[alternatives]*syntax.Regexp
}

func newEffort(budget *work.Budget) effort {
	return effort{budget, map[*term]*automaton{}, map[alternatives]*syntax.Regexp{}}
}

// Comparing two patterns by their properties costs less than following an instruction, and so does a step of an
// expression over a name.
const (
	costOfBox      = 4
	stepsPerUnit   = 8
	costOfMatching = 2
)

// has reports whether a tuple is in a box, and false once the budget is used up.
func (w *effort) has(b box, names []string) bool {
	for i, t := range b {
		steps := 0
		for _, p := range t.in {
			steps += p.stepsOver(len(names[i]))
		}

		for _, p := range t.out {
			steps += p.stepsOver(len(names[i]))
		}

		if w.Spend(costOfMatching+steps/stepsPerUnit) != nil || !t.has(names[i]) {
			return false
		}
	}

	return true
}

// stepsOver returns the number of steps to match a name of a length in bytes.
func (p *pattern) stepsOver(length int) int {
	switch {
	case p.regular():
		return 1 + p.states*(1+length)
	case p.glob != nil:
		return 1 + length
	}

	return 1
}

// compare charges the work of box.covers and reports whether the budget allows it.
func (w *effort) compare(b, c box) bool {
	steps := 0
	for i := range b {
		length := len(c[i].in)
		for _, p := range c[i].in {
			length += len(p.head)
		}

		// Each pattern may be matched with each head.
		for _, p := range b[i].in {
			steps += len(c[i].in) + p.stepsOver(length)
		}
	}

	return w.Spend(costOfBox+steps/stepsPerUnit) == nil
}

// chargeParsing charges the work of having parsed patterns.
func (w *effort) chargeParsing(patterns []*pattern) error { return charge(w.Budget, patterns) }

// charge spends the work of having parsed patterns.
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
