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

// MaxResponse is the longest response in bytes, before base64. It has room for the groups of a user who is in 1,500.
const MaxResponse = 1 << 20

// limits bound what a document may cost to read.
type limits struct {
	bytes      int
	depth      int // of elements in each other
	elements   int
	attributes int // on one element
	bindings   int // of namespaces that hold at one place
	namespace  int // bytes of a namespace's name: canonicalization repeats it
}

var responseLimits = limits{bytes: MaxResponse, depth: 32, elements: 10_000, attributes: 32, bindings: 64, namespace: 256}

// signedLimits are for what canonicalization made out of a document that was within responseLimits: it may repeat the
// declaration of a namespace on each element.
func signedLimits() limits {
	l := responseLimits
	l.bytes *= 4
	l.attributes *= 2
	return l
}

// declaration is the XML declaration (XML 1.0 section 2.8), with UTF-8 as the only encoding.
var declaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version=(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding=(?:"(?i:utf-8)"|'(?i:utf-8)'))?` +
	`(?:[ \t\r\n]+standalone=(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>`)

// scan refuses what can be refused without a parser, and returns the text after the XML declaration. "<" stands only where
// markup begins (XML 1.0 section 2.4), so that what it is followed by finds every document type, comment, CDATA section
// and processing instruction. None of them has a place in a SAML message, and each has been used to make two readers of
// one message see different things. Each element has a "<" and each attribute two quotes: counting them is much faster than
// parsing, so that what has far too many never gets to the parser.
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

// parse reads a document that is within the limits and that all readers of XML understand alike. It refuses an identifier
// that occurs twice in the document.
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

// reader makes a tree out of tokens.
type reader struct {
	limits
	ids      identifiers
	root     *etree.Element
	open     []*etree.Element
	scopes   []int // for each open element, how many bindings held around it
	scope    scope
	elements int
}

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

func (r *reader) end(t xml.EndElement) error {
	last := len(r.open) - 1
	if last < 0 || r.open[last].Space != t.Name.Space || r.open[last].Tag != t.Name.Local {
		return refuse(reasonMalformed)
	}
	r.scope, r.scopes = r.scope[:r.scopes[last]], r.scopes[:last]
	r.open = r.open[:last]
	return nil
}

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

func (r *reader) result() (*etree.Element, error) {
	if r.root == nil || len(r.open) > 0 {
		return nil, refuse(reasonMalformed)
	}
	return r.root, nil
}
