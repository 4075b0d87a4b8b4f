package saml

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/dn"
)

// dnRule is a rule's value: all of a name, or its end.
type dnRule struct {
	name dn.Name
	open bool
}

func parseDNRule(value string) (dnRule, bool) {
	rest, open := strings.CutPrefix(value, "*,")
	name, ok := dn.Parse(rest)
	return dnRule{name, open}, ok
}

// matchesDN reports whether a distinguished name matches a rule's value. A value that begins with "*," matches the
// names below the rest of it, and not the rest itself.
func matchesDN(value, text string) bool {
	rule, isRule := parseDNRule(value)
	name, isName := dn.Parse(text)
	switch {
	case !isRule || !isName:
		return false
	case rule.open:
		return name.Below(rule.name)
	}
	return slices.Equal(name, rule.name)
}
