package roledescriptor

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate returns what is wrong with descriptors that could be read, one message for each fault, fit for an
// action_request_validation_exception; none if nothing is. Descriptors come in the order of their names, and the faults
// of one in the order of its members below. There are at most 100: each may be a hundred times longer than its cause.
func Validate(set Set) []string {
	var v validator
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v.descriptor(set[name])
	}
	return v.messages
}

// Restricted tells whether a descriptor is narrowed to workflows.
func (d Descriptor) Restricted() bool { return len(d.Restriction.Workflows) > 0 }

// CheckRestrictions refuses an API key's set that has a restricted descriptor and another one. The error is fault.IllegalArgument.
func CheckRestrictions(set Set) error {
	restricted := set.restricted()
	if restricted > 1 {
		return illegalArgument("more than one role descriptor with restriction is not supported")
	}
	if restricted == 1 && len(set) > 1 {
		return illegalArgument("combining role descriptors with and without restriction is not supported")
	}
	return nil
}

// CheckOwner refuses roles of an API key's owner that are restricted. The error is fault.IllegalArgument.
func CheckOwner(roles Set) error {
	if roles.restricted() > 0 {
		return illegalArgument("owner user role descriptors must not include restriction")
	}
	return nil
}

func (s Set) restricted() int {
	count := 0
	for _, d := range s {
		if d.Restricted() {
			count++
		}
	}
	return count
}

const (
	maxDescription = 1000
	maxMessages    = 100
)

type validator struct{ messages []string }

func (v *validator) add(format string, values ...any) {
	if len(v.messages) < maxMessages {
		v.messages = append(v.messages, fmt.Sprintf(format, values...))
	}
}

func (v *validator) descriptor(d Descriptor) {
	v.cluster(d.Cluster)
	for _, p := range d.Indices {
		v.index(p.Privileges)
	}
	for _, p := range d.RemoteIndices {
		v.index(p.Privileges)
		v.remote(p.Privileges)
	}
	for _, p := range d.Applications {
		v.application(p)
	}
	v.metadata(d.Metadata)
	v.workflows(d.Restriction.Workflows)
	if utf8.RuneCountInString(d.Description) > maxDescription {
		v.add("Role description must be less than %d characters.", maxDescription)
	}
}

func (v *validator) cluster(privileges []string) {
	for _, p := range privileges {
		if !known(p, clusterPrivileges, clusterActions) {
			v.add("unknown cluster privilege [%s]. a privilege must be either one of the predefined cluster privilege names [%s]"+
				" or a pattern over one of the available cluster actions", p, strings.Join(clusterPrivileges, ","))
		}
	}
}

func (v *validator) index(privileges []string) {
	for _, p := range privileges {
		if !known(p, indexPrivileges, indexActions) {
			v.add("unknown index privilege [%s]. a privilege must be either one of the predefined fixed indices privileges [%s]"+
				" or a pattern over one of the available index actions", p, strings.Join(indexPrivileges, ","))
		}
	}
}

func (v *validator) remote(privileges []string) {
	for _, p := range privileges {
		if known(p, failureStorePrivileges, nil) {
			v.add("failure store privilege [%s] is not allowed for remote indices", p)
		}
	}
}

var (
	applicationName    = regexp.MustCompile(`\A(\*|[a-z][a-zA-Z0-9_-]{2,}|[a-z][a-zA-Z0-9_-]*\*)\z`)
	applicationPattern = "a lower-case letter, then at least two of letters, digits, _ and -; or its beginning with * at the end"

	// Whatever has one of / * : is an action or a pattern of actions, and may be anything.
	applicationPrivilege        = regexp.MustCompile(`\A([a-z][a-zA-Z0-9_.-]*|(?s:.*)[/*:](?s:.*))\z`)
	applicationPrivilegePattern = "a lower-case letter, then letters, digits, _ . and -; or an action, with one of / * :"
)

func (v *validator) application(p ApplicationPrivileges) {
	if !applicationName.MatchString(p.Application) {
		v.add("invalid application name [%s]. a name must be %s", p.Application, applicationPattern)
	}
	for _, name := range p.Privileges {
		if !applicationPrivilege.MatchString(name) {
			v.add("invalid application privilege [%s]. a privilege must be %s", name, applicationPrivilegePattern)
		}
	}
}

func (v *validator) metadata(metadata map[string]any) {
	for key := range metadata {
		if strings.HasPrefix(key, "_") {
			v.add("role descriptor metadata keys may not start with [_]")
			return
		}
	}
}

func (v *validator) workflows(names []string) {
	for _, name := range names {
		if !slices.Contains(workflows, strings.ToLower(strings.TrimSpace(name))) {
			v.add("Unknown workflow [%s]. A workflow must be one of the predefined workflow names [%s].", name, strings.Join(workflows, ","))
		}
	}
}
