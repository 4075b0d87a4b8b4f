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
	// text is the value of a keyword; nil if the document has it in Texts.
	text func(*Document) string
	time func(*Document) time.Time
	flag func(*Document) bool
	// unsortable fields are analysed texts in Elasticsearch, which cannot sort by them.
	unsortable bool
	// column is the stored form of the field, if stored is true.
	column condition.Column
	stored bool
}

// Subject is what the documents of a request are.
type Subject struct {
	// parser is the name of the request body in Elasticsearch's messages.
	parser string
	// fields are the queryable fields by name. If metadata is one, paths below it are as well, see lookupField.
	fields map[string]field
	// aggregates is set if a request may have aggregations.
	aggregates bool
}

// The subjects of requests.
var (
	Keys  = Subject{parser: "query_api_key_request_payload", fields: keyFields, aggregates: true}
	Roles = Subject{parser: "query_role_request_payload", fields: map[string]field{
		"name":                     {kind: keyword},
		"description":              {kind: keyword, unsortable: true},
		"applications.application": {kind: keyword},
		"applications.privileges":  {kind: keyword},
		"applications.resources":   {kind: keyword},
		metadataField:              {kind: flattened},
	}}
	Users = Subject{parser: "query_user_request_payload", fields: map[string]field{
		"username":  {kind: keyword},
		"roles":     {kind: keyword},
		"full_name": {kind: keyword, unsortable: true},
		"email":     {kind: keyword, unsortable: true},
		"enabled":   {kind: boolean, flag: func(d *Document) bool { return d.Enabled }},
	}}
)

// keyFields are the fields of API keys.
var keyFields = map[string]field{
	"name":         textField(condition.Name, func(d *Document) string { return d.Name }),
	typeField:      textField(condition.Type, func(d *Document) string { return d.Type }),
	"username":     textField(condition.UserName, func(d *Document) string { return d.UserName }),
	realmField:     textField(condition.Realm, func(d *Document) string { return d.RealmName }),
	"creation":     dateField(condition.Creation, func(d *Document) time.Time { return d.Creation }),
	"expiration":   dateField(condition.Expiration, func(d *Document) time.Time { return d.Expiration }),
	"invalidation": dateField(condition.Invalidation, func(d *Document) time.Time { return d.Invalidation }),
	"invalidated":  {kind: boolean, flag: func(d *Document) bool { return d.Invalidated }},
	metadataField:  {kind: flattened},
}

func textField(column condition.Column, text func(*Document) string) field {
	return field{kind: keyword, text: text, column: column, stored: true}
}

func dateField(column condition.Column, time func(*Document) time.Time) field {
	return field{kind: date, time: time, column: column, stored: true}
}

// The names of fields that are read in their own ways: metadataField is all metadata values, and typeField has one of
// two values. No request can name idField.
const (
	idField       = "_id"
	metadataField = "metadata"
	realmField    = "realm_name"
	typeField     = "type"
)

// maxFieldNameBytes bounds field names: following a metadata path costs its length for each document.
const maxFieldNameBytes = 1_000

// lookupField returns the field that a request names, or fault.InvalidData if it may not be queried.
func (c *compiler) lookupField(name string) (field, error) {
	if f, ok := c.subject.fields[name]; ok {
		c.used[name] = true
		f.name = name
		return f, nil
	}

	_, hasMetadata := c.subject.fields[metadataField]
	path, below := strings.CutPrefix(name, "metadata.")
	if hasMetadata && below && path != "" && len(name) <= maxFieldNameBytes {
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
	for _, name := range slices.Sorted(maps.Keys(c.subject.fields)) {
		if matches, _ := like.Match(name); matches || name == metadataField && pattern == "metadata.*" {
			f := c.subject.fields[name]
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
			if f.text == nil {
				yieldTexts(r, r.Texts[f.name], yield)
				return
			}
			if text := f.text(r.Document); text != "" && r.spend(1+len(text)/comparedBytesPerUnit) {
				yield(value{text: text})
			}
		case date:
			if at := f.time(r.Document); !at.IsZero() {
				yield(value{number: at.UnixMilli()})
			}
		case boolean:
			yield(boolValue(f.flag(r.Document)))
		case flattened:
			yieldTexts(r, r.leavesAt(f.path), yield)
		}
	}
}

func yieldTexts(r *row, texts []string, yield func(value) bool) {
	for _, text := range texts {
		if !r.spend(1+len(text)/comparedBytesPerUnit) || !yield(value{text: text}) {
			return
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
