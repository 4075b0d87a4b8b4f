package privilege

import "github.com/sallyport/sallyport/impl/platform/admission/work"

// Effective holds the effective privileges of a caller: those that every one of its sets allows.
type Effective struct{ sets []*Set }

// Limit returns the privileges of an API key: the intersection of its assigned roles and its owner's privileges at
// the time of the key's last update. Without assigned roles the key has the owner's privileges. A key with only roles
// without privileges has none.
func Limit(assigned, owner *Set) Effective {
	if assigned == nil || assigned.Empty() {
		return Effective{[]*Set{owner}}
	}
	return Effective{[]*Set{assigned, owner}}
}

// Unlimited returns the privileges of a caller with a single set, such as a user.
func Unlimited(s *Set) Effective { return Effective{[]*Set{s}} }

// all reports whether every set satisfies a condition. It is false for the zero Effective, which has no sets.
func (e Effective) all(yes func(*Set) bool) bool {
	for _, s := range e.sets {
		if s == nil || !yes(s) {
			return false
		}
	}
	return len(e.sets) > 0
}

// AllowsCluster is Set.AllowsCluster for all sets.
func (e Effective) AllowsCluster(action string) bool {
	return e.all(func(s *Set) bool { return s.AllowsCluster(action) })
}

// AllowsForOwnKeys is Set.AllowsForOwnKeys for all sets.
func (e Effective) AllowsForOwnKeys(action string) bool {
	return e.all(func(s *Set) bool { return s.AllowsForOwnKeys(action) })
}

// AllowsRunAs is Set.AllowsRunAs for all sets.
func (e Effective) AllowsRunAs(user string) bool {
	return e.all(func(s *Set) bool { return s.AllowsRunAs(user) })
}

// AllowsEndpoint is Set.AllowsEndpoint for all sets.
func (e Effective) AllowsEndpoint(method, path string) bool {
	return e.all(func(s *Set) bool { return s.AllowsEndpoint(method, path) })
}

// Registered returns a copy that includes the actions registered for names of application privileges. It returns an
// error for an invalid registered action, and the budget's error.
func (e Effective) Registered(registry *Registry, budget *work.Budget) (Effective, error) {
	sets := make([]*Set, len(e.sets))
	for i, s := range e.sets {
		if s == nil {
			continue
		}

		var err error
		if sets[i], err = s.registered(registry, budget); err != nil {
			return Effective{}, err
		}
	}

	return Effective{sets}, nil
}
