package saml

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse reads one YAML document. Its errors hold nothing of the text: somebody may have put a key into it.
func parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("this is empty")
		}
		return nil, errors.New(unquoted(err.Error()))
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("this must be one document, not several")
	}
	if len(document.Content) != 1 {
		return nil, errors.New("this is empty")
	}
	return document.Content[0], nil
}

// unquoted is what a parser says before it begins to quote.
func unquoted(text string) string {
	text = strings.TrimPrefix(text, "yaml: ")
	if i := strings.IndexAny(text, "`'\"{<"); i >= 0 {
		text = text[:i] + "(hidden)"
	}
	return text
}
