// Package pretty indents JSON, and never makes more than a few times its size of it.
package pretty

import (
	"bytes"
	"encoding/json"
)

const (
	// width is how many blanks begin a line for each level.
	width = 2
	// maxDepth is the deepest level whose members and elements have lines of their own. What is inside of them stays on their line:
	// indenting deep documents as a whole takes the square of their depth.
	maxDepth = 20
	// freeSpace and maxRatio bound the line breaks and indentations together, in bytes: so much, and so many times the document's size.
	// What comes after stays on one line.
	freeSpace = 64 << 10
	maxRatio  = 4
)

// Indent returns a JSON document as encoding/json indents it by two blanks for each level, and a line break at its end. What is
// nested deeper than 20 levels stays on one line, and so does the rest of a document once white space takes more than four
// times its size and 64 KiB. It reports false for what is not one JSON value.
func Indent(document []byte) (indented []byte, ok bool) {
	if !json.Valid(document) {
		return nil, false
	}
	w := writer{out: make([]byte, 0, Size(document)), writes: true}
	w.document(document)
	return w.out, true
}

// Size returns how many bytes Indent makes of a JSON document.
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
	// space is how much may still be used for line breaks and indentations.
	space int
}

func (w *writer) put(text ...byte) {
	w.size += len(text)
	if w.writes {
		w.out = append(w.out, text...)
	}
}

// breakLine begins a line for what is at a level inside of an object or array whose parts are at another one.
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

// token writes what begins at a place, and returns how long it is there.
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

// begin begins the parts of an object or array, given what follows the bracket. If there are none, it writes the other bracket
// at once, and returns how far away that was.
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

// stringLength returns the length of the string that a text begins with, its quotes included.
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
