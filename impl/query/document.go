// Package query evaluates Elasticsearch's query language for API keys, roles and users over a stream of documents:
// queries, sorting, paging, and aggregations of keys.
//
// Text is neither analysed nor scored: it is compared as it is, and boosts are validated and ignored. Documents of
// equal rank are ordered by creation time, then by id.
package query

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// Document is one API key, role or user as queries see it. Empty strings, zero times and null metadata are absent
// values. Roles and users have an ID, Texts, and Metadata or Enabled.
type Document struct {
	ID, Name, Type, UserName, RealmName string
	// Creation, Expiration and Invalidation have millisecond resolution.
	Creation, Expiration, Invalidation time.Time
	Invalidated                        bool
	// Metadata returns the metadata as decoded by strictjson.Decode; nil if there is none. It is called only if the
	// request uses the metadata, because decoding takes several times the memory of the text. MetadataSize is the
	// length of the text in bytes.
	Metadata     func() (map[string]any, error)
	MetadataSize int
	// Texts holds the values of a role's or user's fields, sorted and without duplicates and empty ones: see SetTexts.
	Texts   map[string][]string
	Enabled bool
	// Count is the number of keys that the document stands for, which are equal in all that the request uses; zero is
	// one key.
	Count int
}

// SetTexts sets the values of a field of a role or user.
func (d *Document) SetTexts(field string, values ...string) {
	if d.Texts == nil {
		d.Texts = map[string][]string{}
	}
	present := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	d.Texts[field] = distinct(present)
}

// weight returns the number of keys that a document stands for.
func (d *Document) weight() int { return max(d.Count, 1) }

// row is a document under evaluation.
type row struct {
	*Document
	// leaves caches the metadata values by path, sorted and without duplicates. The path "" holds all values.
	leaves map[string][]string
	// work is the budget of the run.
	work *work.Budget
	// members is the decoded metadata, set once read is true. failed is the error of decoding it.
	members map[string]any
	read    bool
	failed  error
}

// metadata decodes the metadata at first use. It returns nil if the work budget does not allow it.
func (r *row) metadata() map[string]any {
	if r.read || r.Metadata == nil || !r.spend(r.MetadataSize/parsedBytesPerUnit) {
		return r.members
	}
	r.read = true
	r.members, r.failed = r.Metadata()
	return r.members
}

// maxWork bounds the work of a run, about one or two seconds. A unit is a lookup of or a test on a value, a character
// compared with a pattern, or a step of a metadata path.
const maxWork = 100_000_000

// Conversions of other costs to units of work.
const (
	// comparedBytesPerUnit is the number of bytes compared or hashed per unit.
	comparedBytesPerUnit = 16
	// parsedBytesPerUnit is the number of bytes of metadata parsed per unit.
	parsedBytesPerUnit = 4
	// unitsPerLeaf is the cost of collecting and sorting one metadata value.
	unitsPerLeaf = 8
)

// spend charges units of work and reports whether the budget allows them. If it does not, the run fails, and results
// computed until then are discarded.
func (r *row) spend(units int) bool { return r.work.Spend(units) == nil }

// leavesAt returns the values at a dotted path, or all values for the empty path. Names in the metadata may contain
// dots, so every split of the path is followed. Different splits lead to different members: no value is visited
// twice.
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

	if !r.spend(unitsPerLeaf * len(found)) {
		return nil
	}
	if r.leaves == nil {
		r.leaves = map[string][]string{}
	}

	r.leaves[path] = distinct(found)
	return r.leaves[path]
}

// appendAt appends the values at a path below an object.
func (r *row) appendAt(found []string, members map[string]any, path string) []string {
	if value, ok := members[path]; ok {
		found = appendTexts(found, value)
	}

	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if !r.spend(1 + len(path)/comparedBytesPerUnit) {
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

// appendInside follows a path into the objects of an array. Array indexes are not part of paths.
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

// appendTexts appends a scalar, or the scalars of an array. Objects are reached by longer paths.
func appendTexts(found []string, value any) []string {
	if elements, ok := value.([]any); ok {
		for _, element := range elements {
			found = appendTexts(found, element)
		}
		return found
	}

	if text, ok := scalarText(value); ok {
		found = append(found, text)
	}

	return found
}

// appendLeaves appends all scalars below a value.
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

// scalarText returns the text by which a string, number or boolean is compared. ok is false for other values.
func scalarText(value any) (text string, ok bool) {
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

// distinct sorts texts in place and removes duplicates.
func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// value is a value of any field, or an absent one. It is comparable and can be a map key.
type value struct {
	missing bool
	// number is a date in milliseconds since 1970, or 1 for true.
	number int64
	text   string
}

// compareValues sorts by number, then by text.
func compareValues(a, b value) int {
	if order := cmp.Compare(a.number, b.number); order != 0 {
		return order
	}
	return strings.Compare(a.text, b.text)
}
