package saml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// section is a mapping of the document. Its readers note what is wrong, and go on with a value that means nothing.
type section struct {
	problems *problems
	// path is where the section is, as a prefix of its members' names.
	path    string
	line    int
	members map[string]*yaml.Node
}

// problems collects everything that is wrong.
type problems []error

func (p *problems) add(where string, line int, format string, arguments ...any) {
	*p = append(*p, fmt.Errorf("%s: %s (line %d)", where, fmt.Sprintf(format, arguments...), line))
}

// newSection reads a mapping, or notes that it is none. Only known members may be in it.
func newSection(p *problems, path string, node *yaml.Node, known ...string) section {
	s := section{p, path, node.Line, map[string]*yaml.Node{}}
	if node.Kind != yaml.MappingNode {
		p.add(strings.TrimRight(path, ".: "), node.Line, "this must have members of its own, such as %s", known[0])
		return s
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		_, twice := s.members[name.Value]
		switch {
		case name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value):
			p.add(path+printable(name.Value), name.Line, "there is no such setting")
		case twice:
			p.add(path+name.Value, name.Line, "this is set twice")
		case value.Kind == yaml.AliasNode:
			p.add(path+name.Value, value.Line, "aliases are not taken; write it again")
			s.members[name.Value] = nil
		default:
			s.members[name.Value] = value
		}
	}
	return s
}

// printable is a name that is not known, fit for one line.
func printable(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most] + "..."
	}
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

func (s section) bad(name, format string, arguments ...any) {
	line := s.line
	if node := s.members[name]; node != nil {
		line = node.Line
	}
	s.problems.add(s.path+name, line, format, arguments...)
}

// node returns a member, or nil if there is none or it is null.
func (s section) node(name string) *yaml.Node {
	node := s.members[name]
	if node == nil || node.Tag == "!!null" {
		return nil
	}
	return node
}

// section reads a member that has members of its own. It tells whether it is there; if not it can be read as an empty one.
func (s section) section(name string, known ...string) (section, bool) {
	node := s.node(name)
	if node == nil {
		return section{s.problems, s.path + name + ".", s.line, nil}, false
	}
	return newSection(s.problems, s.path+name+".", node, known...), true
}

// list returns the elements of a member.
func (s section) list(name string) []*yaml.Node {
	node := s.node(name)
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		s.bad(name, "this must be a list")
		return nil
	}
	return node.Content
}

// empty tells whether a member is an empty list, or not there.
func (s section) empty(name string) bool {
	node := s.node(name)
	return node == nil || node.Kind == yaml.SequenceNode && len(node.Content) == 0
}

// sections reads a list of mappings.
func (s section) sections(name string, known ...string) []section {
	var read []section
	for i, node := range s.list(name) {
		read = append(read, newSection(s.problems, fmt.Sprintf("%s%s[%d].", s.path, name, i), node, known...))
	}
	return read
}

// texts reads a list of texts.
func (s section) texts(name string) []string {
	var read []string
	for _, node := range s.list(name) {
		if text := s.oneLine(name, node); text != "" {
			read = append(read, text)
		}
	}
	return read
}
