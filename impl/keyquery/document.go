// Package keyquery evaluates Elasticsearch's query language for API keys over a stream of documents: queries, sorting,
// paging and aggregations.
//
// Nothing is analysed and nothing is scored: text is compared as it is, boosts are read and ignored, and documents of the
// same rank are in the order of their creation and their ids.
package keyquery

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Document is one API key as queries see it. Empty texts, zero times and null in the metadata are absent values.
type Document struct {
	ID, Name, Type, UserName, RealmName string
	// Creation, Expiration and Invalidation count to the millisecond.
	Creation, Expiration, Invalidation time.Time
	Invalidated                        bool
	// Metadata is made of strictjson.Decode's values.
	Metadata map[string]any
	// Record is the caller's own; it comes back with the hit.
	Record any
}

// row is a document while it is evaluated.
type row struct {
	*Document
	// leaves are all the values in the metadata, sorted, none twice; known only if gathered.
	leaves   []string
	gathered bool
	// tests counts what was looked at, in all the documents of a run.
	tests *int
}

// maxTests is how often a run may look at a value or for one, in all the documents together.
const maxTests = 50_000_000

// test counts one look, and tells whether there may be more of them. If not, the run fails, and what is still computed
// until then is of no interest.
func (r *row) test() bool {
	*r.tests++
	return *r.tests <= maxTests
}

func (r *row) allLeaves() []string {
	if !r.gathered {
		r.leaves, r.gathered = distinct(appendLeaves(nil, r.Metadata)), true
	}
	return r.leaves
}

// leavesAt returns the values at a path of names joined by dots. A name in the metadata may have dots of its own, so each
// way to divide the path is followed; they lead to different places, so none is visited twice.
func (r *row) leavesAt(path string) []string { return distinct(r.appendAt(nil, r.Metadata, path)) }

func (r *row) appendAt(found []string, members map[string]any, path string) []string {
	if value, ok := members[path]; ok {
		found = appendTexts(found, value)
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if !r.test() {
			return found
		}
		if inner, ok := members[path[:i]].(map[string]any); ok {
			found = r.appendAt(found, inner, path[i+1:])
		}
		if elements, ok := members[path[:i]].([]any); ok {
			found = r.appendInside(found, elements, path[i+1:])
		}
	}
	return found
}

// appendInside goes on in the objects of an array, which have their place in no path.
func (r *row) appendInside(found []string, elements []any, path string) []string {
	for _, element := range elements {
		switch element := element.(type) {
		case map[string]any:
			found = r.appendAt(found, element, path)
		case []any:
			found = r.appendInside(found, element, path)
		}
	}
	return found
}

// appendTexts adds a value, or the values in an array; objects have paths of their own.
func appendTexts(found []string, value any) []string {
	if elements, ok := value.([]any); ok {
		for _, element := range elements {
			found = appendTexts(found, element)
		}
		return found
	}
	if text, ok := leafText(value); ok {
		found = append(found, text)
	}
	return found
}

func appendLeaves(found []string, value any) []string {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			found = appendLeaves(found, member)
		}
	case []any:
		for _, element := range value {
			found = appendLeaves(found, element)
		}
	default:
		return appendTexts(found, value)
	}
	return found
}

// leafText is how a string, a number or a boolean is compared. Anything else has no text.
func leafText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	}
	return "", false
}

func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// value is a value of any field, absent ones included. It can be compared with == and be a key of maps.
type value struct {
	missing bool
	// number is a date in milliseconds since 1970, or 1 for true.
	number int64
	text   string
}

func compareValues(a, b value) int {
	if a.number != b.number {
		if a.number < b.number {
			return -1
		}
		return 1
	}
	return strings.Compare(a.text, b.text)
}
