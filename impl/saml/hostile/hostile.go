// Package hostile is an identity provider for tests. It answers AuthnRequests properly, and in every way that a service
// provider has to refuse. It writes XML as text that is in canonical form already, so that what it signs owes nothing to
// the library that the signatures are checked with.
package hostile

import (
	"crypto/x509"
	"encoding/base64"
	"time"
)

// IdP is an identity provider. Its metadata have four certificates, as if keys were just being replaced: one of RSA, the
// next one of RSA, one of ECDSA, and one of RSA that is expired.
type IdP struct { //nolint:revive // this is how SAML writes it
	// EntityID is its name.
	EntityID string
	// SSOURL and SLOURL are what its metadata have as its endpoints of the redirect binding.
	SSOURL, SLOURL string
	// RSA is the key it usually signs with, Rollover the one after that, EC is on the curve P-256.
	RSA, Rollover, EC *Key
	// Expired is a key whose certificate was valid until a day ago.
	Expired *Key
	// Stranger is somebody else's key, which is not in the metadata.
	Stranger *Key
}

// New returns an identity provider whose certificates are valid at a time, but for the expired one.
func New(now time.Time) *IdP {
	day := 24 * time.Hour
	return &IdP{
		EntityID: "https://idp.example.com/metadata",
		SSOURL:   "https://idp.example.com/sso",
		SLOURL:   "https://idp.example.com/slo",
		RSA:      certify("rsa", rsaKeys[0](), now.Add(-day), now.Add(365*day)),
		Rollover: certify("rollover", rsaKeys[1](), now.Add(-day), now.Add(365*day)),
		EC:       certify("ec", ecKey(), now.Add(-day), now.Add(365*day)),
		Expired:  certify("expired", rsaKeys[2](), now.Add(-30*day), now.Add(-day)),
		Stranger: certify("stranger", rsaKeys[3](), now.Add(-day), now.Add(365*day)),
	}
}

// Certificates returns the certificates that its metadata have.
func (i *IdP) Certificates() []*x509.Certificate {
	return []*x509.Certificate{i.RSA.Certificate, i.Rollover.Certificate, i.EC.Certificate, i.Expired.Certificate}
}

// Metadata returns its metadata (SAML Metadata 2.4.3).
func (i *IdP) Metadata() []byte {
	keys := ""
	for _, certificate := range i.Certificates() {
		keys += `<md:KeyDescriptor use="signing">` + keyInfo("ds", true, certificate) + `</md:KeyDescriptor>`
	}
	endpoint := func(name, location string) string {
		return `<md:` + name + ` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + escape(location) + `"/>`
	}
	return []byte(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + escape(i.EntityID) + `">` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="` + nsProtocol + `">` + keys +
		endpoint("SingleLogoutService", i.SLOURL) + endpoint("SingleSignOnService", i.SSOURL) +
		`</md:IDPSSODescriptor></md:EntityDescriptor>`)
}

// Request is what a response answers.
type Request struct {
	// ID of the AuthnRequest.
	ID string
	// ACS is the URL that the response goes to.
	ACS string
	// EntityID of the service provider.
	EntityID string
	// Now is when the response is issued.
	Now time.Time
	// Encryption is the service provider's certificate to encrypt for.
	Encryption *x509.Certificate
	// NameID is who signs in. Empty: alice@example.com.
	NameID string
	// Format, NameQualifier and SPNameQualifier say how to understand the NameID (SAML Core 2.2.2). Empty: the format of e-mail
	// addresses, and no qualifiers.
	Format, NameQualifier, SPNameQualifier string
	// AuthnInstant is when the user authenticated, and AuthnContext the class of that. Zero and empty: now, with a password.
	AuthnInstant time.Time
	AuthnContext string
	// Attributes are what is said of them.
	Attributes map[string][]string
}

// Case is one way to answer.
type Case struct {
	// Name is the one in testdata/cases.txt.
	Name string
	// Accepted tells whether a service provider has to accept it.
	Accepted bool
	// Replayed tells that the answer is a good one the first time, and has to be refused when it comes again.
	Replayed bool
	// Make returns the form field SAMLResponse.
	Make func(idp *IdP, r Request) string
}

// Cases returns all cases: those to accept first.
func Cases() []Case {
	var cases []Case
	for _, some := range [][]Case{
		accepted(), acceptedEncrypted(), acceptedForms(), wrapping(), misplaced(), forged(), algorithms(), hidden(), addressed(), timed(),
		incomplete(), replayed(), badlyEncrypted(), badXML(), badForms(),
	} {
		cases = append(cases, some...)
	}
	return cases
}

// Answer returns a proper response with a signed assertion, as the form field SAMLResponse.
func (i *IdP) Answer(r Request) string {
	return encode(newMessage(i, r).xml())
}

// encode writes XML as the form field.
func encode(xml string) string {
	return base64.StdEncoding.EncodeToString([]byte(xml))
}

// changed is a case of a message that is signed after it was changed, and so really the identity provider's.
func changed(name string, accepted bool, change func(*message)) Case {
	return Case{Name: name, Accepted: accepted, Make: func(idp *IdP, r Request) string {
		m := newMessage(idp, r)
		change(m)
		return encode(m.xml())
	}}
}

// refused is a changed message that has to be refused.
func refused(name string, change func(*message)) Case {
	return changed(name, false, change)
}

// made is a case to refuse whose XML is put together out of a proper message's parts.
func made(name string, xml func(*message) string) Case {
	return Case{Name: name, Make: func(idp *IdP, r Request) string { return encode(xml(newMessage(idp, r))) }}
}

// Unsolicited returns a proper response that answers no request, as the form field SAMLResponse.
func (i *IdP) Unsolicited(r Request) string {
	m := newMessage(i, r)
	m.response.inResponseTo, m.confirmation().inResponseTo = absent, absent
	return encode(m.xml())
}
