package xcontent

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Locate returns the line and the column where the member or element at a path begins in a JSON document. The steps of
// the path are member names and element indexes; an empty path is the document's value. Both numbers count from 1,
// columns in bytes. Locate returns 1, 1 if there is no such member or the document is not JSON.
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
		token = w.first
	}
	return Position(document, at)
}

// Position returns the line and the column, counted as by Locate, of the byte at an offset.
func Position(document []byte, offset int64) (line, column int) {
	before := document[:max(0, min(offset, int64(len(document))))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// walker reads the tokens of a document in order.
type walker struct {
	document []byte
	tokens   *json.Decoder
	// first is the first token of the value that was found last. Only an object or an array can be searched further.
	first json.Token
}

// next returns the offset of the next token and the token, which is nil if there is none.
func (w *walker) next() (int64, json.Token) {
	before := w.tokens.InputOffset()
	token, err := w.tokens.Token()
	if err != nil {
		return 0, nil
	}

	// The token begins after white space and separators.
	between := len(w.document[before:]) - len(bytes.TrimLeft(w.document[before:], " \t\r\n,:"))
	return before + int64(between), token
}

// member finds a member of the current object and reads the first token of its value. It returns the offset of its
// name.
func (w *walker) member(name string) (int64, bool) {
	for w.tokens.More() {
		at, found := w.next()
		if found == nil {
			return 0, false
		}
		if found == name {
			_, w.first = w.next()
			return at, true
		}

		if !w.skip() {
			return 0, false
		}
	}
	return 0, false
}

// element finds an element of the current array and reads its first token. It returns the element's offset.
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
	w.first = token
	return at, true
}

// skip reads a value, and reports whether there was one.
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
