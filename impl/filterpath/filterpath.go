// Package filterpath keeps the parts of a JSON document that a filter_path of Elasticsearch's names: members in their
// order, and numbers and strings as they are written.
package filterpath

import (
	"errors"
	"strings"
)

// maxLength bounds a list of paths, in bytes: each of their steps may be looked at for each member of a document.
const maxLength = 4096

// ErrTooLong means that a list of paths is longer than this package takes.
var ErrTooLong = errors.New("filterpath: the list of paths is too long")

// Filter is a list of paths. Without any it keeps everything. It can be applied any number of times, also at the same time.
type Filter struct {
	included, excluded automaton
}

// Parse reads paths that are joined by commas. A path's steps are joined by dots. In a step, * stands for any part of a
// name, and a dot of the name has a backslash before it; ** is any number of steps. A path after a minus is left out of
// what is kept. Empty paths are passed over. It returns ErrTooLong.
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

// splitDots splits at the dots that have no backslash before them, and drops those backslashes.
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
