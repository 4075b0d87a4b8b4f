package privilege

import (
	"fmt"
	"regexp"
	"strings"
)

// Application is privileges over resources of applications, which only those applications give a meaning.
type Application struct {
	// Application is an application's name, or the beginning of names, followed by *.
	Application string
	// Privileges are names, patterns of actions, or * for all of both.
	Privileges []string
	// Resources are patterns.
	Resources []string
}

var (
	applicationName = regexp.MustCompile(`\A(?:\*|[a-z][a-zA-Z0-9_-]*\*|[a-z][a-zA-Z0-9_-]{2,})\z`)
	privilegeName   = regexp.MustCompile(`\A[a-z][a-zA-Z0-9_.-]*\z`)
)

// CheckApplication returns an error if the application's name or one of the privileges cannot be one, or if a list is
// empty.
func CheckApplication(a Application) error {
	_, err := a.compile(nil)
	return err
}

// isAction tells whether an application privilege is a pattern of actions, and not a name.
func isAction(privilege string) bool { return strings.ContainsAny(privilege, "/*:") }

// privilegePatterns returns the third side of an application's box. Names are marked, so that no pattern of actions
// matches them; * does.
func privilegePatterns(privilege string) ([]*pattern, error) {
	switch {
	case privilege == "*":
		return []*pattern{everything(), {text: mark + "*", source: mark + anyRune + "*", head: mark, open: true}}, nil
	case isAction(privilege):
		p, err := parse(privilege)
		return []*pattern{p}, err
	case privilegeName.MatchString(privilege):
		return []*pattern{name(mark + privilege)}, nil
	}
	return nil, fmt.Errorf("[%s] is neither the name of an application privilege, which is a lower-case letter followed by letters, "+
		"digits, _ . or -, nor an action, which has a /, a * or a colon", privilege)
}

func (a Application) compile(registry *Registry) (boxes, error) {
	if !applicationName.MatchString(a.Application) {
		return nil, fmt.Errorf("[%s] is not the name of an application, which is a lower-case letter followed by at least two letters, "+
			"digits, _ or -, or the beginning of one followed by *", a.Application)
	}
	if len(a.Privileges) == 0 || len(a.Resources) == 0 {
		return nil, fmt.Errorf("the application [%s] has no privileges or no resources", a.Application)
	}
	application, err := parse(a.Application)
	if err != nil {
		return nil, err
	}
	resources, err := parseAll(a.Resources)
	if err != nil {
		return nil, err
	}
	var privileges []*pattern
	for _, privilege := range a.Privileges {
		patterns, err := privilegePatterns(privilege)
		if err != nil {
			return nil, err
		}
		privileges = append(privileges, patterns...)
	}
	granted := boxes{{{in: []*pattern{application}}, {in: resources}, {in: privileges}}}
	return append(granted, registry.granted(application, resources, a.Privileges)...), nil
}

// Registry is the actions that applications registered for the names of their privileges. A nil *Registry has none.
type Registry struct {
	// actions are by application and by name.
	actions map[string]map[string][]*pattern
}

// NewRegistry compiles a registry from the patterns of actions by application and by privilege name.
func NewRegistry(registered map[string]map[string][]string) (*Registry, error) {
	r := &Registry{map[string]map[string][]*pattern{}}
	for application, names := range registered {
		r.actions[application] = map[string][]*pattern{}
		for privilege, texts := range names {
			patterns, err := parseAll(texts)
			if err != nil {
				return nil, err
			}
			r.actions[application][privilege] = patterns
		}
	}
	return r, nil
}

// granted returns the boxes of actions that an entry grants by the names of registered privileges.
func (r *Registry) granted(application *pattern, resources []*pattern, privileges []string) boxes {
	if r == nil {
		return nil
	}
	var granted boxes
	for registered, names := range r.actions {
		if !application.matches(registered) {
			continue
		}
		for _, privilege := range privileges {
			if patterns := names[privilege]; len(patterns) > 0 {
				granted = append(granted, box{{in: []*pattern{name(registered)}}, {in: resources}, {in: patterns}})
			}
		}
	}
	return granted
}

// find returns the actions registered for a privilege of an application, and whether there are any.
func (r *Registry) find(application, privilege string) ([]*pattern, bool) {
	if r == nil {
		return nil, false
	}
	patterns := r.actions[application][privilege]
	return patterns, len(patterns) > 0
}

// AllowsApplication tells whether the set allows a privilege over a resource of an application. The privilege is a name or
// an action. A name is allowed if a role has it, or all actions registered for it. The privilege and the resource may be
// patterns, for which all that matches has to be allowed.
func (s *Set) AllowsApplication(application, privilege, resource string) bool {
	if !plain(application) {
		return false
	}
	resources, err := parse(resource)
	if err != nil {
		return false
	}
	privileges, err := privilegePatterns(privilege)
	if err != nil {
		return false
	}
	return s.containApplication(box{{in: []*pattern{name(application)}}, {in: []*pattern{resources}}, {in: privileges}})
}

// containApplication tells whether the set has all of a box. A name that it has not may be had by its actions.
func (s *Set) containApplication(b box) bool {
	if s.applications.contain(b) {
		return true
	}
	application := b[0].in[0]
	if !application.exact {
		return false
	}
	for _, p := range b[2].in {
		one := box{b[0], b[1], {in: []*pattern{p}}}
		if s.applications.contain(one) {
			continue
		}
		privilege, named := strings.CutPrefix(p.head, mark)
		actions, found := s.registry.find(application.head, privilege)
		if !named || !p.exact || !found || !s.applications.contain(box{b[0], b[1], {in: actions}}) {
			return false
		}
	}
	return true
}

func (s *Set) containApplications(other *Set) bool {
	for _, b := range other.applications {
		if !s.containApplication(b) {
			return false
		}
	}
	return true
}
