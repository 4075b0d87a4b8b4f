// Package strictjson reads JSON as its senders should have meant it: exactly one value, valid UTF-8, no member twice.
// Lenient readers disagree on everything else, and an attacker lives on what two readers disagree about.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// DuplicateError reports a member that an object has twice.
type DuplicateError struct {
	// Path is where the member stands, members joined by dots, elements by their index.
	Path string
	// Steps are the members and the indexes of the path, the last of them the member's name.
	Steps []string
	// Offset counts the bytes before the end of the member's second name.
	Offset int64
}

// Error implements error.
func (e *DuplicateError) Error() string { return fmt.Sprintf("the member %q occurs twice", e.Path) }

// SyntaxError reports that the text is not one JSON value.
type SyntaxError struct {
	// Offset counts the bytes before the place where reading failed.
	Offset int64
	// Reason never quotes the text, which may hold a secret.
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason) }

// DepthError reports that a value is nested too deep.
type DepthError struct {
	// Path is where the first object or array below the limit stands, members joined by dots, elements by their index.
	Path string
	// Steps are the members and the indexes of the path.
	Steps []string
	// Offset counts the bytes before it.
	Offset int64
}

// Error implements error.
func (e *DepthError) Error() string {
	return fmt.Sprintf("objects and arrays are nested deeper than %d levels", MaxDepth)
}

// MaxDepth is how deep objects and arrays may be nested in what a caller sends. Everything that is done with a value later
// on may rely on it.
const MaxDepth = 64

// Decode reads one JSON value as nil, bool, string, json.Number, []any and map[string]any. It returns a *SyntaxError for
// anything that is not one JSON value, a *DuplicateError for an object with a member twice, and a *DepthError for a value
// nested deeper than MaxDepth.
func Decode(data []byte) (any, error) { return decode(data, MaxDepth) }

// DecodeStored is Decode for what the server has stored. It takes up to 10,000 levels, the limit of encoding/json, because
// that was once the limit of what a caller may send.
func DecodeStored(data []byte) (any, error) {
	const oldest = 10_000 // of encoding/json's reader, which check has called
	return decode(data, oldest)
}

func decode(data []byte, maxDepth int) (any, error) {
	if err := check(data); err != nil {
		return nil, err
	}
	r := &reader{Decoder: json.NewDecoder(bytes.NewReader(data)), levels: maxDepth}
	r.UseNumber()
	value, err := r.value()
	switch e := err.(type) { //nolint:errorlint // never wrapped in this package
	case *DuplicateError:
		e.Path = joined(e.Steps)
	case *DepthError:
		e.Path = joined(e.Steps)
	}
	return value, err
}

// check refuses what the token reader below lets pass: bad UTF-8, trailing data, bottomless nesting.
func check(data []byte) error {
	if !utf8.Valid(data) {
		return &SyntaxError{Reason: "the text is not UTF-8"}
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if err == nil {
		return checkSurrogates(data)
	}
	failure := &SyntaxError{Reason: notJSON}
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it bare
		failure.Offset = syntax.Offset
	}
	return failure
}

const notJSON = "this is not JSON, or ends too early"

// checkSurrogates refuses halves of UTF-16 pairs, which readers replace by one and the same character: two different
// passwords would become one.
func checkSurrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // at the character that is escaped; data is valid, so there is one
		first := escaped(data, i)
		if !utf16.IsSurrogate(first) {
			continue
		}
		if utf16.DecodeRune(first, escaped(data, i+6)) == utf8.RuneError || data[i+5] != '\\' {
			return &SyntaxError{Offset: int64(i), Reason: "this is half of a UTF-16 pair"}
		}
		i += 10
	}
	return nil
}

// escaped returns the character of uXXXX at a place, or 0.
func escaped(data []byte, at int) rune {
	if at+5 > len(data) || data[at] != 'u' {
		return 0
	}
	code, err := strconv.ParseUint(string(data[at+1:at+5]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(code)
}

type reader struct {
	*json.Decoder

	// levels is how many more objects and arrays may be opened inside of each other.
	levels int
}

func (r *reader) value() (any, error) {
	token, err := r.Token()
	if err != nil {
		return nil, r.failure()
	}
	if _, nested := token.(json.Delim); !nested {
		return token, nil
	}
	if r.levels == 0 {
		return nil, &DepthError{Offset: r.InputOffset() - 1}
	}
	r.levels--
	defer func() { r.levels++ }()
	if token == json.Delim('{') {
		return r.object()
	}
	return r.array()
}

func (r *reader) object() (any, error) {
	members := map[string]any{}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, r.failure()
		}
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return nil, &DuplicateError{Steps: []string{name}, Offset: r.InputOffset()}
		}
		members[name], err = r.value()
		if err != nil {
			return nil, within(name, err)
		}
	}
	return members, r.closing()
}

func (r *reader) array() (any, error) {
	elements := []any{}
	for r.More() {
		element, err := r.value()
		if err != nil {
			return nil, within(strconv.Itoa(len(elements)), err)
		}
		elements = append(elements, element)
	}
	return elements, r.closing()
}

func (r *reader) closing() error {
	if _, err := r.Token(); err != nil {
		return r.failure()
	}
	return nil
}

func (r *reader) failure() error {
	return &SyntaxError{Offset: r.InputOffset(), Reason: notJSON}
}

// within adds a step, from the inside out, to the path of a failure on its way out. Paths are put together once, at the
// end: at every level of a deep document they would cost the square of its depth.
func within(step string, err error) error {
	switch e := err.(type) { //nolint:errorlint // never wrapped in this package
	case *DuplicateError:
		e.Steps = append(e.Steps, step)
	case *DepthError:
		e.Steps = append(e.Steps, step)
	}
	return err
}

// joined brings steps into the order from the outside in, and returns the path.
func joined(steps []string) string {
	slices.Reverse(steps)
	return strings.Join(steps, ".")
}
