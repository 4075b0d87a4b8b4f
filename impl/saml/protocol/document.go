package protocol

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// element is a piece of a document. What readXML checks and what is read later are one and the same, so there is no second
// reader to disagree with.
type element struct {
	name       xml.Name
	attributes map[string]string // those in no namespace, which are all that SAML defines
	children   []*element
	text       []byte // its own, not that of its children
	commented  bool
}

// bounds tell what a document may be like.
type bounds struct {
	bytes, depth, elements int
	// comments may stand between elements. Beside text they are never taken: there, readers disagree on what the text is.
	comments bool
}

// readXML reads one document in UTF-8. It refuses everything that is no plain data: document types, entities other than
// XML's own, processing instructions, an attribute twice, anything after the root.
func readXML(data []byte, limit bounds) (*element, error) {
	if len(data) > limit.bytes {
		return nil, fmt.Errorf("the document has more than %d bytes", limit.bytes)
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

type xmlReader struct {
	decoder  *xml.Decoder
	limit    bounds
	begun    bool
	root     *element
	open     []*element
	elements int
}

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

// plainAttributes returns the attributes in no namespace. The decoder would let one name occur twice.
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
	e := r.open[len(r.open)-1] // the decoder has matched the tags
	r.open = r.open[:len(r.open)-1]
	if e.commented && len(bytes.TrimSpace(e.text)) > 0 {
		return errors.New("a comment stands beside text")
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

func (e *element) is(space, local string) bool { return e.name == xml.Name{Space: space, Local: local} }

// all returns the children of a name.
func (e *element) all(space, local string) []*element {
	var found []*element
	for _, child := range e.children {
		if child.is(space, local) {
			found = append(found, child)
		}
	}
	return found
}

// one returns the only child of a name. Of two, one would be checked and the other taken somewhere.
func (e *element) one(space, local string) (*element, error) {
	found := e.all(space, local)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s has %d elements %s, not one", e.name.Local, len(found), local)
	}
	return found[0], nil
}

// value returns an element's text without the white space around it. It refuses children, which text has none of.
func (e *element) value() (string, error) {
	if len(e.children) > 0 {
		return "", fmt.Errorf("%s has elements where text belongs", e.name.Local)
	}
	return strings.TrimSpace(string(e.text)), nil
}
