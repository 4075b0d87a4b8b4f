package schemacheck

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Decode decodes text that a check has accepted to nil, bool, string, json.Number, []any or map[string]any. Nothing of
// the value refers to the text.
func Decode(accepted []byte) any {
	d := decoder{reader: reader{text: accepted}}
	return d.value()
}

// DecodeExcept is Decode, but leaves the named members of an object undecoded, as Raw.
func DecodeExcept(accepted []byte, names []string) any {
	d := decoder{reader: reader{text: accepted}}
	if len(names) == 0 || d.next() != '{' {
		return d.value()
	}

	members := map[string]any{}
	d.at++
	for d.more('}') {
		name := d.name()
		if i := slices.IndexFunc(names, func(each string) bool { return each == string(name) }); i >= 0 {
			members[names[i]] = Raw(d.raw())
		} else {
			members[string(name)] = d.value()
		}
	}
	return members
}

// Raw is the text of a value, part of a text that a check has accepted.
type Raw []byte

// Text returns the text, which must not be changed.
func (r Raw) Text() []byte { return r }

// Decode is Decode of the text.
func (r Raw) Decode() any { return Decode(r) }

// Strings returns the elements of an array of strings, all of them in one block of memory. It returns false for any
// other value.
func (r Raw) Strings() ([]string, bool) {
	if r[0] != '[' {
		return nil, false
	}

	text := string(r)
	elements := make([]string, 0, bytes.Count(r, []byte{'"'})/2)
	in := reader{text: r, at: 1}
	for in.more(']') {
		if in.next() != '"' {
			return nil, false
		}
		start := in.at + 1
		content, escaped := in.quoted()
		if escaped {
			elements = append(elements, string(unescape(content)))
		} else {
			elements = append(elements, text[start:start+len(content)])
		}
	}
	return elements, true
}

// reader reads text that a check has accepted.
type reader struct {
	text []byte
	at   int
}

// next skips white space, and returns the byte behind it.
func (r *reader) next() byte {
	for {
		switch c := r.text[r.at]; c {
		case ' ', '\n', '\t', '\r':
			r.at++
		default:
			return c
		}
	}
}

// more moves to the next element or member of an array or object that ends with a byte. It returns false, and moves
// behind the array or object, if there is none.
func (r *reader) more(end byte) bool {
	switch r.next() {
	case end:
		r.at++
		return false
	case ',':
		r.at++
	}
	return true
}

// scalar returns a number or a literal.
func (r *reader) scalar() []byte {
	start := r.at
	for r.at < len(r.text) && !isDelimiter(r.text[r.at]) {
		r.at++
	}
	return r.text[start:r.at]
}

// isDelimiter reports whether a byte ends a number or literal.
func isDelimiter(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\t' || c == '\r'
}

// content returns the value of a string.
func (r *reader) content() []byte {
	content, escaped := r.quoted()
	if escaped {
		return unescape(content)
	}
	return content
}

// quoted returns the text of a string between its quotes, and whether it has escapes.
func (r *reader) quoted() (content []byte, escaped bool) {
	r.at++
	start := r.at
	end := start + bytes.IndexByte(r.text[start:], '"')
	if bytes.IndexByte(r.text[start:end], '\\') < 0 {
		r.at = end + 1
		return r.text[start:end], false
	}
	for {
		switch r.text[r.at] {
		case '"':
			r.at++
			return r.text[start : r.at-1], escaped
		case '\\':
			escaped = true
			r.at++
		}
		r.at++
	}
}

// name returns the name of a member, and moves behind the colon.
func (r *reader) name() []byte {
	r.next()
	name := r.content()
	r.next()
	r.at++
	return name
}

// raw returns the text of a value.
func (r *reader) raw() []byte {
	r.next()
	start := r.at
	for open := 0; ; {
		switch r.next() {
		case '"':
			r.quoted()
		case '{', '[':
			open++
			r.at++
		case '}', ']':
			open--
			r.at++
		case ',', ':':
			r.at++
		default:
			r.scalar()
		}
		if open == 0 {
			return r.text[start:r.at]
		}
	}
}

// decoder decodes what a reader reads to values of any type.
type decoder struct {
	reader

	// elements are those of all open arrays, so that an array is allocated once, when its length is known.
	elements []any
	// shared are strings that were read, by a hash. Names, and values such as those of enumerations, occur again and
	// again.
	shared [sharedStrings]any
}

const (
	sharedStrings = 32
	// maxShared is the length in bytes up to which strings are shared.
	maxShared = 32
)

// share returns a string, the same one if it was read before and not replaced since.
func (d *decoder) share(content []byte) any {
	if len(content) == 0 || len(content) > maxShared {
		return string(content)
	}
	slot := &d.shared[(len(content)+int(content[0])+5*int(content[len(content)-1]))%sharedStrings]
	if known, ok := (*slot).(string); !ok || known != string(content) {
		*slot = string(content)
	}
	return *slot
}

func (d *decoder) value() any {
	switch d.next() {
	case '"':
		return d.share(d.content())
	case '{':
		return d.object()
	case '[':
		return d.array()
	case 't':
		d.at += len("true")
		return true
	case 'f':
		d.at += len("false")
		return false
	case 'n':
		d.at += len("null")
		return nil
	}
	return json.Number(d.scalar())
}

func (d *decoder) object() map[string]any {
	members := map[string]any{}
	d.at++
	for d.more('}') {
		name := d.share(d.name()).(string)
		members[name] = d.value()
	}
	return members
}

func (d *decoder) array() []any {
	first := len(d.elements)
	d.at++
	for d.more(']') {
		element := d.value()
		d.elements = append(d.elements, element)
	}

	elements := make([]any, len(d.elements)-first)
	copy(elements, d.elements[first:])
	d.elements = d.elements[:first]
	return elements
}
