package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Section is a mapping of the document. Its readers record errors and return zero values, so that one run finds all
// errors.
type Section struct {
	errs *errorList
	// path is the prefix of the members' names in errors.
	path    string
	line    int
	members map[string]*yaml.Node
	// mapping reports whether the node is a mapping.
	mapping bool
}

// errorList collects errors.
type errorList []error

func (l *errorList) add(where string, line int, format string, arguments ...any) {
	*l = append(*l, fmt.Errorf("%s: %s (line %d)", where, fmt.Sprintf(format, arguments...), line))
}

// Read returns a document as a section with the known members.
func Read(text []byte, known ...string) (Section, error) {
	node, err := parse(text)
	if err != nil {
		return Section{}, err
	}
	return newSection(&errorList{}, "", node, known...), nil
}

// newSection reads a mapping, and records an error for any other node and for each unknown member.
func newSection(errs *errorList, path string, node *yaml.Node, known ...string) Section {
	s := Section{errs, path, node.Line, map[string]*yaml.Node{}, node.Kind == yaml.MappingNode}
	if !s.mapping {
		errs.add(strings.TrimRight(path, ".: "), node.Line, "this must have members of its own, such as %s", known[0])
		return s
	}

	for i := 0; i+1 < len(node.Content); i += 2 {
		s.addMember(node.Content[i], node.Content[i+1], known)
	}
	return s
}

func (s Section) addMember(name, value *yaml.Node, known []string) {
	_, twice := s.members[name.Value]
	switch {
	case name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value):
		s.errs.add(s.path+printable(name.Value), name.Line, "there is no such setting")
	case twice:
		s.errs.add(s.path+name.Value, name.Line, "this is set twice")
	case value.Kind == yaml.AliasNode:
		s.errs.add(s.path+name.Value, value.Line, "aliases are not taken; write it again")
		s.members[name.Value] = nil
	default:
		s.members[name.Value] = value
	}
}

// printable returns an unknown name, clipped and escaped to fit on a line.
func printable(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most] + "..."
	}
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

// Mapping reports whether the section is a mapping in the document.
func (s Section) Mapping() bool { return s.mapping }

// Err returns the errors of the whole document, one per line, or nil.
func (s Section) Err() error { return errors.Join(*s.errs...) }

// Bad records an error of a member.
func (s Section) Bad(name, format string, arguments ...any) {
	line := s.line
	if node := s.members[name]; node != nil {
		line = node.Line
	}
	s.errs.add(s.path+name, line, format, arguments...)
}

// Given reports whether a member is present and not null.
func (s Section) Given(name string) bool { return s.node(name) != nil }

// node returns a member, or nil if it is missing or null.
func (s Section) node(name string) *yaml.Node {
	node := s.members[name]
	if node == nil || node.Tag == "!!null" {
		return nil
	}
	return node
}

// Section reads a member that is a mapping, and reports whether it is given. A missing one is an empty section.
func (s Section) Section(name string, known ...string) (Section, bool) {
	node := s.node(name)
	if node == nil {
		return Section{errs: s.errs, path: s.path + name + ".", line: s.line}, false
	}
	return newSection(s.errs, s.path+name+".", node, known...), true
}

// list returns the elements of a member.
func (s Section) list(name string) []*yaml.Node {
	node := s.node(name)
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		s.Bad(name, "this must be a list")
		return nil
	}
	return node.Content
}

// Empty reports whether a member is missing or an empty list.
func (s Section) Empty(name string) bool {
	node := s.node(name)
	return node == nil || node.Kind == yaml.SequenceNode && len(node.Content) == 0
}

// Sections reads a list of mappings, one at a time.
func (s Section) Sections(name string, known ...string) iter.Seq[Section] {
	return s.NamedSections(name, func(string) string { return "" }, known...)
}

// NamedSections is like Sections. In errors, the prefix of an element's members is what prefix returns for the
// element's id, unless that is empty.
func (s Section) NamedSections(name string, prefix func(id string) string, known ...string) iter.Seq[Section] {
	return func(yield func(Section) bool) {
		for i, node := range s.list(name) {
			path := cmp.Or(prefix(idOf(node)), fmt.Sprintf("%s%s[%d].", s.path, name, i))
			if !yield(newSection(s.errs, path, node, known...)) {
				return
			}
		}
	}
}

// idOf returns the value of a mapping's first member id, or "".
func idOf(node *yaml.Node) string {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == "id" {
			return node.Content[i+1].Value
		}
	}
	return ""
}
