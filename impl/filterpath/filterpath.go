// Package filterpath keeps the parts of a JSON document that a filter_path of Elasticsearch's names: members in their
// order, and numbers and strings as they are written.
package filterpath

import (
	"errors"
	"slices"
	"strings"
)

// maxLength bounds a list of paths, in bytes: each of their steps may be looked at for each member of a document.
const maxLength = 4096

// ErrTooLong means that a list of paths is longer than this package takes.
var ErrTooLong = errors.New("filterpath: the list of paths is too long")

// Filter is a list of paths. Without any it keeps everything.
type Filter struct {
	included, excluded []path
}

// path is the steps from the root to what it names.
type path []step

// step is a pattern of members' names.
type step struct {
	// parts are what stands between the stars of the pattern.
	parts []string
	// deep steps (**) stand for any number of members, one within the other, none included.
	deep bool
}

// Parse reads paths that are joined by commas. A path's steps are joined by dots. In a step, * stands for any part of a
// name, and a dot of the name has a backslash before it; ** is any number of steps. A path after a minus is left out of
// what is kept. Empty paths are passed over. It returns ErrTooLong.
func Parse(list string) (*Filter, error) {
	if len(list) > maxLength {
		return nil, ErrTooLong
	}
	f := &Filter{}
	for each := range strings.SplitSeq(list, ",") {
		each = strings.TrimSpace(each)
		name, excluded := strings.CutPrefix(each, "-")
		switch {
		case name == "":
		case excluded:
			f.excluded = append(f.excluded, parsePath(name))
		default:
			f.included = append(f.included, parsePath(name))
		}
	}
	return f, nil
}

func parsePath(text string) path {
	var steps path
	for _, name := range splitDots(text) {
		next := step{parts: strings.Split(name, "*"), deep: name == "**"}
		if next.deep && len(steps) > 0 && steps[len(steps)-1].deep {
			continue // a second one means nothing new
		}
		steps = append(steps, next)
	}
	return steps
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

// matches tells whether the step's pattern is one of the name's. It looks for each part where it stands first, so its
// time grows with the name's length only.
func (s step) matches(name string) bool {
	first, last := s.parts[0], s.parts[len(s.parts)-1]
	if len(s.parts) == 1 {
		return name == first
	}
	rest, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for _, part := range s.parts[1 : len(s.parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}

// states are how far paths have been followed: what remains of each.
type states []path

// reach adds what remains of a path, and what remains if a deep step in front of it stands for nothing, unless they are
// there. Remainders are reached in the order of their paths, longest first, and each from at most two others beside it:
// one that is there is among the last few.
func (s states) reach(p path) states {
	const few = 4
	if !slices.ContainsFunc(s[max(0, len(s)-few):], func(known path) bool { return same(known, p) }) {
		s = append(s, p)
	}
	if len(p) > 0 && p[0].deep {
		return s.reach(p[1:])
	}
	return s
}

// same tells whether two remainders are those of one path. Those with nothing left are all alike.
func same(a, b path) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func begin(paths []path) states {
	var s states
	for _, p := range paths {
		s = s.reach(p)
	}
	return s
}

// into follows the paths into a member.
func (s states) into(name string) states {
	var next states
	for _, p := range s {
		switch {
		case len(p) == 0:
		case p[0].deep:
			next = next.reach(p)
		case p[0].matches(name):
			next = next.reach(p[1:])
		}
	}
	return next
}

// arrived tells whether one of the paths ends here.
func (s states) arrived() bool {
	return slices.ContainsFunc(s, func(p path) bool { return len(p) == 0 })
}
