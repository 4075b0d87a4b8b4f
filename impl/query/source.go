package query

import (
	"cmp"
	"iter"
	"maps"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// source is the field that an aggregation takes its values from.
type source struct {
	field field
	dates dateReader
	// substitute replaces a missing value; nil if there is none.
	substitute *value
}

// source reads the body of an aggregation: its own options and those of its field.
func (c *compiler) source(a *aggregation, kind string, body map[string]any, own options) (source, error) {
	var name, format, zone string
	var missing any
	known := options{
		"field":      xcontent.Text(&name),
		"format":     xcontent.Text(&format),
		"time_zone":  xcontent.Text(&zone),
		"missing":    rawValue(&missing),
		"value_type": ignoredOption,
	}

	maps.Copy(known, own)
	if err := a.read(kind, body, known); err != nil {
		return source{}, err
	}
	if name == "" {
		return source{}, illegal("Required one of fields [field], but none were specified for [%s]", a.name)
	}

	var s source
	var err error
	if s.field, err = c.lookupField(name); err != nil {
		return s, err
	}
	if s.dates, err = c.dates.with(format, zone); err != nil || missing == nil {
		return s, err
	}

	substitute, err := s.field.read(missing, s.dates)
	s.substitute = &substitute
	return s, err
}

// read reads the options of an aggregation. Scripts are refused.
func (a *aggregation) read(kind string, body map[string]any, known options) error {
	if _, scripted := body["script"]; scripted {
		return illegal("Unsupported script value source for [%s] agg", a.name)
	}
	return xcontent.Parser{Name: kind, Fields: known}.Read(body)
}

// values yields the values of a document, or the substitute if it has none.
func (s source) values(r *row) iter.Seq[value] {
	return func(yield func(value) bool) {
		some := false
		for v := range s.field.values(r) {
			some = true
			if !yield(v) {
				return
			}
		}

		if !some && s.substitute != nil {
			yield(*s.substitute)
		}
	}
}

// has reports whether a document has a value.
func (s source) has(r *row) bool {
	for range s.values(r) {
		return true
	}
	return false
}

// text formats a date or boolean for the _as_string members.
func (s source) text(v value) string {
	if s.field.kind == boolean {
		if v.number == 1 {
			return "true"
		}
		return "false"
	}

	return cmp.Or(s.dates.format, isoFormat).print(v.number)
}

// label adds a value to an object as the key of a bucket.
func (s source) label(v value, object map[string]any) map[string]any {
	if s.field.hasTexts() {
		object["key"] = v.text
		return object
	}
	object["key"], object["key_as_string"] = v.number, s.text(v)
	return object
}
