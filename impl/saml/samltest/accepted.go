package samltest

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// acceptedCase is a changed message that must be accepted.
func acceptedCase(name string, change func(*message)) Case {
	return newCase(name, true, change)
}

// accepted returns valid plain messages.
func accepted() []Case {
	return []Case{
		acceptedCase("assertion signed", func(*message) {}),
		acceptedCase("response signed", func(m *message) { m.signResponse, m.signAssertion = m.signAssertion, nil }),
		acceptedCase("response and assertion signed", func(m *message) { m.signResponse = newSigning(m.idp.RSA) }),
		acceptedCase("several audiences in one restriction", func(m *message) {
			m.assertion.conditions.restrictions = [][]string{{"https://other.example.com", m.request.EntityID,
				"https://third.example.com"}}
		}),
		acceptedCase("several restrictions that all include us", func(m *message) {
			m.assertion.conditions.restrictions = [][]string{{m.request.EntityID},
				{"https://other.example.com", m.request.EntityID}}
		}),
		acceptedCase("no KeyInfo", func(m *message) { m.signAssertion.keyInfo = nil }),
		acceptedCase("second certificate of a rollover", func(m *message) { m.signAssertion = newSigning(m.idp.Rollover) }),
		acceptedCase("second certificate of a rollover without KeyInfo", func(m *message) {
			m.signAssertion = newSigning(m.idp.Rollover)
			m.signAssertion.keyInfo = nil
		}),
		acceptedCase("provider's clock 60 s ahead", func(m *message) { m.shift(time.Minute) }),
		acceptedCase("provider's clock 60 s behind", func(m *message) {
			m.shift(-time.Minute)
			end := formatTime(m.request.Now.Add(-59 * time.Second))
			m.assertion.conditions.notOnOrAfter, m.assertion.subject.confirmations[0].notOnOrAfter = end, end
		}),
		acceptedCase("no Response Issuer", func(m *message) { m.response.issuer = absent }),
		acceptedCase("no Destination in an unsigned response", func(m *message) { m.response.destination = absent }),
		acceptedCase("1,500 groups",
			func(m *message) { m.assertion.attributes = map[string][]string{"groups": groups(1500)} }),
		acceptedCase("1,500 groups in a signed response", func(m *message) {
			m.assertion.attributes = map[string][]string{"groups": groups(1500)}
			m.signResponse = newSigning(m.idp.RSA)
		}),
		acceptedCase("ECDSA P-256", func(m *message) { m.signAssertion = newSigning(m.idp.EC) }),
		acceptedCase("RSA with SHA-512", func(m *message) {
			s := m.signAssertion
			s.method, s.hash, s.digest, s.digestHash = more+"rsa-sha512", crypto.SHA512, nsEncryption+"sha512", crypto.SHA512
		}),
	}
}

// shift creates the message again with a clock that is ahead by a duration.
func (m *message) shift(by time.Duration) {
	r := m.request
	r.Now = r.Now.Add(by)
	m.response, m.assertion = newResponse(m.idp, r), newAssertion(m.idp, r)
	m.assertion.conditions.notBefore = formatTime(r.Now)
}

func groups(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("CN=group-%04d,OU=Groups,DC=example,DC=com", i)
	}
	return names
}

// acceptedEncrypted returns valid encrypted messages.
func acceptedEncrypted() []Case {
	var cases []Case
	for _, c := range []struct{ name, cipher string }{{"AES-128-GCM", aes128GCM}, {"AES-256-GCM", aes256GCM}} {
		cases = append(cases,
			acceptedCase("encrypted with "+c.name+", RSA-OAEP with SHA-1",
				func(m *message) { m.encryption = newEncryption(c.cipher) }),
			acceptedCase("encrypted with "+c.name+", RSA-OAEP with SHA-256", func(m *message) {
				m.encryption = newEncryption(c.cipher)
				m.encryption.digest, m.encryption.hash = digestSHA256, crypto.SHA256
			}),
		)
	}

	for _, c := range []struct{ name, cipher string }{{"AES-128-CBC", aes128CBC}, {"AES-256-CBC", aes256CBC}} {
		cases = append(cases, acceptedCase("encrypted with "+c.name+" in a signed response", func(m *message) {
			m.signResponse, m.encryption = newSigning(m.idp.RSA), newEncryption(c.cipher)
		}))
	}

	return append(cases,
		acceptedCase("encrypted, the mask made with SHA-256 as well", func(m *message) {
			m.encryption = newEncryption(aes256GCM)
			m.encryption.digest, m.encryption.hash, m.encryption.maskHash = digestSHA256, crypto.SHA256, crypto.SHA256
		}),
		acceptedCase("encrypted, digest and mask named", func(m *message) {
			m.encryption = newEncryption(aes256GCM)
			m.encryption.transport, m.encryption.mask = oaep11, nsEncryption11+"mgf1sha256"
			m.encryption.digest, m.encryption.hash, m.encryption.maskHash = digestSHA256, crypto.SHA256, crypto.SHA256
		}),
		acceptedCase("encrypted, the key beside the content", func(m *message) {
			m.encryption = newEncryption(aes256GCM)
			m.encryption.detached = true
		}),
		acceptedCase("encrypted and unsigned in a signed response", func(m *message) {
			m.signResponse, m.signAssertion, m.encryption = m.signAssertion, nil, newEncryption(aes256GCM)
		}),
		acceptedCase("encrypted, response and assertion signed", func(m *message) {
			m.signResponse, m.encryption = newSigning(m.idp.RSA), newEncryption(aes128GCM)
		}),
		acceptedCase("encrypted, response and assertion signed, both signatures with the Id that pysaml2 gives them",
			func(m *message) {
				m.signResponse, m.encryption = newSigning(m.idp.RSA), newEncryption(aes128GCM)
				m.signResponse.id, m.signAssertion.id = "Signature1", "Signature1"
			}),
		acceptedCase("encrypted, response and assertion with the same ID", func(m *message) {
			m.encryption = newEncryption(aes256GCM)
			m.response.id = m.assertion.id
		}),
	)
}

// acceptedForms returns different serializations of the same message.
func acceptedForms() []Case {
	return []Case{
		acceptedCase("default namespace prefixes", func(m *message) { m.setPrefixes("", "", "") }),
		acceptedCase("default namespace prefixes in a signed response", func(m *message) {
			m.signResponse = newSigning(m.idp.RSA)
			m.setPrefixes("", "", "")
		}),
		acceptedCase("rebound namespace prefixes", func(m *message) { m.setPrefixes("p", "p", "p") }),
		acceptedCase("rebound namespace prefixes in a signed response", func(m *message) {
			m.signResponse = newSigning(m.idp.RSA)
			m.setPrefixes("p", "p", "p")
		}),
		rewrittenCase("namespaces declared on the response only", func(_ *message, xml string) string {
			for _, declared := range []string{declaration("saml", nsAssertion), declaration("ds", nsSignature)} {
				xml = replaceOnce(strings.ReplaceAll(xml, declared, ""), "<samlp:Response", "<samlp:Response"+declared)
			}
			return xml
		}),
		rewrittenCase("not in canonical form", func(m *message, xml string) string {
			id := ` ID="` + m.assertion.id + `"`
			xml = strings.ReplaceAll(replaceOnce(xml, id, ""), `"></ds:Transform>`, `" />`)
			xml = replaceOnce(xml, "<saml:Assertion", "<saml:Assertion\r\n"+strings.ReplaceAll(id, `"`, "'"))
			return replaceOnce(xml, m.request.NameID+"<", "&#"+fmt.Sprint(m.request.NameID[0])+";"+m.request.NameID[1:]+"<")
		}),
		rewrittenCase("tab and line breaks in an attribute's value", func(m *message, xml string) string {
			return replaceOnce(xml, m.assertion.authentication.sessionIndex, "_a\tb\nc\rd\r\ne")
		}, func(m *message) { m.assertion.authentication.sessionIndex = "_a b c d e" }),
		acceptedCase("tab and line breaks in an attribute's value by reference", func(m *message) {
			m.assertion.authentication.sessionIndex = "_a\tb\nc\rd"
		}),
		rewrittenCase("tab and line breaks in text", func(_ *message, xml string) string {
			return replaceOnce(xml, "a\tb\nc\nd", "a\tb\r\nc\rd")
		}, func(m *message) { m.assertion.attributes = map[string][]string{"note": {"a\tb\nc\nd"}} }),
		acceptedCase("inclusive namespaces", func(m *message) {
			m.signAssertion.prefixes, m.assertion.schema = "xs", true
		}),
		rewrittenCase("XML declaration and white space around the root", func(_ *message, xml string) string {
			return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + xml + "\r\n"
		}),
		{Name: "base64 in lines", Accepted: true, Make: func(idp *IdP, r Request) string {
			return base64Lines(newMessage(idp, r).xml())
		}},
	}
}

// setPrefixes sets the namespace prefixes of the message.
func (m *message) setPrefixes(protocol, assertion, signature string) {
	m.response.prefix, m.response.assertionPrefix, m.assertion.prefix = protocol, assertion, assertion
	for _, s := range []*signing{m.signResponse, m.signAssertion} {
		if s != nil {
			s.prefix = signature
		}
	}
}

// rewrittenCase is a valid message with a serialization that is rewritten after signing, without a change of its
// canonical form.
func rewrittenCase(name string, rewrite func(*message, string) string, changes ...func(*message)) Case {
	return Case{Name: name, Accepted: true, Make: func(idp *IdP, r Request) string {
		m := newMessage(idp, r)
		for _, change := range changes {
			change(m)
		}
		return encode(rewrite(m, m.xml()))
	}}
}

// base64Lines returns base64 in lines as in mail (RFC 2045 section 6.8).
func base64Lines(xml string) string {
	text := base64.StdEncoding.EncodeToString([]byte(xml))
	var b strings.Builder
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76] + "\r\n")
	}
	return b.String() + text
}
