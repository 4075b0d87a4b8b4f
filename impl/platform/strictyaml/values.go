package strictyaml

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Text reads one line of text; "" for a missing member.
func (s Section) Text(name string) string {
	node := s.node(name)
	if node == nil {
		return ""
	}

	return s.oneLine(name, node)
}

// maxText is the maximum length of a text, in bytes.
const maxText = 2048

func (s Section) oneLine(name string, node *yaml.Node) string {
	switch {
	case node.Kind != yaml.ScalarNode || node.Tag != "!!str":
		s.Bad(name, "this is not text; put it in quotes if it is meant to be")
	case node.Value == "":
		s.Bad(name, "this is empty; leave it out instead")
	case strings.TrimSpace(node.Value) != node.Value || strings.ContainsFunc(node.Value, unicode.IsControl):
		s.Bad(name, "this must be one line without blanks at its ends")
	case len(node.Value) > maxText:
		s.Bad(name, "this must have at most %d characters", maxText)
	default:
		return node.Value
	}
	return ""
}

// Required is Text for a member that must be given. It records one error for a missing member.
func (s Section) Required(name string) string {
	_, given := s.members[name]
	if given && s.node(name) != nil {
		return s.Text(name)
	}
	if !given || s.members[name] != nil {
		s.Bad(name, "this is missing")
	}
	return ""
}

// Boolean reads true or false; missing is the value of a missing member.
func (s Section) Boolean(name string, missing bool) bool {
	node := s.node(name)
	if node == nil {
		return missing
	}
	var value bool
	if node.Tag != "!!bool" || node.Decode(&value) != nil {
		s.Bad(name, "this must be true or false")
	}
	return value
}

// Integer reads a whole number; 0 for a missing member.
func (s Section) Integer(name string) int {
	node := s.node(name)
	if node == nil {
		return 0
	}
	var value int
	if node.Tag != "!!int" || node.Decode(&value) != nil {
		s.Bad(name, "this must be a whole number")
	}
	return value
}

// Duration reads a duration from least to most; missing is the value of a missing member.
func (s Section) Duration(name string, missing, least, most time.Duration) time.Duration {
	if s.node(name) == nil {
		return missing
	}
	text := s.Text(name)
	if text == "" {
		return missing
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		s.Bad(name, "this must be a duration from %s to %s, such as %s", least, most, missing)
	}
	return d
}

// Texts reads a list of texts.
func (s Section) Texts(name string) []string {
	var read []string
	for _, node := range s.list(name) {
		if text := s.oneLine(name, node); text != "" {
			read = append(read, text)
		}
	}
	return read
}

// Object reads a mapping with free members as encoding/json decodes the same JSON; nil for a missing member.
func (s Section) Object(name string) map[string]any {
	node := s.node(name)
	if node == nil {
		return nil
	}
	var value, decoded map[string]any
	if err := node.Decode(&value); err != nil {
		s.Bad(name, "this must have members of its own: %s", hideQuotes(err))
		return nil
	}
	text, err := json.Marshal(value)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		err = decoder.Decode(&decoded)
	}
	if err != nil {
		s.Bad(name, "this cannot be written as JSON")
	}
	return decoded
}
