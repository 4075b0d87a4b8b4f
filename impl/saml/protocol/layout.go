package protocol

import "github.com/beevik/etree"

// checkResponseLayout makes sure that a response has one assertion, plain or encrypted, and that every assertion, response
// and signature in the document stands where SAML wants it. Signature wrapping needs a second one somewhere: there is no
// such place (SAML Core 3.3.3 and 5.4.2).
func checkResponseLayout(response *etree.Element) error {
	for _, child := range response.ChildElements() {
		if !responseChild(child) {
			return refuse(reasonLayout)
		}
	}
	plain, encrypted := all(response, nsAssertion, "Assertion"), all(response, nsAssertion, "EncryptedAssertion")
	if len(plain)+len(encrypted) != 1 {
		return refuse(reasonAssertions)
	}
	return layout{root: response, assertions: plain}.check(response)
}

func responseChild(el *etree.Element) bool {
	switch el.Tag {
	case "Status", "Extensions":
		return is(el, nsProtocol, el.Tag)
	case "Issuer", "Assertion", "EncryptedAssertion":
		return is(el, nsAssertion, el.Tag)
	case "Signature":
		return is(el, nsSignature, el.Tag)
	}
	return false
}

// checkAssertionLayout does the same for an assertion that was encrypted.
func checkAssertionLayout(assertion *etree.Element) error {
	return layout{root: assertion, assertions: []*etree.Element{assertion}}.check(assertion)
}

// layout knows the elements that may be signed.
type layout struct {
	root       *etree.Element
	assertions []*etree.Element
}

func (l layout) mayBeSigned(el *etree.Element) bool {
	return el == l.root || len(l.assertions) == 1 && el == l.assertions[0]
}

// check walks all elements, however deep.
func (l layout) check(el *etree.Element) error {
	signatures := 0
	for _, child := range el.ChildElements() {
		if !l.inPlace(el, child) {
			return refuse(reasonLayout)
		}
		if is(child, nsSignature, "Signature") {
			signatures++
		}
		if err := l.check(child); err != nil {
			return err
		}
	}
	if signatures > 1 {
		return refuse(reasonSignatures)
	}
	return nil
}

func (l layout) inPlace(parent, el *etree.Element) bool {
	switch {
	case is(el, nsProtocol, "Response"), is(el, nsSignature, "Object"):
		return false
	case is(el, nsAssertion, "Assertion"), is(el, nsAssertion, "EncryptedAssertion"):
		return parent == l.root
	case is(el, nsSignature, "Signature"):
		return l.mayBeSigned(parent)
	}
	return true
}
