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

// The parts of names. An application's is a prefix of at least three letters and digits, and maybe a suffix, which begins
// with - or _ (Elasticsearch's "Create or update application privileges").
const (
	suffix = `(?:[-_][^\s\p{Z}\p{Cc}\\/*?"<>|,]*)?`
	prefix = `[a-z][a-zA-Z0-9]`
)

var (
	applicationName    = regexp.MustCompile(`\A` + prefix + `{2,}` + suffix + `\z`)
	applicationPattern = regexp.MustCompile(`\A(?:\*|` + prefix + `*` + suffix + `\*|` + prefix + `{2,}` + suffix + `)\z`)
	privilegeName      = regexp.MustCompile(`\A[a-z][a-zA-Z0-9_.-]*\z`)
)

const nameRule = "a lower-case letter followed by at least two letters or digits, and then maybe by - or _ and more characters " +
	"except blanks and \\ / * ? \" < > | ,"

// CheckApplicationName returns an error if an application cannot be called that.
func CheckApplicationName(name string) error {
	if applicationName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("[%s] is not the name of an application, which is %s", name, nameRule)
}

// CheckPrivilegeName returns an error if an application privilege cannot be called that.
func CheckPrivilegeName(name string) error {
	if privilegeName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("[%s] is not the name of an application privilege, which is a lower-case letter followed by letters, digits, _ . or -", name)
}

// CheckAction returns an error if a text is not a pattern of an application's actions.
func CheckAction(action string) error {
	if !isAction(action) {
		return fmt.Errorf("the action [%s] must contain one of [ '/' , '*' , ':' ]", action)
	}
	return CheckPattern(action)
}

// CheckApplication returns an error if the application's name or one of the privileges cannot be one, or if a list is
// empty.
func CheckApplication(a Application) error {
	_, err := a.compile()
	return err
}

// CheckApplicationPrivilege returns an error if a text is neither the name of an application privilege nor a pattern of
// actions.
func CheckApplicationPrivilege(privilege string) error {
	if isAction(privilege) || privilegeName.MatchString(privilege) {
		return nil
	}
	return badPrivilege(privilege)
}

func badPrivilege(privilege string) error {
	return fmt.Errorf("[%s] is neither the name of an application privilege, which is a lower-case letter followed by letters, "+
		"digits, _ . or -, nor an action, which has a /, a * or a colon", privilege)
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
	return nil, badPrivilege(privilege)
}

func (a Application) compile() (box, error) {
	if !applicationPattern.MatchString(a.Application) {
		return nil, fmt.Errorf("[%s] is not the name of an application, which is %s; or the beginning of one followed by *", a.Application, nameRule)
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
	return box{{in: []*pattern{application}}, {in: resources}, {in: privileges}}, nil
}

// hasApplication tells whether the set has all of a box of one application. A name that it has not may be had by its
// actions.
func (s *Set) hasApplication(b box, w *effort) bool {
	if s.applications.contain(b, w) {
		return true
	}
	for _, p := range b[2].in {
		one := box{b[0], b[1], {in: []*pattern{p}}}
		if len(b[2].in) > 1 && s.applications.contain(one, w) {
			continue
		}
		privilege, named := strings.CutPrefix(p.head, mark)
		if !named || !p.exact {
			return false
		}
		actions, err := s.registry.find(b[0].in[0].head, privilege, w.Budget)
		if err != nil || len(actions) == 0 || !s.applications.contain(box{b[0], b[1], {in: actions}}, w) {
			return false
		}
	}
	return true
}
