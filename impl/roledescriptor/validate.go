package roledescriptor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/privilege"
)

// Validate returns what is wrong with descriptors that could be read, one message for each fault, fit for an
// action_request_validation_exception; none if nothing is. Descriptors come in the order of their names, and the faults
// of one in the order of its members below. There are at most 100: each may be a hundred times longer than its cause.
//
// Of descriptors that cost more than privilege.MaxCost together nothing else is said: to find out what would be would take
// too long.
func Validate(set Set) []string {
	if cost := set.cost(); cost > privilege.MaxCost {
		return []string{fmt.Sprintf("the role descriptors are too large: their names, patterns and privileges count [%d] together, and at most [%d] are taken;"+
			" a name counts 1, and a pattern about as much as it is long when its repetitions are written out", cost, privilege.MaxCost)}
	}
	var v validator
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v.descriptor(set[name])
	}
	return v.messages
}

// Restricted tells whether a descriptor is narrowed to workflows.
func (d Descriptor) Restricted() bool { return len(d.Restriction.Workflows) > 0 }

// CheckRestrictions refuses an API key's set that has a restricted descriptor and another one. The error is
// fault.IllegalArgument.
func CheckRestrictions(set Set) error {
	if err := privilege.CheckRestrictions(set.roles()); err != nil {
		return illegalArgument("%s", err)
	}
	return nil
}

// CheckOwner refuses roles of an API key's owner that are restricted. The error is fault.IllegalArgument.
func CheckOwner(roles Set) error {
	for _, d := range roles {
		if d.Restricted() {
			return illegalArgument("owner user role descriptors must not include restriction")
		}
	}
	return nil
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

// check adds what is wrong with each of some texts.
func (v *validator) check(texts []string, wrong func(string) error) {
	for _, text := range texts {
		if err := wrong(text); err != nil {
			v.add("%s", err)
		}
	}
}

func (v *validator) descriptor(d Descriptor) {
	v.check(d.Cluster, privilege.CheckCluster)
	for _, p := range d.Indices {
		v.index(p)
	}
	for _, p := range d.RemoteIndices {
		v.index(p.IndexPrivileges)
		v.check(p.Privileges, checkRemote)
	}
	for _, p := range d.Applications {
		if err := privilege.CheckApplication(privilege.Application(p)); err != nil {
			v.add("%s", err)
		}
	}
	v.check(d.RunAs, privilege.CheckPattern)
	v.metadata(d.Metadata)
	v.check(d.Restriction.Workflows, checkWorkflow)
	if utf8.RuneCountInString(d.Description) > maxDescription {
		v.add("Role description must be less than %d characters.", maxDescription)
	}
}

func (v *validator) index(p IndexPrivileges) {
	v.check(p.Privileges, privilege.CheckIndex)
	v.check(p.Names, privilege.CheckPattern)
}

// checkRemote refuses what cannot be had with indices of other clusters.
func checkRemote(name string) error {
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

func (v *validator) metadata(metadata map[string]any) {
	for key := range metadata {
		if strings.HasPrefix(key, "_") {
			v.add("role descriptor metadata keys may not start with [_]")
			return
		}
	}
}
