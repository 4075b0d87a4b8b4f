package access

import (
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
)

// MayWriteProfiles reports whether a global privilege of the subject is to write the labels and data of all these
// applications in users' profiles. As in Elasticsearch, one role must name them all.
func (s Subject) MayWriteProfiles(applications []string) bool {
	return writesProfiles(s.limitedBy, applications) && (s.Assigned == nil || writesProfiles(s.Assigned, applications))
}

func writesProfiles(set roledescriptor.Set, applications []string) bool {
	for _, d := range set {
		category, _ := d.Global["profile"].(map[string]any)
		write, _ := category["write"].(map[string]any)
		patterns, _ := write["applications"].([]any)
		matched := func(application string) bool {
			return slices.ContainsFunc(patterns, func(pattern any) bool { return matchesText(pattern, application) })
		}
		if len(patterns) > 0 && !slices.ContainsFunc(applications, func(name string) bool { return !matched(name) }) {
			return true
		}
	}
	return false
}

// matchesText reports whether a pattern matches a text. What is no valid pattern matches nothing.
func matchesText(pattern any, text string) bool {
	written, _ := pattern.(string)
	matcher, err := privilege.NewMatcher(written)
	return err == nil && matcher.Matches(text)
}
