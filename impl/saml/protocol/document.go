package protocol

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// element is a node of a parsed document. The tree that readXML validates is the tree that is evaluated later, so no
// second parser can disagree with it.
type element struct {
	name xml.Name
	// attributes are those without a namespace. SAML defines no others.
	attributes map[string]string
	children   []*element
	// text is the element's own text, without that of its children.
	text []byte
	// commented means that a comment is among the children.
	commented bool
}

// bounds limits the documents that readXML accepts.
type bounds struct {
	bytes, depth, elements int
	// comments allows comments between elements. Comments beside text are always refused, because parsers disagree on
	// what the text is.
	comments bool
}

// readXML parses one document in UTF-8. It refuses everything but plain data: document types, entities other than
// XML's own, processing instructions, duplicate attributes, and content after the root.
func readXML(data []byte, limit bounds) (*element, error) {
	if len(data) > limit.bytes {
		return nil, fmt.Errorf("the document is larger than %d bytes", limit.bytes)
	}

	r := xmlReader{decoder: xml.NewDecoder(bytes.NewReader(data)), limit: limit}
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the document is not well-formed XML in UTF-8: %w", err)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}

		r.begun = true
	}

	if r.root == nil {
		return nil, errors.New("the document is empty")
	}

	return r.root, nil
}

// xmlReader builds the tree of a document from tokens.
type xmlReader struct {
	decoder  *xml.Decoder
	limit    bounds
	begun    bool
	root     *element
	open     []*element
	elements int
}

// take adds one token to the tree.
func (r *xmlReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.start(token)
	case xml.EndElement:
		return r.end()
	case xml.CharData:
		return r.characters(token)
	case xml.Comment:
		return r.comment()
	case xml.ProcInst:
		if token.Target != "xml" || r.begun {
			return errors.New("the document has a processing instruction")
		}
		return nil
	default:
		return errors.New("the document has a document type")
	}
}

func (r *xmlReader) start(token xml.StartElement) error {
	r.elements++
	if r.elements > r.limit.elements || len(r.open) == r.limit.depth {
		return fmt.Errorf("the document has more than %d elements or more than %d levels", r.limit.elements, r.limit.depth)
	}

	attributes, err := plainAttributes(token)
	if err != nil {
		return err
	}

	e := &element{name: token.Name, attributes: attributes}
	switch {
	case len(r.open) > 0:
		parent := r.open[len(r.open)-1]
		parent.children = append(parent.children, e)
	case r.root == nil:
		r.root = e
	default:
		return errors.New("the document has two roots")
	}

	r.open = append(r.open, e)
	return nil
}

// plainAttributes returns the attributes without a namespace. It refuses duplicates, which the decoder accepts.
func plainAttributes(token xml.StartElement) (map[string]string, error) {
	plain, seen := map[string]string{}, map[xml.Name]bool{}
	for _, attribute := range token.Attr {
		if seen[attribute.Name] {
			return nil, errors.New("an element has an attribute twice")
		}

		seen[attribute.Name] = true
		if attribute.Name.Space == "" {
			plain[attribute.Name.Local] = attribute.Value
		}
	}

	return plain, nil
}

func (r *xmlReader) end() error {
	// The decoder has matched the tags.
	e := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	if e.commented && len(bytes.TrimSpace(e.text)) > 0 {
		return errors.New("the document has a comment beside text")
	}
	return nil
}

func (r *xmlReader) characters(text []byte) error {
	if len(r.open) > 0 {
		e := r.open[len(r.open)-1]
		e.text = append(e.text, text...)
		return nil
	}

	if len(bytes.TrimSpace(text)) > 0 {
		return errors.New("the document has text outside of its root")
	}

	return nil
}

func (r *xmlReader) comment() error {
	if !r.limit.comments {
		return errors.New("the document has a comment")
	}
	if len(r.open) > 0 {
		r.open[len(r.open)-1].commented = true
	}

	return nil
}

// is reports whether the element has a name.
func (e *element) is(space, local string) bool { return e.name == xml.Name{Space: space, Local: local} }

// childrenNamed returns the children with a name.
func (e *element) childrenNamed(space, local string) []*element {
	var found []*element
	for _, child := range e.children {
		if child.is(space, local) {
			found = append(found, child)
		}
	}

	return found
}

// onlyChild returns the child with a name and requires that there is exactly one. With two, one could be validated
// and the other one used.
func (e *element) onlyChild(space, local string) (*element, error) {
	found := e.childrenNamed(space, local)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s must have exactly one element %[3]s, but has %[2]d", e.name.Local, len(found), local)
	}
	return found[0], nil
}

// value returns the element's text without surrounding white space. It refuses child elements.
func (e *element) value() (string, error) {
	if len(e.children) > 0 {
		return "", fmt.Errorf("%s must have text only, but has elements", e.name.Local)
	}
	return strings.TrimSpace(string(e.text)), nil
}
