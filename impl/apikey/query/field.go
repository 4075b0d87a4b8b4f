package query

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// kind is the data type of a field.
type kind int

const (
	keyword kind = iota
	date
	boolean
	// flattened fields are values in the metadata.
	flattened
)

// String returns the name of the kind in Elasticsearch's messages.
func (k kind) String() string { return [...]string{"keyword", "date", "boolean", "flattened"}[k] }

// field is a queryable property of a document.
type field struct {
	name string
	kind kind
	// path is the path of the values in the metadata; "" means all of them.
	path string
	text func(*Document) string
	time func(*Document) time.Time
	// column is the stored form of the field, if stored is true.
	column condition.Column
	stored bool
}

// fields are the queryable fields by name. Paths below metadata are fields as well, see lookupField.
var fields = map[string]field{
	"name":         textField(condition.Name, func(d *Document) string { return d.Name }),
	typeField:      {kind: keyword, text: func(d *Document) string { return d.Type }},
	"username":     textField(condition.UserName, func(d *Document) string { return d.UserName }),
	realmField:     textField(condition.Realm, func(d *Document) string { return d.RealmName }),
	"creation":     dateField(condition.Creation, func(d *Document) time.Time { return d.Creation }),
	"expiration":   dateField(condition.Expiration, func(d *Document) time.Time { return d.Expiration }),
	"invalidation": dateField(condition.Invalidation, func(d *Document) time.Time { return d.Invalidation }),
	"invalidated":  {kind: boolean},
	metadataField:  {kind: flattened},
}

func textField(column condition.Column, text func(*Document) string) field {
	return field{kind: keyword, text: text, column: column, stored: true}
}

func dateField(column condition.Column, time func(*Document) time.Time) field {
	return field{kind: date, time: time, column: column, stored: true}
}

// The names of fields that are read in their own ways: metadataField is all metadata values, and typeField has the same
// value, StoredType, in all stored keys. No request can name idField.
const (
	idField       = "_id"
	metadataField = "metadata"
	realmField    = "realm_name"
	typeField     = "type"
)

// StoredType is the type of all stored keys.
const StoredType = "rest"

// maxFieldNameBytes bounds field names: following a metadata path costs its length for each document.
const maxFieldNameBytes = 1_000

// lookupField returns the field that a request names, or fault.InvalidData if it may not be queried.
func (c *compiler) lookupField(name string) (field, error) {
	if f, ok := fields[name]; ok {
		c.used[name] = true
		f.name = name
		return f, nil
	}

	if path, ok := strings.CutPrefix(name, "metadata."); ok && path != "" && len(name) <= maxFieldNameBytes {
		c.used[metadataField] = true
		return field{name: name, kind: flattened, path: path}, nil
	}

	return field{}, illegal("Field [%s] is not allowed for querying or aggregation", name)
}

// matchFields returns the fields with names that match a pattern with *. The pattern metadata.* selects all metadata
// values.
func (c *compiler) matchFields(pattern string) ([]field, error) {
	like := wildcard.Parse(pattern)
	var found []field
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if matches, _ := like.Match(name); matches || name == metadataField && pattern == "metadata.*" {
			f := fields[name]
			f.name = name
			c.used[name] = true
			found = append(found, f)
		}
	}

	if len(found) == 0 {
		return nil, illegal("Field name pattern [%s] is not allowed for querying or aggregation", pattern)
	}

	return found, nil
}

// values yields the document's values of the field, ascending and without duplicates. It charges the lookup and one
// comparison of each value.
func (f field) values(r *row) iter.Seq[value] {
	return func(yield func(value) bool) {
		if !r.spend(1) {
			return
		}

		switch f.kind {
		case keyword:
			if text := f.text(r.Document); text != "" && r.spend(1+len(text)/comparedBytesPerUnit) {
				yield(value{text: text})
			}
		case date:
			if at := f.time(r.Document); !at.IsZero() {
				yield(value{number: at.UnixMilli()})
			}
		case boolean:
			yield(boolValue(r.Invalidated))
		case flattened:
			for _, text := range r.leavesAt(f.path) {
				if !r.spend(1+len(text)/comparedBytesPerUnit) || !yield(value{text: text}) {
					return
				}
			}
		}
	}
}

// boolValue returns the value of a boolean.
func boolValue(b bool) value {
	if b {
		return value{number: 1}
	}
	return value{}
}

// hasTexts reports whether the field's values are texts.
func (f field) hasTexts() bool { return f.kind == keyword || f.kind == flattened }

// read reads a value of the field from a request. A date of lower precision is its first millisecond.
func (f field) read(given any, dates dateReader) (value, error) {
	if f.kind == date {
		at, err := dates.read(given, false)
		return value{number: at}, err
	}

	if f.kind == boolean {
		b, err := readBool(given)
		return boolValue(b), err
	}

	text, ok := scalarText(given)
	if !ok {
		return value{}, illegal("the field [%s] accepts only strings, numbers and booleans", f.name)
	}

	return value{text: text}, nil
}

// readBool reads true or false, also as a string.
func readBool(given any) (bool, error) {
	text, _ := scalarText(given)
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}

	return false, illegal("Can't parse boolean value [%s], expected [true] or [false]", text)
}

// show is the inverse of read. Dates are milliseconds, or texts if a format is given.
func (f field) show(v value, format *dateFormat) any {
	switch {
	case v.missing:
		return nil
	case f.kind == date && format != nil:
		return format.print(v.number)
	case f.kind == date:
		return v.number
	case f.kind == boolean:
		return v.number == 1
	}

	return v.text
}
