package saml

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// text reads one line of text; "" if there is none.
func (s section) text(name string) string {
	node := s.node(name)
	if node == nil {
		return ""
	}
	return s.oneLine(name, node)
}

// maxText bounds every text, in bytes.
const maxText = 2048

func (s section) oneLine(name string, node *yaml.Node) string {
	switch {
	case node.Kind != yaml.ScalarNode || node.Tag != "!!str":
		s.bad(name, "this is not text; put it in quotes if it is meant to be")
	case node.Value == "":
		s.bad(name, "this is empty; leave it out instead")
	case strings.TrimSpace(node.Value) != node.Value || strings.ContainsFunc(node.Value, isControl):
		s.bad(name, "this must be one line without blanks at its ends")
	case len(node.Value) > maxText:
		s.bad(name, "this must have at most %d characters", maxText)
	default:
		return node.Value
	}
	return ""
}

// required is text that must be there. It notes one problem if it is not.
func (s section) required(name string) string {
	_, given := s.members[name]
	if given && s.node(name) != nil {
		return s.text(name)
	}
	if !given || s.members[name] != nil {
		s.bad(name, "this is missing")
	}
	return ""
}

// boolean reads true or false.
func (s section) boolean(name string, missing bool) bool {
	node := s.node(name)
	if node == nil {
		return missing
	}
	var value bool
	if node.Tag != "!!bool" || node.Decode(&value) != nil {
		s.bad(name, "this must be true or false")
	}
	return value
}

func (s section) integer(name string) int {
	node := s.node(name)
	if node == nil {
		return 0
	}
	var value int
	if node.Tag != "!!int" || node.Decode(&value) != nil {
		s.bad(name, "this must be a whole number")
	}
	return value
}

// duration reads a length of time within bounds.
func (s section) duration(name string, missing, least, most time.Duration) time.Duration {
	if s.node(name) == nil {
		return missing
	}
	text := s.text(name)
	if text == "" {
		return missing
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		s.bad(name, "this must be a duration from %s to %s, such as %s", least, most, missing)
	}
	return d
}
