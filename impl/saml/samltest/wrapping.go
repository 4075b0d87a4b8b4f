package samltest

import "fmt"

// mallory is the user that the attacker impersonates.
const mallory = "mallory@example.com"

// wrapping returns the eight signature wrapping attacks of Somorovsky et al. ("On Breaking SAML", 2012). They move
// the signed element to a place where a verifier finds it and a reader does not. Each is made with an evil element of
// another ID and of the same ID.
func wrapping() []Case {
	ways := []func(*wrapped) string{xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8}
	var cases []Case
	for i, way := range ways {
		name := fmt.Sprintf("signature wrapping XSW%d", i+1)
		cases = append(cases,
			craftedCase(name, func(m *message) string { return way(wrap(m, false)) }),
			craftedCase(name+" with the same ID", func(m *message) string { return way(wrap(m, true)) }))
	}

	return cases
}

// wrapped is a signed message with the attacker's elements.
type wrapped struct {
	*message
	// signature is the assertion's.
	signature    string
	evil         assertion
	evilResponse response
}

func wrap(m *message, sameID bool) *wrapped {
	w := &wrapped{message: m, evil: m.evil(), evilResponse: m.response}
	w.signature = m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
	if sameID {
		w.evil.id = m.assertion.id
	} else {
		w.evilResponse.id = "_evil-response"
	}

	return w
}

// evil returns the attacker's assertion.
func (m *message) evil() assertion {
	evil := m.assertion
	evil.id = "_evil"
	evil.subject = &subject{nameID: mallory, format: email, confirmations: m.assertion.subject.confirmations}
	return evil
}

// responseSignature signs the whole response, with an unsigned assertion.
func (w *wrapped) responseSignature() (signature, original string) {
	original = w.response.xml("", w.assertion.xml(""))
	return newSigning(w.idp.RSA).signatureOver(w.response.id, original), original
}

// xsw1 puts the signed response into its signature, in an evil response.
func xsw1(w *wrapped) string {
	signature, original := w.responseSignature()
	return w.evilResponse.xml(appendToSignature(signature, original), w.evil.xml(""))
}

// xsw2 puts the signed response before its signature, in an evil response.
func xsw2(w *wrapped) string {
	signature, original := w.responseSignature()
	return w.evilResponse.xml(original+signature, w.evil.xml(""))
}

// xsw3 puts an evil assertion before the signed one.
func xsw3(w *wrapped) string {
	return w.response.xml("", w.evil.xml("")+w.assertion.xml(w.signature))
}

// xsw4 puts the signed assertion into an evil one.
func xsw4(w *wrapped) string {
	w.evil.extra = w.assertion.xml(w.signature)
	return w.response.xml("", w.evil.xml(""))
}

// xsw5 gives the signature to an evil assertion, and puts the signed one after it.
func xsw5(w *wrapped) string {
	return w.response.xml("", w.evil.xml(w.signature)+w.assertion.xml(""))
}

// xsw6 gives the signature to an evil assertion, and puts the signed one into the signature.
func xsw6(w *wrapped) string {
	return w.response.xml("", w.evil.xml(appendToSignature(w.signature, w.assertion.xml(""))))
}

// xsw7 puts an evil assertion into the extensions, before the signed one.
func xsw7(w *wrapped) string {
	w.response.extensions = el("samlp", "Extensions", "", nil, w.evil.xml(""))
	return w.response.xml("", w.assertion.xml(w.signature))
}

// xsw8 gives the signature to an evil assertion, and puts the signed one into an Object in the signature.
func xsw8(w *wrapped) string {
	return w.response.xml("", w.evil.xml(appendToSignature(w.signature, el("ds", "Object", "", nil, w.assertion.xml("")))))
}

// misplaced returns messages with duplicate or misplaced elements.
func misplaced() []Case {
	return []Case{
		craftedCase("two assertions", func(m *message) string {
			second := m.assertion
			second.id = "_second"
			return m.wrap(m.signedAssertion() + second.signed(m.signAssertion))
		}),
		craftedCase("two assertions in a signed response", func(m *message) string {
			second := m.assertion
			second.id = "_second"
			m.signResponse = newSigning(m.idp.RSA)
			return m.wrap(m.assertion.xml("") + second.xml(""))
		}),
		craftedCase("plain and encrypted assertion", func(m *message) string {
			return m.response.xml("", m.evil().xml("")+newEncryption(aes256GCM).encrypt(m, m.signedAssertion()))
		}),
		craftedCase("assertion in the Extensions", func(m *message) string {
			m.response.extensions = el("samlp", "Extensions", "", nil, m.signedAssertion())
			return m.response.xml("", "")
		}),
		craftedCase("assertion in the Status", func(m *message) string {
			return replaceOnce(m.response.xml("", ""), "</samlp:Status>", m.signedAssertion()+"</samlp:Status>")
		}),
		craftedCase("assertion as the root", func(m *message) string { return m.signedAssertion() }),
		refusedCase("assertion in the Advice of another", func(m *message) {
			m.assertion.extra = m.assertion.el("Advice", nil, m.evil().xml(""))
		}),
		craftedCase("two Signatures", func(m *message) string {
			signature := m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
			return m.wrap(m.assertion.xml(signature + signature))
		}),
		craftedCase("two SignedInfos", func(m *message) string {
			good := m.signAssertion.signedInfo(m.assertion.id, m.assertion.xml(""))
			bad := m.signAssertion.signedInfo("_evil", m.evil().xml(""))
			signature := m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
			good, bad = withoutNamespace(good, "ds"), withoutNamespace(bad, "ds")
			return m.wrap(m.evil().xml(replaceOnce(signature, good, bad+good)))
		}),
		refusedCase("two References", func(m *message) {
			m.signAssertion.moreReferences = m.signAssertion.referenceTo("#_evil", m.evil().xml(""))
		}),
		refusedCase("Reference to something else than the parent",
			func(m *message) { m.signAssertion.reference = "#" + m.response.id }),
		refusedCase("Reference to the whole document", func(m *message) { m.signAssertion.emptyReference = true }),
		refusedCase("Reference by XPointer",
			func(m *message) { m.signAssertion.reference = "#xpointer(id('" + m.assertion.id + "'))" }),
		craftedCase("duplicate IDs", func(m *message) string {
			m.response.id = m.assertion.id
			return m.xml()
		}),
		craftedCase("duplicate IDs in another spelling", func(m *message) string {
			return replaceOnce(m.xml(), "<samlp:Status>", `<samlp:Status Id="`+m.assertion.id+`">`)
		}),
		craftedCase("ds:Object", func(m *message) string {
			signature := m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
			return m.wrap(m.assertion.xml(appendToSignature(signature, el("ds", "Object", "", nil, "x"))))
		}),
	}
}
