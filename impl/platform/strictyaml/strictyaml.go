// Package strictyaml reads one YAML document strictly: unknown and duplicate members are errors. Errors do not quote
// values, because a file may contain secrets.
package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrEmpty is the error for a text without a document.
var ErrEmpty = errors.New("this is empty")

// parse reads one document.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrEmpty
		}
		return nil, hideQuotes(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("this must be one document, not several")
	}
	if len(document.Content) != 1 {
		return nil, ErrEmpty
	}
	return document.Content[0], nil
}

// Unmarshal decodes one document, which is a mapping, into values of Go's basic types. It returns ErrEmpty for an empty
// text.
func Unmarshal(text []byte) (map[string]any, error) {
	node, err := parse(text)
	if err != nil {
		return nil, err
	}

	var members map[string]any
	if err := node.Decode(&members); err != nil {
		return nil, hideQuotes(err)
	}
	return members, nil
}

var goQuoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// hideQuotes returns a parser's error without its quotations from the document.
func hideQuotes(err error) error {
	text := goQuoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "(hidden)")
	if i := strings.IndexAny(text, "`'\"{<"); i >= 0 {
		text = strings.TrimRight(text[:i], " ") + " (hidden)"
	}
	return errors.New(text)
}
