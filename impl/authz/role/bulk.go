package role

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	// MaxRoles bounds the roles of one request, because one transaction writes them.
	MaxRoles = 1000
	// maxProblems bounds the validation errors of one role of several: one may be a hundred times longer than its cause.
	maxProblems = 4
)

// Outcome is the result of a request for several roles. Each name occurs once.
type Outcome struct {
	Created, Updated, Unchanged []string
	Deleted, Missing            []string
	// Failed maps the names of the roles that stay as they are to the reasons.
	Failed map[string]*fault.Error
}

// CheckAll validates a request to put roles as a whole. It returns fault.RequestInvalid for more than MaxRoles, and for
// roles that cost more than privilege.MaxCost together.
func CheckAll(set roledescriptor.Set) error {
	return fault.Invalid(append(countProblems(len(set)), roledescriptor.CheckCost(set)...))
}

// CheckNames validates a request to delete roles as a whole. It returns fault.RequestInvalid for more than MaxRoles.
func CheckNames(names []string) error { return fault.Invalid(countProblems(len(names))) }

func countProblems(roles int) []string {
	if roles <= MaxRoles {
		return nil
	}
	return []string{fmt.Sprintf("the request has [%d] roles, and at most [%d] are taken", roles, MaxRoles)}
}

// PutAll adds or replaces those of the roles that Check accepts with the names, in one transaction. It returns the
// errors of CheckAll.
func (s *Service) PutAll(ctx context.Context, set roledescriptor.Set, names privilege.Names) (Outcome, error) {
	if err := CheckAll(set); err != nil {
		return Outcome{}, err
	}

	valid, failed := roledescriptor.Set{}, map[string]*fault.Error{}
	for name, d := range set {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		err := s.builtin.check(name, d, names, maxProblems)
		refused, invalid := errors.AsType[*fault.Error](err)
		switch {
		case invalid:
			failed[name] = refused
		case err != nil:
			return Outcome{}, err
		default:
			valid[name] = d
		}
	}
	if len(valid) == 0 {
		return Outcome{Failed: failed}, nil
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		outcome := Outcome{Failed: failed}
		for _, name := range slices.Sorted(maps.Keys(valid)) {
			become, err := write(ctx, tx, name, valid[name])
			if err != nil {
				return Outcome{}, err
			}
			switch become {
			case created:
				outcome.Created = append(outcome.Created, name)
			case updated:
				outcome.Updated = append(outcome.Updated, name)
			case unchanged:
				outcome.Unchanged = append(outcome.Unchanged, name)
			}
		}
		return outcome, nil
	})
}

// DeleteAll removes those of the roles that exist and are not reserved, in one transaction. It returns the errors of
// CheckNames.
func (s *Service) DeleteAll(ctx context.Context, names []string) (Outcome, error) {
	if err := CheckNames(names); err != nil {
		return Outcome{}, err
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		outcome, seen := Outcome{Failed: map[string]*fault.Error{}}, map[string]bool{}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true

			found, err := s.remove(ctx, tx, name)
			refused, ok := errors.AsType[*fault.Error](err)
			switch {
			case ok && refused.Code == fault.InvalidData: // it is reserved
				outcome.Failed[name] = refused
			case err != nil:
				return Outcome{}, err
			case found:
				outcome.Deleted = append(outcome.Deleted, name)
			default:
				outcome.Missing = append(outcome.Missing, name)
			}
		}
		return outcome, nil
	})
}
