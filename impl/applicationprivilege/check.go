package applicationprivilege

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/privilege"
)

// maxMessages bounds what one answer lists: a fault's text may be many times longer than its cause.
const maxMessages = 100

// Check refuses privileges that cannot be put, with everything that is wrong with them, up to 100 faults
// (fault.RequestInvalid).
func Check(set Set) error {
	var c checker
	count := 0
	for _, application := range slices.Sorted(maps.Keys(set)) {
		c.add(privilege.CheckApplicationName(application))
		for _, name := range slices.Sorted(maps.Keys(set[application])) {
			c.privilege(name, set[application][name])
			count++
		}
	}
	if count == 0 {
		c.messages = append(c.messages, "at least one application privilege must be provided")
	}
	return fault.Invalid(c.messages)
}

type checker struct{ messages []string }

func (c *checker) add(err error) {
	if err != nil && len(c.messages) < maxMessages {
		c.messages = append(c.messages, err.Error())
	}
}

func (c *checker) privilege(name string, p Privilege) {
	c.add(privilege.CheckPrivilegeName(name))
	if len(p.Actions) == 0 {
		c.add(fmt.Errorf("the application privilege [%s] must have at least one action", name))
	}
	for _, action := range p.Actions {
		c.add(privilege.CheckAction(action))
	}
	for key := range p.Metadata {
		if strings.HasPrefix(key, "_") {
			c.add(fmt.Errorf("metadata keys may not start with [_] (in the application privilege [%s])", name))
			return
		}
	}
}
