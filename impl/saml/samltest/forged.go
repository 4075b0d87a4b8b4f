package samltest

import "crypto"

// forged returns messages that differ from what the identity provider signed.
func forged() []Case {
	return []Case{
		refusedCase("unsigned", func(m *message) { m.signAssertion = nil }),
		craftedCase("signature stripped", func(m *message) string {
			m.signResponse = newSigning(m.idp.RSA)
			_ = m.xml()
			return m.response.xml("", m.evil().xml(""))
		}),
		craftedCase("SignatureValue stripped", func(m *message) string {
			return cutOut(m.xml(), "<ds:SignatureValue>", "</ds:SignatureValue>")
		}),
		craftedCase("empty SignatureValue", func(m *message) string {
			return replaceOnce(cutOut(m.xml(), "<ds:SignatureValue>", "</ds:SignatureValue>"), "<ds:KeyInfo>",
				"<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>")
		}),
		craftedCase("tampered", func(m *message) string { return replaceOnce(m.xml(), m.assertion.subject.nameID, mallory) }),
		craftedCase("tampered in a signed response", func(m *message) string {
			m.signResponse, m.signAssertion = m.signAssertion, nil
			return replaceOnce(m.xml(), m.assertion.subject.nameID, mallory)
		}),
		craftedCase("response tampered, assertion as signed", func(m *message) string {
			m.signResponse = newSigning(m.idp.RSA)
			return replaceOnce(m.xml(), `IssueInstant="`+m.response.issueInstant+`"`,
				`IssueInstant="`+formatTime(m.request.Now.Add(1e9))+`"`)
		}),
		craftedCase("digest tampered as well", func(m *message) string {
			good := m.signAssertion.signedInfo(m.assertion.id, m.assertion.xml(""))
			evil := m.evil()
			evil.id = m.assertion.id
			bad := m.signAssertion.signedInfo(m.assertion.id, evil.xml(""))
			signature := m.signAssertion.signatureOver(m.assertion.id, m.assertion.xml(""))
			return m.wrap(evil.xml(replaceOnce(signature, withoutNamespace(good, "ds"), withoutNamespace(bad, "ds"))))
		}),
		refusedCase("attacker's certificate in KeyInfo", func(m *message) { m.signAssertion = newSigning(m.idp.Attacker) }),
		refusedCase("attacker's signature under the provider's certificate", func(m *message) {
			m.signAssertion = newSigning(m.idp.Attacker)
			m.signAssertion.keyInfo = m.idp.RSA.Certificate
		}),
		refusedCase("expired certificate of the provider", func(m *message) { m.signAssertion = newSigning(m.idp.Expired) }),
	}
}

// cutOut removes a text from one mark to the next, including the marks.
func cutOut(xml, from, to string) string {
	start := index(xml, from)
	return xml[:start] + xml[start+index(xml[start:], to)+len(to):]
}

// algorithms returns messages with valid signatures by algorithms that are not allowed.
func algorithms() []Case {
	const withComments = exclusive + "WithComments"
	return []Case{
		refusedCase("HMAC with the public key", func(m *message) { m.signAssertion.method = hmacSHA256 }),
		refusedCase("RSA with SHA-1",
			func(m *message) { m.signAssertion.method, m.signAssertion.hash = nsSignature+"rsa-sha1", crypto.SHA1 }),
		refusedCase("SHA-1 digest",
			func(m *message) { m.signAssertion.digest, m.signAssertion.digestHash = digestSHA1, crypto.SHA1 }),
		refusedCase("RSA key under ECDSA's name", func(m *message) { m.signAssertion.method = more + "ecdsa-sha256" }),
		refusedCase("canonicalization of SignedInfo with comments",
			func(m *message) { m.signAssertion.canonicalization = withComments }),
		refusedCase("canonicalization of the content with comments",
			func(m *message) { m.signAssertion.transforms[1] = withComments }),
		refusedCase("inclusive canonicalization", func(m *message) {
			m.signAssertion.transforms[1] = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
		}),
		refusedCase("transform by XSLT", func(m *message) {
			m.signAssertion.transforms = []string{enveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"}
		}),
		refusedCase("three transforms",
			func(m *message) { m.signAssertion.transforms = []string{enveloped, exclusive, exclusive} }),
		refusedCase("no transforms", func(m *message) { m.signAssertion.transforms = nil }),
	}
}

// hiddenMarkup returns messages with comments and processing instructions inside of text. The signature over the text
// without comments is valid, but some parsers see only the text before the comment.
func hiddenMarkup() []Case {
	const comment, instruction = "<!---->", "<?x y?>"
	return []Case{
		craftedCase("comment in NameID", func(m *message) string {
			return replaceOnce(m.xml(), "@example.com</saml:NameID>", "@example.com"+comment+"</saml:NameID>")
		}),
		craftedCase("comment that shortens NameID", func(m *message) string {
			m.assertion.subject.nameID = "admin@example.com.evil.example.org"
			return replaceOnce(m.xml(), ".evil.example.org", comment+".evil.example.org")
		}),
		refusedCase("processing instruction in NameID",
			func(m *message) { m.assertion.subject.nameID = "admin" + instruction + "@example.com" }),
		craftedCase("comment in an attribute", func(m *message) string {
			m.assertion.attributes = map[string][]string{"groups": {"admins-not"}}
			return replaceOnce(m.xml(), "admins-not", "admins"+comment+"-not")
		}),
		craftedCase("processing instruction in an attribute", func(m *message) string {
			m.assertion.attributes = map[string][]string{"groups": {"admins-not"}}
			return replaceOnce(m.xml(), "admins-not", "admins"+instruction+"-not")
		}),
		refusedCase("comment in DigestValue", func(m *message) {
			m.signAssertion.digestValue = func(value string) string { return value[:8] + comment + value[8:] }
		}),
		refusedCase("processing instruction in DigestValue", func(m *message) {
			m.signAssertion.digestValue = func(value string) string { return value[:8] + instruction + value[8:] }
		}),
		craftedCase("CDATA in NameID", func(m *message) string {
			return replaceOnce(m.xml(), m.assertion.subject.nameID, "<![CDATA["+m.assertion.subject.nameID+"]]>")
		}),
		refusedCase("element in NameID",
			func(m *message) { m.assertion.subject.nameID = "admin<saml:b></saml:b>@example.com" }),
	}
}
