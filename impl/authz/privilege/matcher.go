package privilege

import "unicode/utf8"

// Matcher is a compiled pattern of names.
type Matcher struct{ pattern *pattern }

// NewMatcher compiles a pattern: a wildcard pattern, or a Lucene regular expression between slashes. The error's text
// is suitable for a caller.
func NewMatcher(text string) (Matcher, error) {
	p, err := parse(text)
	return Matcher{p}, err
}

// Matches reports whether the pattern is all of a name. Case matters, and a name that is not UTF-8 matches nothing.
func (m Matcher) Matches(name string) bool { return utf8.ValidString(name) && m.pattern.matches(name) }
