// Package filterpath filters a JSON document by Elasticsearch's filter_path parameter. Members keep their order, and
// numbers and strings their spelling.
package filterpath

import (
	"errors"
	"strings"
)

// maxLength is the maximum length of a list of paths in bytes. Each step may be compared with each member of a
// document.
const maxLength = 4096

// ErrTooLong means that a list of paths exceeds the maximum length, 4096 bytes.
var ErrTooLong = errors.New("filterpath: the list of paths is too long")

// Filter is a parsed list of paths. An empty list keeps everything. It is safe for concurrent use.
type Filter struct {
	included, excluded automaton
}

// Parse parses a comma-separated list of paths. The steps of a path are separated by dots. In a step, * matches any
// part of a name, and a dot in a name is escaped by a backslash; ** matches any number of steps. A path with a leading
// minus excludes its members from the result. Empty paths are ignored. Parse returns ErrTooLong.
func Parse(list string) (*Filter, error) {
	if len(list) > maxLength {
		return nil, ErrTooLong
	}

	f := &Filter{included: newAutomaton(), excluded: newAutomaton()}
	for each := range strings.SplitSeq(list, ",") {
		each = strings.TrimSpace(each)
		name, excluded := strings.CutPrefix(each, "-")
		switch {
		case name == "":
		case excluded:
			f.excluded.add(splitDots(name))
		default:
			f.included.add(splitDots(name))
		}
	}
	return f, nil
}

// splitDots splits a path at its unescaped dots, and removes the backslashes of the escaped ones.
func splitDots(text string) []string {
	var names []string
	var name strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\.`):
			i++
			name.WriteByte('.')
		case text[i] == '.':
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(text[i])
		}
	}
	return append(names, name.String())
}
