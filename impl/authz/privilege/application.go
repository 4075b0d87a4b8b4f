package privilege

import (
	"fmt"
	"regexp"
	"strings"
)

// Application grants privileges over resources of applications. Only the applications give them a meaning.
type Application struct {
	// Application is the name of an application, or a prefix of names followed by *.
	Application string
	// Privileges are names, action patterns, or * for all of both.
	Privileges []string
	// Resources are patterns.
	Resources []string
}

// The parts of application names: a prefix of at least three letters and digits, and an optional suffix that begins
// with
// - or _ (Elasticsearch's "Create or update application privileges").
const (
	suffix = `(?:[-_][^\s\p{Z}\p{Cc}\\/*?"<>|,]*)?`
	prefix = `[a-z][a-zA-Z0-9]`
)

var (
	applicationName    = regexp.MustCompile(`\A` + prefix + `{2,}` + suffix + `\z`)
	applicationPattern = regexp.MustCompile(`\A(?:\*|` + prefix + `*` + suffix + `\*|` + prefix + `{2,}` + suffix + `)\z`)
	privilegeName      = regexp.MustCompile(`\A[a-z][a-zA-Z0-9_.-]*\z`)
)

const nameRule = "a lower-case letter followed by at least two letters or digits, and then maybe by - or _ and more " +
	"characters except blanks and \\ / * ? \" < > | ,"

// CheckApplicationName returns an error if a text is not a valid application name.
func CheckApplicationName(name string) error {
	if applicationName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("[%s] is not the name of an application, which is %s", name, nameRule)
}

// CheckPrivilegeName returns an error if a text is not a valid name of an application privilege.
func CheckPrivilegeName(name string) error {
	if privilegeName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("[%s] is not the name of an application privilege, which is a lower-case letter followed by "+
		"letters, digits, _ . or -", name)
}

// CheckAction returns an error if a text is not a pattern of application actions.
func CheckAction(action string) error {
	if !isAction(action) {
		return fmt.Errorf("the action [%s] must contain one of [ '/' , '*' , ':' ]", action)
	}
	return CheckPattern(action)
}

// CheckApplication returns an error if the application's name or a privilege is invalid, or if a list is empty.
func CheckApplication(a Application) error {
	_, err := a.compile()
	return err
}

// CheckApplicationPrivilege returns an error if a text is neither the name of an application privilege nor an action
// pattern.
func CheckApplicationPrivilege(privilege string) error {
	if isAction(privilege) || privilegeName.MatchString(privilege) {
		return nil
	}
	return badPrivilege(privilege)
}

// badPrivilege is the error of CheckApplicationPrivilege.
func badPrivilege(privilege string) error {
	return fmt.Errorf("[%s] is neither the name of an application privilege, which is a lower-case letter followed by "+
		"letters, digits, _ . or -, nor an action, which has a /, a * or a colon", privilege)
}

// isAction reports whether an application privilege is an action pattern, and not a name.
func isAction(privilege string) bool { return strings.ContainsAny(privilege, "/*:") }

// privilegePatterns returns the third side of an application's box. Names are prefixed with mark, so that no action
// pattern except * matches them.
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

// compile returns the box of applications, resources and privileges.
func (a Application) compile() (box, error) {
	if !applicationPattern.MatchString(a.Application) {
		return nil, fmt.Errorf("[%s] is not the name of an application, which is %s; or the beginning of one followed by *",
			a.Application, nameRule)
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

// hasApplication reports whether the set contains a box of one application. A privilege name counts as contained if
// all actions registered for it are.
func (s *Set) hasApplication(b box, w *effort) bool {
	if s.applications.contains(b, w) {
		return true
	}

	for _, p := range b[2].in {
		one := box{b[0], b[1], {in: []*pattern{p}}}
		if len(b[2].in) > 1 && s.applications.contains(one, w) {
			continue
		}

		privilege, named := strings.CutPrefix(p.head, mark)
		if !named || !p.exact {
			return false
		}

		actions, err := s.registry.find(b[0].in[0].head, privilege, w.Budget)
		if err != nil || len(actions) == 0 || !s.applications.contains(box{b[0], b[1], {in: actions}}, w) {
			return false
		}
	}

	return true
}
