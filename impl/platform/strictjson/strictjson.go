// Package strictjson decodes JSON strictly: exactly one value, valid UTF-8, no duplicate members. Lenient decoders
// interpret other input differently, and an attacker can exploit the difference between two decoders.
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

// DuplicateError reports a member that occurs twice in an object.
type DuplicateError struct {
	// Path is the path of the member: member names and element indexes, joined by dots.
	Path string
	// Steps are the member names and element indexes of the path; the last is the member's name.
	Steps []string
	// Offset is the offset in bytes of the end of the second occurrence of the name.
	Offset int64
}

// Error implements error.
func (e *DuplicateError) Error() string { return fmt.Sprintf("the member %q occurs twice", e.Path) }

// SyntaxError reports that the text is not one JSON value.
type SyntaxError struct {
	// Offset is the offset in bytes where decoding failed.
	Offset int64
	// Reason is fit for a caller. It never quotes the text, which may contain a secret.
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason) }

// DepthError reports a value that is nested too deep.
type DepthError struct {
	// Path is the path of the first object or array beyond the limit: member names and element indexes, joined by dots.
	Path string
	// Steps are the member names and element indexes of the path.
	Steps []string
	// Offset is the offset in bytes of that object or array.
	Offset int64
}

// Error implements error.
func (e *DepthError) Error() string {
	return fmt.Sprintf("objects and arrays are nested deeper than %d levels", MaxDepth)
}

// MaxDepth is the maximum nesting of objects and arrays in a caller's input. Code that processes decoded values may
// rely on it.
const MaxDepth = 64

// Decode decodes one JSON value to nil, bool, string, json.Number, []any or map[string]any. It returns a *SyntaxError
// for input that is not one JSON value, a *DuplicateError for a duplicate member, and a *DepthError for a value nested
// deeper than MaxDepth.
func Decode(data []byte) (any, error) { return decode(data, MaxDepth) }

// MaxStoredDepth is the maximum nesting of values in the store, which was the limit for callers' input in earlier
// versions. encoding/json has the same limit.
const MaxStoredDepth = 10_000

// DecodeStored is like Decode, for values read from the store. It accepts up to MaxStoredDepth levels.
func DecodeStored(data []byte) (any, error) { return decode(data, MaxStoredDepth) }

func decode(data []byte, maxDepth int) (any, error) {
	if err := check(data); err != nil {
		return nil, err
	}

	r := &decoder{Decoder: json.NewDecoder(bytes.NewReader(data)), levels: maxDepth}
	r.UseNumber()
	value, err := r.value()

	switch e := err.(type) { //nolint:errorlint // never wrapped in this package
	case *DuplicateError:
		e.Path = joinSteps(e.Steps)
	case *DepthError:
		e.Path = joinSteps(e.Steps)
	}
	return value, err
}

// check refuses input that the token decoder accepts: invalid UTF-8, trailing data, unlimited nesting.
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

// checkSurrogates refuses unpaired UTF-16 surrogates. Decoders replace all of them by the same character, so two
// different passwords would become equal.
func checkSurrogates(data []byte) error {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}

		// Move to the escaped character. There is one, because data is valid JSON.
		i++
		first := unescape(data, i)
		if !utf16.IsSurrogate(first) {
			continue
		}

		if utf16.DecodeRune(first, unescape(data, i+6)) == utf8.RuneError || data[i+5] != '\\' {
			return &SyntaxError{Offset: int64(i), Reason: "this is half of a UTF-16 pair"}
		}
		i += 10
	}
	return nil
}

// unescape returns the code unit of an escape uXXXX at an offset, or 0.
func unescape(data []byte, at int) rune {
	if at+5 > len(data) || data[at] != 'u' {
		return 0
	}
	code, err := strconv.ParseUint(string(data[at+1:at+5]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(code)
}

type decoder struct {
	*json.Decoder

	// levels is the number of further levels that may be nested.
	levels int
}

func (r *decoder) value() (any, error) {
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

func (r *decoder) object() (any, error) {
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

func (r *decoder) array() (any, error) {
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

func (r *decoder) closing() error {
	if _, err := r.Token(); err != nil {
		return r.failure()
	}
	return nil
}

func (r *decoder) failure() error {
	return &SyntaxError{Offset: r.InputOffset(), Reason: notJSON}
}

// within appends a step to the path of an error. Steps are appended from the inside out, and joined once, at the end:
// joining them at every level would take time quadratic in the depth.
func within(step string, err error) error {
	switch e := err.(type) { //nolint:errorlint // never wrapped in this package
	case *DuplicateError:
		e.Steps = append(e.Steps, step)
	case *DepthError:
		e.Steps = append(e.Steps, step)
	}
	return err
}

// joinSteps reverses the steps, so that the outermost is first, and returns the path.
func joinSteps(steps []string) string {
	slices.Reverse(steps)
	return strings.Join(steps, ".")
}
