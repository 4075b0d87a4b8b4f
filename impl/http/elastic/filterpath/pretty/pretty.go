// Package pretty indents JSON. The size of its output is at most proportional to that of its input.
package pretty

import (
	"bytes"
	"encoding/json"
)

const (
	// width is the indentation per level in spaces.
	width = 2
	// maxDepth is the deepest level that has one line per member or element. Deeper values stay on one line, because
	// indenting a deep document completely takes space quadratic in its depth.
	maxDepth = 20
	// freeSpace plus maxRatio times the document's size is the limit on bytes of line breaks and indentation. The rest of
	// the document stays on one line.
	freeSpace = 64 << 10
	maxRatio  = 4
)

// Indent returns a JSON document indented by two spaces per level, as by encoding/json, with a line break at its end.
// Values nested deeper than 20 levels stay on one line, and so does the rest of a document once white space exceeds
// four times its size plus 64 KiB. Indent reports false if the document is not one JSON value.
func Indent(document []byte) (indented []byte, ok bool) {
	if !json.Valid(document) {
		return nil, false
	}

	w := writer{out: make([]byte, 0, Size(document)), writes: true}
	w.document(document)
	return w.out, true
}

// Size returns the length of the result of Indent, in bytes.
func Size(document []byte) int {
	var w writer
	w.document(document)
	return w.size
}

// writer writes a document, or only counts its bytes.
type writer struct {
	out    []byte
	size   int
	writes bool
	depth  int
	// space is the number of bytes left for line breaks and indentation.
	space int
}

func (w *writer) put(text ...byte) {
	w.size += len(text)
	if w.writes {
		w.out = append(w.out, text...)
	}
}

// breakLine starts a line indented for level. Parts is the level of the members or elements that the line belongs to;
// nothing is written if it is too deep, or if no space is left.
func (w *writer) breakLine(level, parts int) {
	needed := 1 + level*width
	if parts > maxDepth || needed > w.space {
		return
	}

	w.space -= needed
	w.put('\n')
	for range level * width {
		w.put(' ')
	}
}

func (w *writer) document(document []byte) {
	document = bytes.TrimSpace(document)
	w.space = freeSpace + maxRatio*len(document)
	for i := 0; i < len(document); {
		i += w.token(document, i)
	}
	w.put('\n')
}

// token writes the token at an offset, and returns its length in the document.
func (w *writer) token(document []byte, at int) int {
	switch c := document[at]; c {
	case ' ', '\t', '\r', '\n':
		return 1
	case '"':
		length := stringLength(document[at:])
		w.put(document[at : at+length]...)
		return length
	case '{', '[':
		w.put(c)
		return 1 + w.begin(document[at+1:])
	case '}', ']':
		w.depth--
		w.breakLine(w.depth, w.depth+1)
		w.put(c)
	case ',':
		w.put(c)
		w.breakLine(w.depth, w.depth)
	case ':':
		w.put(c, ' ')
	default:
		w.put(c)
	}
	return 1
}

// begin starts the first line of an object or array, given the text after its opening bracket. If it is empty, begin
// writes the closing bracket instead, and returns the length of the text up to its end.
func (w *writer) begin(rest []byte) int {
	inside := bytes.TrimLeft(rest, " \t\r\n")
	if len(inside) > 0 && (inside[0] == '}' || inside[0] == ']') {
		w.put(inside[0])
		return len(rest) - len(inside) + 1
	}

	w.depth++
	w.breakLine(w.depth, w.depth)
	return 0
}

// stringLength returns the length of the JSON string at the start of a text, including its quotes.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
