package privilege

import "github.com/sallyport/sallyport/impl/overload/work"

// Effective is what an API key may do: what both the roles assigned to it and its owner's allow.
type Effective struct{ sets []*Set }

// Limit returns what a key may do, given the roles assigned to it and its owner's as they were last kept for the key.
// Without assigned roles the key may do what the owner may. A role without privileges is assigned nevertheless, and a key
// with only that may do nothing.
func Limit(assigned, owner *Set) Effective {
	if assigned == nil || assigned.Empty() {
		return Effective{[]*Set{owner}}
	}
	return Effective{[]*Set{assigned, owner}}
}

// Of returns what somebody may do who is limited by nothing else, such as a user.
func Of(s *Set) Effective { return Effective{[]*Set{s}} }

// all tells whether both sides say yes. There are none in the zero Effective, which allows nothing.
func (e Effective) all(yes func(*Set) bool) bool {
	for _, s := range e.sets {
		if s == nil || !yes(s) {
			return false
		}
	}
	return len(e.sets) > 0
}

// AllowsCluster is as of Set, of both sides.
func (e Effective) AllowsCluster(action string) bool {
	return e.all(func(s *Set) bool { return s.AllowsCluster(action) })
}

// AllowsOwning is as of Set, of both sides.
func (e Effective) AllowsOwning(action string) bool {
	return e.all(func(s *Set) bool { return s.AllowsOwning(action) })
}

// AllowsRunAs is as of Set, of both sides.
func (e Effective) AllowsRunAs(user string) bool {
	return e.all(func(s *Set) bool { return s.AllowsRunAs(user) })
}

// AllowsEndpoint is as of Set, of both sides.
func (e Effective) AllowsEndpoint(method, path string) bool {
	return e.all(func(s *Set) bool { return s.AllowsEndpoint(method, path) })
}

// Registered returns the same with what the names of application privileges mean. It returns an error for a registered
// action that cannot be read, and the budget's.
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
