package filterpath

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// ErrNotJSON means that a document is not one JSON value, or is nested deeper than 10,000 levels.
var ErrNotJSON = errors.New("filterpath: the document is not JSON")

// ErrTooMuchWork means that applying the paths to a document of that size exceeds the limit. The text is fit for a
// caller.
var ErrTooMuchWork = errors.New("the parameter [filter_path] takes too long to apply to this answer; use fewer " +
	"paths, or simpler ones")

// maxWork limits the cost of filtering a document, in units of package work: one for each value that is read, each
// state that a member is compared with, and each character that a * is compared with. The limit corresponds to some
// tenths of a second, and suffices for the largest response with a few paths.
const maxWork = 10_000_000

// Apply returns the parts of the document that the filter keeps, without white space. An object or array of which
// nothing is kept is removed; if nothing is kept at all, the result is an empty object. Arrays do not count as steps of
// a path: their elements have the path of the array. Apply returns ErrNotJSON, ErrTooMuchWork, or the context's error
// once it is done.
func (f *Filter) Apply(ctx context.Context, document []byte) ([]byte, error) {
	// This also limits the depth of the recursion below.
	if !json.Valid(document) {
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

// scope is the state of the filter at a position in the document.
type scope struct {
	included, excluded level
	// whole is true if an included path has ended: everything but excluded members is kept.
	whole bool
	// gone is true if nothing is kept.
	gone bool
}

// rewriter reads the document once and writes the parts that are kept. Objects and arrays that turn out to be empty are
// truncated again.
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

// settled returns the scope with whole and gone derived from its levels.
func (s scope) settled() scope {
	s.whole = s.whole || s.included.arrived
	s.gone = s.gone || s.excluded.arrived || !s.whole && s.included.from == s.included.to
	return s
}

// into returns the scope of a member. Included paths are no longer followed if everything is kept, and none if nothing
// is.
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

// leave closes the scope of a member. The outer scope is that of its object.
func (r *rewriter) leave(inner, outer scope) {
	if outer.gone {
		return
	}
	r.excluded.leave(inner.excluded)
	if !outer.whole {
		r.included.leave(inner.included)
	}
}

// value copies the parts of the next value that the scope keeps, and reports whether there were any. It stops when the
// work budget is exhausted; the result is meaningless then.
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

// container copies the rest of an object or array after its opening bracket. The function part copies a member or an
// element, and reports whether anything was kept. container reports the same for the whole.
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

// next returns the next token, and its text in the document.
func (r *rewriter) next() (token json.Token, text []byte) {
	before := r.tokens.InputOffset()
	token, _ = r.tokens.Token() // no error: the document is valid
	return token, bytes.TrimLeft(r.document[before:r.tokens.InputOffset()], " \t\r\n,:")
}
