package applicationprivilege

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
)

// maxMessages bounds the errors of one response, because a message may be many times longer than its cause.
const maxMessages = 100

// Check validates privileges before Put. It returns fault.RequestInvalid with all errors, at most 100. If the actions
// cost more than privilege.MaxCost together, that is the only error.
func Check(set Set) error {
	// Checking more actions would take too long.
	if cost := set.cost(); cost > privilege.MaxCost {
		return fault.Invalid([]string{fmt.Sprintf("the application privileges are too large: their actions count [%d] "+
			"together, and at most [%d] are taken at once; an action counts 1, and a pattern about as much as it is long "+
			"when its repetitions are written out", cost, privilege.MaxCost)})
	}

	var c checker
	count := 0
	for _, application := range slices.Sorted(maps.Keys(set)) {
		c.add(privilege.CheckApplicationName(application))
		for _, name := range slices.Sorted(maps.Keys(set[application])) {
			c.checkPrivilege(name, set[application][name])
			count++
		}
	}

	if count == 0 {
		c.messages = append(c.messages, "at least one application privilege must be provided")
	}
	return fault.Invalid(c.messages)
}

// cost estimates the work of checking the actions, and of matching against them, in the units of privilege.MaxCost.
func (s Set) cost() int {
	cost := 0
	for _, privileges := range s {
		for _, p := range privileges {
			for _, action := range p.Actions {
				cost += privilege.CostOfPattern(action)
			}
		}
	}
	return cost
}

// checker collects error messages, at most maxMessages.
type checker struct{ messages []string }

func (c *checker) add(err error) {
	if err != nil && len(c.messages) < maxMessages {
		c.messages = append(c.messages, err.Error())
	}
}

func (c *checker) checkPrivilege(name string, p Privilege) {
	c.add(privilege.CheckPrivilegeName(name))
	if len(p.Actions) == 0 {
		c.add(fmt.Errorf("the application privilege [%s] must have at least one action", name))
	}
	for _, action := range p.Actions {
		c.add(privilege.CheckAction(action))
	}
	if metadata.HasReservedKey(p.Metadata) {
		c.add(fmt.Errorf("metadata keys may not start with [_] (in the application privilege [%s])", name))
	}
}
