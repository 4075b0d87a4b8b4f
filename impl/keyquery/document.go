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

	"github.com/sallyport/sallyport/impl/overload/work"
)

// Document is one API key as queries see it. Empty texts, zero times and null in the metadata are absent values.
type Document struct {
	ID, Name, Type, UserName, RealmName string
	// Creation, Expiration and Invalidation count to the millisecond.
	Creation, Expiration, Invalidation time.Time
	Invalidated                        bool
	// Metadata reads the metadata, which is made of strictjson.Decode's values; nil if there is none. It is called only if a
	// request looks at the metadata, because read it takes many times its size. MetadataSize is the length of its text in bytes.
	Metadata     func() (map[string]any, error)
	MetadataSize int
	// Record is the caller's own; it comes back with the hit.
	Record any
}

// row is a document while it is evaluated.
type row struct {
	*Document
	// leaves are the values in the metadata by path, sorted, none twice, as far as they were gathered. Those at "" are all values.
	leaves map[string][]string
	// work is that of the run.
	work *work.Budget
	// members is the metadata once it was read. failed is why it cannot be read.
	members map[string]any
	read    bool
	failed  error
}

// metadata returns the metadata, which is read when it is asked for first.
func (r *row) metadata() map[string]any {
	if r.read || r.Metadata == nil || !r.spend(r.MetadataSize/readPerUnit) {
		return r.members
	}
	r.read = true
	r.members, r.failed = r.Metadata()
	return r.members
}

// maxWork bounds the work of a run: a look for a value or at one, a character that a pattern is compared with, a step of a
// path into the metadata. It is a second or two.
const maxWork = 100_000_000

// What is cheaper than a unit of work, or costs more.
const (
	// comparedPerUnit is how many bytes are compared or hashed in a unit.
	comparedPerUnit = 16
	// readPerUnit is how many bytes of metadata are parsed in a unit.
	readPerUnit = 4
	// gatheredLeaf is the units that it takes to gather one value, and to sort it among the others.
	gatheredLeaf = 8
)

// spend counts work, and reports whether there may be more of it. If not, the run fails, and what is still computed until then
// is of no interest.
func (r *row) spend(units int) bool { return r.work.Spend(units) == nil }

// leavesAt returns the values at a path of names joined by dots, or all values for no path. A name in the metadata may have
// dots of its own, so each way to divide the path is followed; they lead to different places, so none is visited twice.
func (r *row) leavesAt(path string) []string {
	if found, gathered := r.leaves[path]; gathered {
		return found
	}
	var found []string
	if path == "" {
		found = r.appendLeaves(nil, r.metadata())
	} else {
		found = r.appendAt(nil, r.metadata(), path)
	}
	if !r.spend(gatheredLeaf * len(found)) {
		return nil
	}
	if r.leaves == nil {
		r.leaves = map[string][]string{}
	}
	r.leaves[path] = distinct(found)
	return r.leaves[path]
}

func (r *row) appendAt(found []string, members map[string]any, path string) []string {
	if value, ok := members[path]; ok {
		found = appendTexts(found, value)
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if !r.spend(1 + len(path)/comparedPerUnit) {
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
		if !r.spend(1) {
			return found
		}
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

func (r *row) appendLeaves(found []string, value any) []string {
	if !r.spend(1) {
		return found
	}
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			found = r.appendLeaves(found, member)
		}
	case []any:
		for _, element := range value {
			found = r.appendLeaves(found, element)
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
