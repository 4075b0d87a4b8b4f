package privilege

import "context"

// Single queries of an inquiry; an error counts as false.

func (e Effective) hasCluster(privilege string) bool {
	has, err := e.Inquire(Names{}, NewBudget(context.Background())).HasCluster(privilege)
	return has && err == nil
}

func (e Effective) hasIndex(pattern, privilege string, allowRestricted bool) bool {
	has, err := e.Inquire(Names{}, NewBudget(context.Background())).HasIndex(pattern, privilege, allowRestricted)
	return has && err == nil
}

func (e Effective) allowsApplication(application, privilege, resource string) bool {
	has, err := e.Inquire(Names{}, NewBudget(context.Background())).HasApplication(application, privilege, resource)
	return has && err == nil
}

func (e Effective) allowsIndex(name, action string) bool {
	return e.all(func(s *Set) bool { return s.allowsIndex(name, action) })
}

func (e Effective) contains(other *Set) bool {
	return e.all(func(s *Set) bool { return s.contains(other) })
}

func (s *Set) hasCluster(privilege string) bool { return Unlimited(s).hasCluster(privilege) }

func (s *Set) hasIndex(pattern, privilege string, allowRestricted bool) bool {
	return Unlimited(s).hasIndex(pattern, privilege, allowRestricted)
}

func (s *Set) allowsApplication(application, privilege, resource string) bool {
	return Unlimited(s).allowsApplication(application, privilege, resource)
}

func (s *Set) allowsIndex(name, action string) bool { return s.indices.has(name, action) }

// within reports whether the search finds all of a pattern in another one.
func within(outer, inner *pattern) bool {
	w := newEffort(NewBudget(context.Background()))
	return boxes{{{in: []*pattern{outer}}}}.contains(box{{in: []*pattern{inner}}}, &w)
}

// contains reports whether the search finds all of other in s.
func (s *Set) contains(other *Set) bool {
	w := newEffort(NewBudget(context.Background()))
	for _, b := range other.applications {
		if !s.applications.contains(b, &w) && (!b[0].in[0].exact || !s.hasApplication(b, &w)) {
			return false
		}
	}

	return s.hasGrant(other.cluster, &w) && s.indices.containsAll(other.indices, &w) &&
		s.runAs.containsAll(other.runAs, &w)
}

// allows is the interface of the decisions that the property tests check.
type allows interface {
	AllowsCluster(action string) bool
	AllowsForOwnKeys(action string) bool
	AllowsRunAs(user string) bool
	allowsIndex(name, action string) bool
	allowsApplication(application, privilege, resource string) bool
}
