package privilege

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// Matcher is a compiled pattern of names.
type Matcher struct{ pattern *pattern }

// NewMatcher compiles a pattern: a wildcard pattern, or a Lucene regular expression between slashes. The error's text
// is suitable for a caller.
func NewMatcher(text string) (Matcher, error) {
	p, err := parse(text)
	return Matcher{p}, err
}

// Matches reports whether the pattern is all of a name. Case matters, and a name that is not UTF-8 matches nothing.
func (m Matcher) Matches(name string) bool { return utf8.ValidString(name) && m.pattern.matches(name) }

// ChargeCompiling spends the work of having compiled the pattern, and returns the budget's error.
func (m Matcher) ChargeCompiling(budget *work.Budget) error {
	return charge(budget, []*pattern{m.pattern})
}

// MatchesWithin is Matches at the expense of a budget. It reports false once that is used up.
func (m Matcher) MatchesWithin(name string, budget *work.Budget) bool {
	return budget.Spend(costOfMatching+m.pattern.stepsOver(len(name))/stepsPerUnit) == nil && m.Matches(name)
}
