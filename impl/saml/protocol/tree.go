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

// is tells whether an element has this name. The prefix does not matter.
func is(el *etree.Element, namespace, tag string) bool {
	return el.Tag == tag && el.NamespaceURI() == namespace
}

// all returns the children that have this name. Descendants further down are never looked for: what stands where it does
// not belong must not be found.
func all(el *etree.Element, namespace, tag string) []*etree.Element {
	var found []*etree.Element
	for _, child := range el.ChildElements() {
		if is(child, namespace, tag) {
			found = append(found, child)
		}
	}
	return found
}

// one returns the child that has this name, or nil if there is none or more than one.
func one(el *etree.Element, namespace, tag string) *etree.Element {
	if found := all(el, namespace, tag); len(found) == 1 {
		return found[0]
	}
	return nil
}

// attribute returns the value of an attribute without prefix, and whether it is there.
func attribute(el *etree.Element, name string) (string, bool) {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value, true
		}
	}
	return "", false
}

// value is attribute for those where none is as good as an empty one.
func value(el *etree.Element, name string) string {
	text, _ := attribute(el, name)
	return text
}

// text returns what stands in an element, all of it, and false if there are elements in it.
func text(el *etree.Element) (string, bool) {
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

// sequence tells whether an element's children are exactly these of one namespace, in this order.
func sequence(el *etree.Element, namespace string, tags ...string) bool {
	return slices.EqualFunc(el.ChildElements(), tags, func(child *etree.Element, tag string) bool { return is(child, namespace, tag) })
}
