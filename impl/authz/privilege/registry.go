package privilege

import (
	"slices"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// Registry holds the actions that applications registered for the names of their privileges. A nil *Registry is
// empty. It is not safe for concurrent use.
type Registry struct {
	// texts and read are keyed by application and privilege name.
	texts map[string]map[string][]string
	read  map[[2]string][]*pattern
}

// NewRegistry returns a registry of action patterns by application and privilege name. Patterns are parsed at first
// use, because there may be many.
func NewRegistry(registered map[string]map[string][]string) *Registry {
	return &Registry{registered, map[[2]string][]*pattern{}}
}

// find returns the actions registered for a privilege of an application. Parsing them is charged to the budget.
func (r *Registry) find(application, privilege string, budget *work.Budget) ([]*pattern, error) {
	if r == nil {
		return nil, nil
	}

	key := [2]string{application, privilege}
	if patterns, found := r.read[key]; found {
		return patterns, nil
	}

	var patterns []*pattern
	for _, text := range r.texts[application][privilege] {
		p, err := parse(text)
		if err != nil {
			return nil, err
		}

		patterns = append(patterns, p)
		if err := charge(budget, patterns[len(patterns)-1:]); err != nil {
			return nil, err
		}
	}

	r.read[key] = patterns
	return patterns, nil
}

// registered returns a copy of the set with the actions of its application privileges.
func (s *Set) registered(registry *Registry, budget *work.Budget) (*Set, error) {
	with := *s
	with.registry, with.applications = registry, slices.Clip(s.applications)
	for i, entry := range s.entries {
		granted, err := registry.granted(entry.Privileges, s.applications[i], budget)
		if err != nil {
			return nil, err
		}
		with.applications = append(with.applications, granted...)
	}

	return &with, nil
}

// granted returns the boxes of actions that an entry grants by the names of registered privileges.
func (r *Registry) granted(privileges []string, entry box, budget *work.Budget) (boxes, error) {
	var granted boxes
	for application, names := range r.texts {
		if err := budget.Spend(1); err != nil {
			return nil, err
		}
		if !entry[0].has(application) {
			continue
		}
		if err := budget.Spend(len(privileges)); err != nil {
			return nil, err
		}

		for _, privilege := range privileges {
			if len(names[privilege]) == 0 {
				continue
			}

			patterns, err := r.find(application, privilege, budget)
			if err != nil {
				return nil, err
			}

			granted = append(granted, box{{in: []*pattern{name(application)}}, entry[1], {in: patterns}})
		}
	}

	return granted, nil
}
