package filterpath

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/sallyport/sallyport/impl/overload/work"
)

// ErrNotJSON means that a document is not one JSON value, or one that is nested more than 10,000 deep.
var ErrNotJSON = errors.New("filterpath: the document is not JSON")

// ErrTooMuchWork means that there are too many paths for a document of that size. The text is fit for a caller.
var ErrTooMuchWork = errors.New("the parameter [filter_path] takes too long to apply to this answer; use fewer paths, or simpler ones")

// maxWork bounds what it takes to filter one document, in units of package work: a value that is read, a state of the paths that
// a member is compared with, a character that a * is compared with. It is some tenths of a second, and enough for the largest
// answer with a few paths.
const maxWork = 10_000_000

// Apply returns the document without what the filter does not keep, and without blanks. An object or an array of which
// nothing is kept goes too; if nothing at all is kept, the result is an empty object. Arrays are no steps of a path: their
// elements stand where they do. It returns ErrNotJSON, ErrTooMuchWork, and the context's error once that is done.
func (f *Filter) Apply(ctx context.Context, document []byte) ([]byte, error) {
	if !json.Valid(document) { // which also bounds how deep the calls below go
		return nil, ErrNotJSON
	}
	spent := work.New(ctx, maxWork, ErrTooMuchWork)
	r := &rewriter{
		document: document,
		tokens:   json.NewDecoder(bytes.NewReader(document)),
		work:     spent,
		included: newRun(&f.included, spent),
		excluded: newRun(&f.excluded, spent),
	}
	r.tokens.UseNumber()
	found := r.value(r.begin())
	if err := spent.Err(); err != nil {
		return nil, err
	}
	if !found {
		return []byte("{}"), nil
	}
	return r.kept.Bytes(), nil
}

// scope is what the filter says about a place in the document.
type scope struct {
	included, excluded level
	// whole places are kept, but for what is excluded.
	whole bool
	// gone places are not.
	gone bool
}

// rewriter reads the document once and writes what is kept. What turns out to be empty is cut off again.
type rewriter struct {
	document           []byte
	tokens             *json.Decoder
	work               *work.Budget
	included, excluded *run
	kept               bytes.Buffer
}

func (r *rewriter) begin() scope {
	s := scope{whole: r.included.empty()}
	s.included, s.excluded = r.included.begin(), r.excluded.begin()
	return s.settled()
}

func (s scope) settled() scope {
	s.whole = s.whole || s.included.arrived
	s.gone = s.gone || s.excluded.arrived || !s.whole && s.included.from == s.included.to
	return s
}

// into returns the scope of a member. Where everything is kept or nothing is, no path is followed any more.
func (r *rewriter) into(s scope, name string) scope {
	if s.gone {
		return s
	}
	s.excluded = r.excluded.into(s.excluded, name)
	if !s.whole {
		s.included = r.included.into(s.included, name)
	}
	return s.settled()
}

// leave closes the scope of a member of what has another scope.
func (r *rewriter) leave(inner, outer scope) {
	if outer.gone {
		return
	}
	r.excluded.leave(inner.excluded)
	if !outer.whole {
		r.included.leave(inner.included)
	}
}

// value copies the next value as far as the scope keeps it, and reports whether anything of it was kept. When
// the work is used up it stops, and the result means nothing.
func (r *rewriter) value(s scope) bool {
	if r.work.Spend(1) != nil {
		return false
	}
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
	inner := r.into(s, name)
	defer r.leave(inner, s)
	return r.value(inner)
}

// container copies what is left of an object or an array, each part of it by a function.
func (r *rewriter) container(s scope, end byte, part func(scope) bool) bool {
	start := r.kept.Len()
	r.kept.WriteByte(map[byte]byte{'}': '{', ']': '['}[end])
	found, some := false, false
	for r.work.Err() == nil && r.tokens.More() {
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
