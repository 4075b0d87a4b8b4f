package samltest

import (
	"strings"
	"time"
)

const (
	confirmationMethod = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	success            = "urn:oasis:names:tc:SAML:2.0:status:Success"
	email              = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
)

// message is a response before it is signed, encrypted and serialized.
type message struct {
	idp       *IdP
	request   Request
	response  response
	assertion assertion
	// signResponse and signAssertion hold the parameters of the signatures. Nil: not signed.
	signResponse, signAssertion *signing
	// encryption holds the parameters of the encryption. Nil: the assertion is not encrypted.
	encryption *encryption
}

// newMessage returns a valid response with a signed assertion.
func newMessage(idp *IdP, r Request) *message {
	if r.NameID == "" {
		r.NameID = "alice@example.com"
	}
	return &message{
		idp:           idp,
		request:       r,
		response:      newResponse(idp, r),
		assertion:     newAssertion(idp, r),
		signAssertion: newSigning(idp.RSA),
	}
}

// xml signs, encrypts and serializes the message.
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

// response is the content of a Response element. Each field is an attribute or an element of its name.
type response struct {
	prefix, assertionPrefix                                      string
	id, version, issueInstant, destination, inResponseTo, issuer string
	status                                                       string
	extensions                                                   string
}

func newResponse(idp *IdP, r Request) response {
	return response{
		prefix:          "samlp",
		assertionPrefix: "saml",
		id:              "_response-" + r.ID,
		version:         "2.0",
		issueInstant:    formatTime(r.Now),
		destination:     r.ACS,
		inResponseTo:    r.ID,
		issuer:          idp.EntityID,
		status:          success,
	}
}

// signed returns the response with a signature over it.
func (r response) signed(s *signing, content string) string {
	if s == nil {
		return r.xml("", content)
	}
	return r.xml(s.signatureOver(r.id, r.xml("", content)), content)
}

func (r response) xml(signature, content string) string {
	issuer := ""
	if r.issuer != absent {
		issuer = el(r.assertionPrefix, "Issuer", nsAssertion, nil, escapeText(r.issuer))
	}

	status := el(r.prefix, "Status", "", nil, el(r.prefix, "StatusCode", "", []string{"Value", r.status}))
	return el(r.prefix, "Response", nsProtocol, []string{
		"Destination", r.destination, "ID", r.id, "InResponseTo", r.inResponseTo, "IssueInstant", r.issueInstant, "Version",
		r.version,
	}, issuer, signature, r.extensions, status, content)
}

// formatTime formats a time as in SAML Core 1.3.3.
func formatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// appendToSignature adds content to a signature as its last child.
func appendToSignature(signature, content string) string {
	end := strings.LastIndex(signature, "</")
	return signature[:end] + content + signature[end:]
}
