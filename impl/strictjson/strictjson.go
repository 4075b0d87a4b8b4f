// Package strictjson reads JSON as its senders should have meant it: exactly one value, valid UTF-8, no member twice.
// Lenient readers disagree on everything else, and an attacker lives on what two readers disagree about.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// DuplicateError reports a member that an object has twice.
type DuplicateError struct {
	// Path is where the member stands, members joined by dots, elements by their index.
	Path string
}

// Error implements error.
func (e *DuplicateError) Error() string { return fmt.Sprintf("the member %q occurs twice", e.Path) }

// SyntaxError reports that the text is not one JSON value.
type SyntaxError struct {
	// Offset counts the bytes before the place where reading failed.
	Offset int64
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason) }

// Decode reads one JSON value as nil, bool, string, json.Number, []any and map[string]any. It returns a *SyntaxError for
// anything that is not one JSON value nested less than 10,000 deep, and a *DuplicateError for an object with a member
// twice.
func Decode(data []byte) (any, error) {
	if err := check(data); err != nil {
		return nil, err
	}
	r := reader{json.NewDecoder(bytes.NewReader(data))}
	r.UseNumber()
	return r.value()
}

// check refuses what the token reader below lets pass: bad UTF-8, trailing data, bottomless nesting.
func check(data []byte) error {
	if !utf8.Valid(data) {
		return &SyntaxError{Reason: "the text is not UTF-8"}
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if err == nil {
		return nil
	}
	failure := &SyntaxError{Reason: err.Error()}
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it bare
		failure.Offset = syntax.Offset
	}
	return failure
}

type reader struct{ *json.Decoder }

func (r reader) value() (any, error) {
	token, err := r.Token()
	if err != nil {
		return nil, r.failure(err)
	}
	switch token {
	case json.Delim('{'):
		return r.object()
	case json.Delim('['):
		return r.array()
	}
	return token, nil
}

func (r reader) object() (any, error) {
	members := map[string]any{}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, r.failure(err)
		}
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return nil, &DuplicateError{Path: name}
		}
		members[name], err = r.value()
		if err != nil {
			return nil, within(name, err)
		}
	}
	return members, r.closing()
}

func (r reader) array() (any, error) {
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

func (r reader) closing() error {
	if _, err := r.Token(); err != nil {
		return r.failure(err)
	}
	return nil
}

func (r reader) failure(err error) error {
	return &SyntaxError{Offset: r.InputOffset(), Reason: err.Error()}
}

// within puts a step in front of the path in err. Paths are built on the way out of a failure only, because at every
// level of a deep document they would cost the square of its depth.
func within(step string, err error) error {
	if twice, ok := err.(*DuplicateError); ok { //nolint:errorlint // never wrapped in this package
		twice.Path = step + "." + twice.Path
	}
	return err
}
