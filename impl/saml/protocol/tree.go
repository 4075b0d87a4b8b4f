package protocol

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Namespaces of XML Encryption and of the parameters of canonicalization.
const (
	nsEncryption   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncryption11 = "http://www.w3.org/2009/xmlenc11#"
	nsExclusive    = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// is reports whether an element has a name. The prefix does not matter.
func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

// childrenNamed returns the children with a name. Deeper descendants are never searched: a misplaced element must not
// be found.
func childrenNamed(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if is(child, namespace, tag) {
			found = append(found, child)
		}
	}

	return found
}

// onlyChild returns the child with a name, or nil unless there is exactly one.
func onlyChild(el *etree.Element, namespace, tag string) *etree.Element {
	if found := childrenNamed(el, namespace, tag); len(found) == 1 {
		return found[0]
	}
	return nil
}

// attribute returns the value of an attribute without prefix, and whether it is present.
func attribute(el *etree.Element, name string) (string, bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value, true
		}
	}
	return "", false
}

// value returns the value of an attribute, "" if it is missing.
func value(el *etree.Element, name string) string {
	text, _ := attribute(el, name)
	return text
}

// text returns the whole text of an element. ok is false if the element has child elements.
func text(el *etree.Element) (content string, ok bool) {
	var b strings.Builder
	for _, child := range el.Child {
		data, ok := child.(*etree.CharData)
		if !ok {
			return "", false
		}
		b.WriteString(data.Data)
	}

	return b.String(), true
}

// hasChildrenInOrder reports whether an element's children are exactly the given ones of a namespace, in this order.
func hasChildrenInOrder(el *etree.Element, namespace string, tags ...string) bool {
	return slices.EqualFunc(el.ChildElements(), tags,
		func(child *etree.Element, tag string) bool { return is(child, namespace, tag) })
}
