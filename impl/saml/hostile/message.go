package hostile

import (
	"strings"
	"time"
)

const (
	confirmationMethod = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	success            = "urn:oasis:names:tc:SAML:2.0:status:Success"
	email              = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
)

// message is a response that is not written yet.
type message struct {
	idp       *IdP
	request   Request
	response  response
	assertion assertion
	// signResponse and signAssertion tell how to sign. Nil: not signed.
	signResponse, signAssertion *signing
	// encryption tells how to encrypt the assertion. Nil: it is not encrypted.
	encryption *encryption
}

// newMessage returns a proper response with a signed assertion.
func newMessage(idp *IdP, r Request) *message {
	if r.NameID == "" {
		r.NameID = "alice@example.com"
	}
	return &message{idp: idp, request: r, response: newResponse(idp, r), assertion: newAssertion(idp, r), signAssertion: newSigning(idp.RSA)}
}

// xml signs, encrypts and writes the message.
func (m *message) xml() string {
	return m.wrap(m.signedAssertion())
}

func (m *message) signedAssertion() string {
	return m.assertion.signed(m.signAssertion)
}

// wrap puts an assertion into the response.
func (m *message) wrap(assertion string) string {
	if m.encryption != nil {
		assertion = m.encryption.encrypt(m, assertion)
	}
	return m.response.signed(m.signResponse, assertion)
}

// response is what a Response element says. Each field is an attribute or an element of its name.
type response struct {
	prefix, assertionPrefix                                      string
	id, version, issueInstant, destination, inResponseTo, issuer string
	status                                                       string
	extensions                                                   string
}

func newResponse(idp *IdP, r Request) response {
	return response{
		prefix: "samlp", assertionPrefix: "saml", id: "_response-" + r.ID, version: "2.0", issueInstant: stamp(r.Now), destination: r.ACS,
		inResponseTo: r.ID, issuer: idp.EntityID, status: success,
	}
}

// signed writes the response with a signature over it.
func (r response) signed(s *signing, content string) string {
	if s == nil {
		return r.xml("", content)
	}
	return r.xml(s.over(r.id, r.xml("", content)), content)
}

func (r response) xml(signature, content string) string {
	issuer := ""
	if r.issuer != absent {
		issuer = el(r.assertionPrefix, "Issuer", nsAssertion, nil, escapeText(r.issuer))
	}
	status := el(r.prefix, "Status", "", nil, el(r.prefix, "StatusCode", "", []string{"Value", r.status}))
	return el(r.prefix, "Response", nsProtocol, []string{
		"Destination", r.destination, "ID", r.id, "InResponseTo", r.inResponseTo, "IssueInstant", r.issueInstant, "Version", r.version,
	}, issuer, signature, r.extensions, status, content)
}

// stamp writes a time as SAML does (SAML Core 1.3.3).
func stamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// signatureWith puts something into a signature, as its last child.
func signatureWith(signature, content string) string {
	end := strings.LastIndex(signature, "</")
	return signature[:end] + content + signature[end:]
}
