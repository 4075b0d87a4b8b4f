package xcontent

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Locate returns where in a JSON document the member begins that is reached by these steps, names of members and numbers
// of elements, or for no steps the value itself: the line and the column, both counted from 1, the column in bytes. For
// what is not there, or not JSON, that is 1 and 1.
func Locate(document []byte, path ...string) (line, column int) {
	w := walker{document: document, tokens: json.NewDecoder(bytes.NewReader(document))}
	at, token := w.next()
	for _, step := range path {
		found := false
		switch token {
		case json.Delim('{'):
			at, found = w.member(step)
		case json.Delim('['):
			at, found = w.element(step)
		}
		if !found {
			return Position(document, 0)
		}
		token = w.inside
	}
	return Position(document, at)
}

// Position returns the line and the column, counted as Locate does, of the byte that so many others are before.
func Position(document []byte, offset int64) (line, column int) {
	before := document[:max(0, min(offset, int64(len(document))))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// walker reads a document once, from its beginning.
type walker struct {
	document []byte
	tokens   *json.Decoder
	// inside is the first token of the value that was found last; for one that is not in an object or an array itself,
	// there is nothing to look for.
	inside json.Token
}

// next returns where the next token begins, and it; nil if there is none.
func (w *walker) next() (int64, json.Token) {
	before := w.tokens.InputOffset()
	token, err := w.tokens.Token()
	if err != nil {
		return 0, nil
	}
	between := len(w.document[before:]) - len(bytes.TrimLeft(w.document[before:], " \t\r\n,:"))
	return before + int64(between), token
}

// member finds a member of the object that the walker is in, and goes into its value.
func (w *walker) member(name string) (int64, bool) {
	for w.tokens.More() {
		at, found := w.next()
		if found == nil {
			return 0, false
		}
		if found == name {
			_, w.inside = w.next()
			return at, true
		}
		if !w.skip() {
			return 0, false
		}
	}
	return 0, false
}

// element finds an element of the array that the walker is in, and goes into it.
func (w *walker) element(step string) (int64, bool) {
	index, err := strconv.Atoi(step)
	if err != nil {
		return 0, false
	}
	for ; w.tokens.More() && index > 0; index-- {
		if !w.skip() {
			return 0, false
		}
	}
	if index != 0 || !w.tokens.More() {
		return 0, false
	}
	at, token := w.next()
	w.inside = token
	return at, true
}

// skip passes over a value, and tells whether there was one.
func (w *walker) skip() bool {
	for depth := 0; ; {
		switch token, err := w.tokens.Token(); {
		case err != nil:
			return false
		case token == json.Delim('{'), token == json.Delim('['):
			depth++
		case token == json.Delim('}'), token == json.Delim(']'):
			depth--
		}
		if depth <= 0 {
			return true
		}
	}
}
