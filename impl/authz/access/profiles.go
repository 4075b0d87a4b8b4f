package access

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// MayWriteProfiles reports whether a global privilege of the subject is to write the labels and data of all these
// applications in users' profiles. As in Elasticsearch, one role must name them all. It returns fault.InvalidData if
// the subject's patterns cost too much to compare.
func (s Subject) MayWriteProfiles(ctx context.Context, applications []string) (bool, error) {
	budget := privilege.NewBudget(ctx)
	may := writesProfiles(s.limitedBy, applications, budget) &&
		(s.Assigned == nil || writesProfiles(s.Assigned, applications, budget))
	err := budget.Err()
	if errors.Is(err, privilege.ErrTooMuch) {
		err = fault.New(fault.InvalidData, err.Error())
	}
	return may && err == nil, err
}

func writesProfiles(set roledescriptor.Set, applications []string, budget *work.Budget) bool {
	for _, d := range set {
		left := slices.Clone(applications)
		for _, pattern := range d.ProfileApplications() {
			if left = unmatched(left, pattern, budget); len(left) == 0 {
				return true
			}
			if budget.Err() != nil {
				return false
			}
		}
	}
	return false
}

// unmatched returns the names that a pattern does not match. What is no valid pattern matches nothing.
func unmatched(names []string, pattern string, budget *work.Budget) []string {
	matcher, err := privilege.NewMatcher(pattern)
	if err != nil || matcher.ChargeCompiling(budget) != nil {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool { return matcher.MatchesWithin(name, budget) })
}
