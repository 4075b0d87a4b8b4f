package protocol

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// MaxResponse is the size limit of a response in bytes, before base64. It suffices for a user in 1,500 groups.
const MaxResponse = 1 << 20

// limits bounds the cost of parsing a document.
type limits struct {
	bytes    int
	depth    int
	elements int
	// attributes is per element.
	attributes int
	// bindings is the number of namespace declarations in scope at one place.
	bindings int
	// namespace is the length of a namespace name in bytes. Canonicalization repeats names.
	namespace int
}

var responseLimits = limits{
	bytes:      MaxResponse,
	depth:      32,
	elements:   10_000,
	attributes: 32,
	bindings:   64,
	namespace:  256,
}

// signedLimits are the limits for canonical forms of documents that were within responseLimits. Canonicalization may
// repeat a namespace declaration on every element.
func signedLimits() limits {
	l := responseLimits
	l.bytes *= 4
	l.attributes *= 2
	return l
}

// declaration matches the XML declaration (XML 1.0 section 2.8), with UTF-8 as the only encoding.
var declaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version=(?:"1\.0"|'1\.0')` +
	`(?:[ \t\r\n]+encoding=(?:"(?i:utf-8)"|'(?i:utf-8)'))?` +
	`(?:[ \t\r\n]+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>`)

// scan refuses documents that can be refused without a parser, and returns the text after the XML declaration.
//
// "<" occurs only where markup begins (XML 1.0 section 2.4), so the character after it identifies every document
// type, comment, CDATA section and processing instruction. None of them belongs in a SAML message, and each has been
// used to make two parsers of one message see different content. Each element has a "<" and each attribute two
// quotes: counting them is much faster than parsing, so documents with far too many never reach the parser.
func scan(data []byte, l limits) ([]byte, error) {
	if len(data) > l.bytes {
		return nil, refuse(reasonTooLarge)
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, refuse(reasonEncoding)
	}

	data = data[len(declaration.Find(data)):]
	if bytes.HasPrefix(data, []byte("<?xml ")) {
		return nil, refuse(reasonEncoding)
	}
	if bytes.Contains(data, []byte("<!")) || bytes.Contains(data, []byte("<?")) {
		return nil, refuse(reasonMarkup)
	}
	if bytes.Count(data, []byte("<")) > 2*l.elements {
		return nil, refuse(reasonElements)
	}
	if quotes := bytes.Count(data, []byte(`"`)) + bytes.Count(data, []byte(`'`)); quotes > 4*l.elements {
		return nil, refuse(reasonAttributes)
	}

	return data, nil
}

// parse reads a document that is within the limits and that all XML parsers interpret in the same way. It refuses
// duplicate identifiers.
func parse(data []byte, l limits) (*etree.Element, error) {
	data, err := scan(data, l)
	if err != nil {
		return nil, err
	}

	r := reader{limits: l, ids: identifiers{}}
	decoder := xml.NewDecoder(bytes.NewReader(normalizeAttributes(data)))
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return r.result()
		}
		if err != nil {
			return nil, refuse(reasonMalformed)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
}

// reader builds a tree from tokens and enforces the limits.
type reader struct {
	limits
	ids  identifiers
	root *etree.Element
	open []*etree.Element
	// scopes holds, for each open element, the number of bindings in scope outside of it.
	scopes   []int
	scope    scope
	elements int
}

// take adds one token to the tree.
func (r *reader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t)
	case xml.CharData:
		return r.text(t)
	}

	return refuse(reasonMarkup)
}

// start validates a start tag and opens its element.
func (r *reader) start(t xml.StartElement) error {
	if err := r.count(t); err != nil {
		return err
	}

	r.scopes = append(r.scopes, len(r.scope))
	if err := r.declare(t.Attr); err != nil {
		return err
	}
	if err := r.check(t); err != nil {
		return err
	}

	element := &etree.Element{Space: t.Name.Space, Tag: t.Name.Local, Attr: make([]etree.Attr, len(t.Attr))}
	for i, a := range t.Attr {
		element.Attr[i] = etree.Attr{Space: a.Name.Space, Key: a.Name.Local, Value: a.Value}
	}

	if r.root == nil {
		r.root = element
	} else {
		r.open[len(r.open)-1].AddChild(element)
	}

	r.open = append(r.open, element)
	return nil
}

// count enforces the limits on the number and nesting of elements and on their attributes.
func (r *reader) count(t xml.StartElement) error {
	r.elements++
	switch {
	case r.root != nil && len(r.open) == 0:
		return refuse(reasonTrailing)
	case r.elements > r.limits.elements:
		return refuse(reasonElements)
	case len(r.open) == r.depth:
		return refuse(reasonDepth)
	case len(t.Attr) > r.attributes:
		return refuse(reasonAttributes)
	}

	return nil
}

// end closes the innermost element and leaves its namespace scope.
func (r *reader) end(t xml.EndElement) error {
	last := len(r.open) - 1
	if last < 0 || r.open[last].Space != t.Name.Space || r.open[last].Tag != t.Name.Local {
		return refuse(reasonMalformed)
	}

	r.scope, r.scopes = r.scope[:r.scopes[last]], r.scopes[:last]
	r.open = r.open[:last]
	return nil
}

// text adds text to the open element. Outside of the root only white space is accepted.
func (r *reader) text(t xml.CharData) error {
	if len(r.open) > 0 {
		r.open[len(r.open)-1].AddChild(etree.NewText(string(t)))
		return nil
	}

	if len(bytes.Trim(t, " \t\r\n")) > 0 {
		return refuse(reasonTrailing)
	}

	return nil
}

// result returns the root once the document is complete.
func (r *reader) result() (*etree.Element, error) {
	if r.root == nil || len(r.open) > 0 {
		return nil, refuse(reasonMalformed)
	}
	return r.root, nil
}
