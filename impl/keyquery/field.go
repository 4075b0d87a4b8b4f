package keyquery

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/overload/wildcard"
)

type kind int

const (
	keyword kind = iota
	date
	boolean
	// flattened are the values somewhere in the metadata.
	flattened
)

// String is what messages call the kind.
func (k kind) String() string { return [...]string{"keyword", "date", "boolean", "flattened"}[k] }

// field is something that a document has values of.
type field struct {
	name string
	kind kind
	// path is where in the metadata the values are; "" is anywhere.
	path string
	text func(*Document) string
	time func(*Document) time.Time
}

var fields = map[string]field{
	"name":         {kind: keyword, text: func(d *Document) string { return d.Name }},
	"type":         {kind: keyword, text: func(d *Document) string { return d.Type }},
	"username":     {kind: keyword, text: func(d *Document) string { return d.UserName }},
	"realm_name":   {kind: keyword, text: func(d *Document) string { return d.RealmName }},
	"creation":     {kind: date, time: func(d *Document) time.Time { return d.Creation }},
	"expiration":   {kind: date, time: func(d *Document) time.Time { return d.Expiration }},
	"invalidation": {kind: date, time: func(d *Document) time.Time { return d.Invalidation }},
	"invalidated":  {kind: boolean},
	"metadata":     {kind: flattened},
}

// longestName bounds the names of fields, in bytes: paths into the metadata cost their length for each document.
const longestName = 1_000

// fieldNamed returns the field of a name that a request gives.
func fieldNamed(name string) (field, error) {
	if f, ok := fields[name]; ok {
		f.name = name
		return f, nil
	}
	if path, ok := strings.CutPrefix(name, "metadata."); ok && path != "" && len(name) <= longestName {
		return field{name: name, kind: flattened, path: path}, nil
	}
	return field{}, illegal("Field [%s] is not allowed for querying or aggregation", name)
}

// fieldsLike returns the fields whose names match a pattern with *. A pattern of paths into the metadata stands for the
// metadata as a whole.
func fieldsLike(pattern string) ([]field, error) {
	like := wildcard.Parse(pattern)
	var found []field
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if matches, _ := like.Match(name); matches || name == "metadata" && pattern == "metadata.*" {
			f := fields[name]
			f.name = name
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return nil, illegal("Field name pattern [%s] is not allowed for querying or aggregation", pattern)
	}
	return found, nil
}

// values yields what a document has in the field, in ascending order, nothing twice. The look for it is counted, and each value,
// as what is enough to compare it once.
func (f field) values(r *row) iter.Seq[value] {
	return func(yield func(value) bool) {
		if !r.spend(1) {
			return
		}
		switch f.kind {
		case keyword:
			if text := f.text(r.Document); text != "" && r.spend(1+len(text)/comparedPerUnit) {
				yield(value{text: text})
			}
		case date:
			if at := f.time(r.Document); !at.IsZero() {
				yield(value{number: at.UnixMilli()})
			}
		case boolean:
			yield(truth(r.Invalidated))
		case flattened:
			for _, text := range r.leavesAt(f.path) {
				if !r.spend(1+len(text)/comparedPerUnit) || !yield(value{text: text}) {
					return
				}
			}
		}
	}
}

func truth(b bool) value {
	if b {
		return value{number: 1}
	}
	return value{}
}

// texts tells whether the field's values are texts.
func (f field) texts() bool { return f.kind == keyword || f.kind == flattened }

// read reads one value of the field from a request; a date that leaves something open stands for its beginning.
func (f field) read(given any, dates dateReader) (value, error) {
	if f.kind == date {
		at, err := dates.read(given, false)
		return value{number: at}, err
	}
	if f.kind == boolean {
		b, err := readTruth(given)
		return truth(b), err
	}
	text, ok := leafText(given)
	if !ok {
		return value{}, illegal("the field [%s] has texts, numbers and booleans only", f.name)
	}
	return value{text: text}, nil
}

func readTruth(given any) (bool, error) {
	text, _ := leafText(given)
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, illegal("Can't parse boolean value [%s], expected [true] or [false]", text)
}

// show is the inverse of read. Dates are milliseconds, or texts if there is a format to write them in.
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
