package roledescriptor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/platform/metadata"
)

// Validate returns one message for each validation error of parsed descriptors, for an
// action_request_validation_exception; none if the set is valid. Privileges must have one of the names. Messages are in
// the order of the descriptors' names and then of their members below. There are at most 100 messages, because one may
// be a hundred times longer than its cause.
//
// Descriptors that cost more than privilege.MaxCost together yield a single message, because checking them would take
// too long.
func Validate(set Set, names privilege.Names) []string { return ValidateUpTo(maxMessages, set, names) }

// ValidateUpTo is Validate with a lower limit of the messages. It checks nothing more once it has that many.
func ValidateUpTo(limit int, set Set, names privilege.Names) []string {
	if messages := CheckCost(set); messages != nil {
		return messages
	}
	v := validator{names: names, limit: min(limit, maxMessages)}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v.checkDescriptor(set[name])
	}
	return v.messages
}

// CheckCost returns the message of Validate for descriptors that cost more than privilege.MaxCost together, or nil.
func CheckCost(set Set) []string {
	cost := set.cost()
	if cost <= privilege.MaxCost {
		return nil
	}
	return []string{fmt.Sprintf(
		"the role descriptors are too large: their names, patterns and privileges count [%d] together, and at most [%d] "+
			"are taken;"+
			" a name counts 1, and a pattern about as much as it is long when its repetitions are written out", cost,
		privilege.MaxCost)}
}

// Restricted reports whether the descriptor is restricted to workflows.
func (d Descriptor) Restricted() bool { return len(d.Restriction.Workflows) > 0 }

// CheckRestrictions returns fault.InvalidData for an API key's set that has a restricted descriptor and another one.
func CheckRestrictions(set Set) error {
	if err := privilege.CheckRestrictions(set.privilegeRoles()); err != nil {
		return illegalArgument("%s", err)
	}
	return nil
}

// CheckOwner returns fault.InvalidData if a role of an API key's owner is restricted.
func CheckOwner(roles Set) error {
	for _, d := range roles {
		if d.Restricted() {
			return illegalArgument("owner user role descriptors must not include restriction")
		}
	}
	return nil
}

const (
	// maxDescription is the longest description in characters.
	maxDescription = 1000
	// maxMessages bounds the messages of one validation.
	maxMessages = 100
)

type validator struct {
	names    privilege.Names
	limit    int
	messages []string
}

func (v *validator) add(format string, values ...any) {
	if len(v.messages) < v.limit {
		v.messages = append(v.messages, fmt.Sprintf(format, values...))
	}
}

// checkEach adds the errors that a check returns for the texts.
func (v *validator) checkEach(texts []string, check func(string) error) {
	for _, text := range texts {
		if len(v.messages) == v.limit {
			return // to word an error takes longer than to find it
		}
		if err := check(text); err != nil {
			v.add("%s", err)
		}
	}
}

func (v *validator) checkDescriptor(d Descriptor) {
	v.checkEach(d.Cluster, v.names.CheckCluster)
	for _, p := range d.Indices {
		v.checkIndex(p)
	}
	for _, p := range d.RemoteIndices {
		v.checkIndex(p.IndexPrivileges)
		v.checkEach(p.Privileges, checkRemotePrivilege)
	}
	for _, p := range d.Applications {
		if err := privilege.CheckApplication(privilege.Application(p)); err != nil {
			v.add("%s", err)
		}
	}
	v.checkEach(d.RunAs, privilege.CheckPattern)
	if metadata.HasReservedKey(d.Metadata) {
		v.add("role descriptor metadata keys may not start with [_]")
	}
	v.checkEach(d.Restriction.Workflows, checkWorkflow)
	if utf8.RuneCountInString(d.Description) > maxDescription {
		v.add("Role description must be less than %d characters.", maxDescription)
	}
}

func (v *validator) checkIndex(p IndexPrivileges) {
	v.checkEach(p.Privileges, v.names.CheckIndex)
	v.checkEach(p.Names, privilege.CheckPattern)
}

// checkRemotePrivilege refuses the index privileges that do not exist on remote clusters.
func checkRemotePrivilege(name string) error {
	switch strings.ToLower(name) {
	case "manage_failure_store", "read_failure_store":
		return fmt.Errorf("failure store privilege [%s] is not allowed for remote indices", name)
	}
	return nil
}

func checkWorkflow(name string) error {
	_, err := privilege.Workflow(name)
	return err
}
