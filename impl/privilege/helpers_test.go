package privilege

import "context"

// The questions of an inquiry, one at a time; an error is a no.

func (e Effective) hasCluster(privilege string) bool {
	has, err := e.Inquire(NewBudget(context.Background())).HasCluster(privilege)
	return has && err == nil
}

func (e Effective) hasIndex(pattern, privilege string, allowRestricted bool) bool {
	has, err := e.Inquire(NewBudget(context.Background())).HasIndex(pattern, privilege, allowRestricted)
	return has && err == nil
}

func (e Effective) allowsApplication(application, privilege, resource string) bool {
	has, err := e.Inquire(NewBudget(context.Background())).HasApplication(application, privilege, resource)
	return has && err == nil
}

func (e Effective) allowsIndex(name, action string) bool {
	return e.all(func(s *Set) bool { return s.allowsIndex(name, action) })
}

func (e Effective) contains(other *Set) bool {
	return e.all(func(s *Set) bool { return s.contains(other) })
}

func (s *Set) hasCluster(privilege string) bool { return Of(s).hasCluster(privilege) }

func (s *Set) hasIndex(pattern, privilege string, allowRestricted bool) bool {
	return Of(s).hasIndex(pattern, privilege, allowRestricted)
}

func (s *Set) allowsApplication(application, privilege, resource string) bool {
	return Of(s).allowsApplication(application, privilege, resource)
}

func (s *Set) allowsIndex(name, action string) bool { return s.indices.has(name, action) }

// within tells whether the search finds all of a pattern in another.
func within(outer, inner *pattern) bool {
	w := newEffort(NewBudget(context.Background()))
	return boxes{{{in: []*pattern{outer}}}}.contain(box{{in: []*pattern{inner}}}, &w)
}

// contains tells whether the search finds everything of other in s.
func (s *Set) contains(other *Set) bool {
	w := newEffort(NewBudget(context.Background()))
	for _, b := range other.applications {
		if !s.applications.contain(b, &w) && (!b[0].in[0].exact || !s.hasApplication(b, &w)) {
			return false
		}
	}
	return s.hasGrant(other.cluster, &w) && s.indices.containAll(other.indices, &w) && s.runAs.containAll(other.runAs, &w)
}

// allows is what the small world of the property tests asks.
type allows interface {
	AllowsCluster(action string) bool
	AllowsOwning(action string) bool
	AllowsRunAs(user string) bool
	allowsIndex(name, action string) bool
	allowsApplication(application, privilege, resource string) bool
}
