package protocol

import "github.com/beevik/etree"

// checkResponseLayout checks that a response has exactly one assertion, plain or encrypted, and that every assertion,
// response and signature in the document is where SAML places it (SAML Core 3.3.3 and 5.4.2). Signature wrapping
// needs a second one elsewhere, and no other place is accepted.
func checkResponseLayout(response *etree.Element) error {
	for _, child := range response.ChildElements() {
		if !responseChild(child) {
			return refuse(reasonLayout)
		}
	}

	plain, encrypted := childrenNamed(response, nsAssertion, "Assertion"),
		childrenNamed(response, nsAssertion, "EncryptedAssertion")
	if len(plain)+len(encrypted) != 1 {
		return refuse(reasonAssertions)
	}

	return layout{root: response, assertions: plain}.check(response)
}

// responseChild reports whether an element may be a child of a response.
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

// checkAssertionLayout is checkResponseLayout for a decrypted assertion.
func checkAssertionLayout(assertion *etree.Element) error {
	return layout{root: assertion, assertions: []*etree.Element{assertion}}.check(assertion)
}

// layout holds the elements that may be signed.
type layout struct {
	root       *etree.Element
	assertions []*etree.Element
}

// mayBeSigned reports whether an element may have a signature.
func (l layout) mayBeSigned(el *etree.Element) bool {
	return el == l.root || len(l.assertions) == 1 && el == l.assertions[0]
}

// check validates all descendants of an element.
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

// inPlace reports whether an element may be a child of its parent.
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
