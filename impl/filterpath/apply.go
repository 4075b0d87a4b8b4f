package filterpath

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrNotJSON means that a document is not one JSON value, or one that is nested more than 10,000 deep.
var ErrNotJSON = errors.New("filterpath: the document is not JSON")

// Apply returns the document without what the filter does not keep, and without blanks. An object or an array of which
// nothing is kept goes too; if nothing at all is kept, the result is an empty object. Arrays are no steps of a path: their
// elements stand where they do. It returns ErrNotJSON.
func (f *Filter) Apply(document []byte) ([]byte, error) {
	if !json.Valid(document) { // which also bounds how deep the calls below go
		return nil, ErrNotJSON
	}
	r := &rewriter{document: document, tokens: json.NewDecoder(bytes.NewReader(document))}
	r.tokens.UseNumber()
	start := scope{included: begin(f.included), excluded: begin(f.excluded), whole: len(f.included) == 0}
	if !r.value(start.settled()) {
		return []byte("{}"), nil
	}
	return r.kept.Bytes(), nil
}

// scope is what the filter says about a place in the document.
type scope struct {
	included, excluded states
	// whole places are kept, but for what is excluded.
	whole bool
	// gone places are not.
	gone bool
}

func (s scope) settled() scope {
	s.whole = s.whole || s.included.arrived()
	s.gone = s.gone || s.excluded.arrived() || !s.whole && len(s.included) == 0
	return s
}

func (s scope) into(name string) scope {
	if s.gone {
		return s
	}
	s.excluded = s.excluded.into(name)
	if !s.whole {
		s.included = s.included.into(name)
	}
	return s.settled()
}

// rewriter reads the document once and writes what is kept. What turns out to be empty is cut off again.
type rewriter struct {
	document []byte
	tokens   *json.Decoder
	kept     bytes.Buffer
}

// value copies the next value as far as the scope keeps it, and tells whether anything of it was kept.
func (r *rewriter) value(s scope) bool {
	token, text := r.next()
	switch token {
	case json.Delim('{'):
		return r.container(s, '}', r.member)
	case json.Delim('['):
		return r.container(s, ']', r.value)
	}
	if s.gone || !s.whole {
		return false
	}
	r.kept.Write(text)
	return true
}

func (r *rewriter) member(s scope) bool {
	token, text := r.next()
	name, _ := token.(string)
	r.kept.Write(text)
	r.kept.WriteByte(':')
	return r.value(s.into(name))
}

// container copies what is left of an object or an array, each part of it by a function.
func (r *rewriter) container(s scope, end byte, part func(scope) bool) bool {
	start := r.kept.Len()
	r.kept.WriteByte(map[byte]byte{'}': '{', ']': '['}[end])
	found, some := false, false
	for r.tokens.More() {
		found = true
		before := r.kept.Len()
		if some {
			r.kept.WriteByte(',')
		}
		if !part(s) {
			r.kept.Truncate(before)
			continue
		}
		some = true
	}
	r.next()
	r.kept.WriteByte(end)
	if !some && (found || s.gone || !s.whole) {
		r.kept.Truncate(start)
		return false
	}
	return true
}

// next returns the next token, and its text as it is written.
func (r *rewriter) next() (token json.Token, text []byte) {
	before := r.tokens.InputOffset()
	token, _ = r.tokens.Token() // the document was checked
	return token, bytes.TrimLeft(r.document[before:r.tokens.InputOffset()], " \t\r\n,:")
}
