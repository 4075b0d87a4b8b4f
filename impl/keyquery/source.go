package keyquery

import (
	"iter"
	"maps"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// source is where an aggregation takes its values from.
type source struct {
	field field
	dates dateReader
	// instead stands for a value that is missing; nil if nothing does.
	instead *value
}

// source reads the options of an aggregation: its own, and those of its field.
func (c *compiler) source(a *aggregation, kind string, body map[string]any, own options) (source, error) {
	var name, format, zone string
	var missing any
	known := options{
		"field": xcontent.Text(&name), "format": xcontent.Text(&format), "time_zone": xcontent.Text(&zone), "missing": anything(&missing),
		"value_type": unused,
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
	if s.field, err = fieldNamed(name); err != nil {
		return s, err
	}
	if s.dates, err = c.dates.with(format, zone); err != nil || missing == nil {
		return s, err
	}
	instead, err := s.field.read(missing, s.dates)
	s.instead = &instead
	return s, err
}

// read reads the options of an aggregation. None may have a program in it.
func (a *aggregation) read(kind string, body map[string]any, known options) error {
	if _, scripted := body["script"]; scripted {
		return illegal("Unsupported script value source for [%s] agg", a.name)
	}
	return xcontent.Parser{Name: kind, Fields: known}.Read(body)
}

// values yields the values of a document, or what stands for them.
func (s source) values(r *row) iter.Seq[value] {
	return func(yield func(value) bool) {
		some := false
		for v := range s.field.values(r) {
			some = true
			if !yield(v) {
				return
			}
		}
		if !some && s.instead != nil {
			yield(*s.instead)
		}
	}
}

// has tells whether a document has any value.
func (s source) has(r *row) bool {
	for range s.values(r) {
		return true
	}
	return false
}

// text writes a value of a date or a boolean for people.
func (s source) text(v value) string {
	if s.field.kind == boolean {
		if v.number == 1 {
			return "true"
		}
		return "false"
	}
	format := s.dates.format
	if format == nil {
		format = isoFormat
	}
	return format.print(v.number)
}

// label writes a value as the key of a bucket.
func (s source) label(v value, object map[string]any) map[string]any {
	if s.field.texts() {
		object["key"] = v.text
		return object
	}
	object["key"], object["key_as_string"] = v.number, s.text(v)
	return object
}
