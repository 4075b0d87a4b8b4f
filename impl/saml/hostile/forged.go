package hostile

import "crypto"

// forged has messages that the identity provider did not sign as they are.
func forged() []Case {
	return []Case{
		refused("unsigned", func(m *message) { m.signAssertion = nil }),
		made("signature stripped", func(m *message) string {
			m.signResponse = newSigning(m.idp.RSA)
			_ = m.xml()
			return m.response.xml("", m.evil().xml(""))
		}),
		made("SignatureValue stripped", func(m *message) string {
			return removed(m.xml(), "<ds:SignatureValue>", "</ds:SignatureValue>")
		}),
		made("empty SignatureValue", func(m *message) string {
			return replaced(removed(m.xml(), "<ds:SignatureValue>", "</ds:SignatureValue>"), "<ds:KeyInfo>", "<ds:SignatureValue></ds:SignatureValue><ds:KeyInfo>")
		}),
		made("tampered", func(m *message) string { return replaced(m.xml(), m.assertion.subject.nameID, mallory) }),
		made("tampered in a signed response", func(m *message) string {
			m.signResponse, m.signAssertion = m.signAssertion, nil
			return replaced(m.xml(), m.assertion.subject.nameID, mallory)
		}),
		made("response tampered, assertion as signed", func(m *message) string {
			m.signResponse = newSigning(m.idp.RSA)
			return replaced(m.xml(), `IssueInstant="`+m.response.issueInstant+`"`, `IssueInstant="`+stamp(m.request.Now.Add(1e9))+`"`)
		}),
		made("digest tampered as well", func(m *message) string {
			good := m.signAssertion.info(m.assertion.id, m.assertion.xml(""))
			evil := m.evil()
			evil.id = m.assertion.id
			bad := m.signAssertion.info(m.assertion.id, evil.xml(""))
			signature := m.signAssertion.over(m.assertion.id, m.assertion.xml(""))
			return m.wrap(evil.xml(replaced(signature, inSignature(good, "ds"), inSignature(bad, "ds"))))
		}),
		refused("attacker's certificate in KeyInfo", func(m *message) { m.signAssertion = newSigning(m.idp.Stranger) }),
		refused("attacker's signature under the provider's certificate", func(m *message) {
			m.signAssertion = newSigning(m.idp.Stranger)
			m.signAssertion.keyInfo = m.idp.RSA.Certificate
		}),
		refused("expired certificate of the provider", func(m *message) { m.signAssertion = newSigning(m.idp.Expired) }),
	}
}

// removed removes a text from one mark to the next, with the marks.
func removed(xml, from, to string) string {
	start := index(xml, from)
	return xml[:start] + xml[start+index(xml[start:], to)+len(to):]
}

// algorithms has signatures that are right in ways that are not allowed.
func algorithms() []Case {
	const withComments = exclusive + "WithComments"
	return []Case{
		refused("HMAC with the public key", func(m *message) { m.signAssertion.method = hmacSHA256 }),
		refused("RSA with SHA-1", func(m *message) { m.signAssertion.method, m.signAssertion.hash = nsSignature+"rsa-sha1", crypto.SHA1 }),
		refused("SHA-1 digest", func(m *message) { m.signAssertion.digest, m.signAssertion.digestHash = digestSHA1, crypto.SHA1 }),
		refused("RSA key under ECDSA's name", func(m *message) { m.signAssertion.method = more + "ecdsa-sha256" }),
		refused("canonicalization of SignedInfo with comments", func(m *message) { m.signAssertion.canonicalization = withComments }),
		refused("canonicalization of the content with comments", func(m *message) { m.signAssertion.transforms[1] = withComments }),
		refused("inclusive canonicalization", func(m *message) {
			m.signAssertion.transforms[1] = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
		}),
		refused("transform by XSLT", func(m *message) {
			m.signAssertion.transforms = []string{enveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"}
		}),
		refused("three transforms", func(m *message) { m.signAssertion.transforms = []string{enveloped, exclusive, exclusive} }),
		refused("no transforms", func(m *message) { m.signAssertion.transforms = nil }),
	}
}

// hidden has comments and processing instructions within texts. The signature over the text without comments holds, but
// some readers see only what stands before the comment.
func hidden() []Case {
	const comment, instruction = "<!---->", "<?x y?>"
	return []Case{
		made("comment in NameID", func(m *message) string {
			return replaced(m.xml(), "@example.com</saml:NameID>", "@example.com"+comment+"</saml:NameID>")
		}),
		made("comment that shortens NameID", func(m *message) string {
			m.assertion.subject.nameID = "admin@example.com.evil.example.org"
			return replaced(m.xml(), ".evil.example.org", comment+".evil.example.org")
		}),
		refused("processing instruction in NameID", func(m *message) { m.assertion.subject.nameID = "admin" + instruction + "@example.com" }),
		made("comment in an attribute", func(m *message) string {
			m.assertion.attributes = map[string][]string{"groups": {"admins-not"}}
			return replaced(m.xml(), "admins-not", "admins"+comment+"-not")
		}),
		made("processing instruction in an attribute", func(m *message) string {
			m.assertion.attributes = map[string][]string{"groups": {"admins-not"}}
			return replaced(m.xml(), "admins-not", "admins"+instruction+"-not")
		}),
		refused("comment in DigestValue", func(m *message) {
			m.signAssertion.digestValue = func(value string) string { return value[:8] + comment + value[8:] }
		}),
		refused("processing instruction in DigestValue", func(m *message) {
			m.signAssertion.digestValue = func(value string) string { return value[:8] + instruction + value[8:] }
		}),
		made("CDATA in NameID", func(m *message) string {
			return replaced(m.xml(), m.assertion.subject.nameID, "<![CDATA["+m.assertion.subject.nameID+"]]>")
		}),
		refused("element in NameID", func(m *message) { m.assertion.subject.nameID = "admin<saml:b></saml:b>@example.com" }),
	}
}
