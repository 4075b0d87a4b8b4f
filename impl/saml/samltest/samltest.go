// Package samltest is an identity provider for tests. It answers AuthnRequests with valid responses, and with every
// kind of response that a service provider must refuse. It writes XML as canonical text, so that its signatures are
// independent of the library that verifies them.
package samltest

import (
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"
)

// IdP is an identity provider. Its metadata have four certificates, as during a rollover: the current RSA key, the
// next RSA key, an ECDSA key, and an RSA key with an expired certificate.
type IdP struct { //nolint:revive // this is how SAML writes it
	// EntityID is the name of the identity provider.
	EntityID string
	// SSOURL and SLOURL are the redirect endpoints in its metadata.
	SSOURL, SLOURL string
	// RSA is the current signing key, Rollover the next one, and EC is a key on the curve P-256.
	RSA, Rollover, EC *Key
	// Expired is a key with a certificate that expired a day ago.
	Expired *Key
	// Attacker is a key that is not in the metadata.
	Attacker *Key
}

// New returns an identity provider. All certificates except Expired's are valid at now.
func New(now time.Time) *IdP {
	day := 24 * time.Hour
	return &IdP{
		EntityID: "https://idp.example.com/metadata",
		SSOURL:   "https://idp.example.com/sso",
		SLOURL:   "https://idp.example.com/slo",
		RSA:      newCertifiedKey("rsa", rsaKeys[0](), now.Add(-day), now.Add(365*day)),
		Rollover: newCertifiedKey("rollover", rsaKeys[1](), now.Add(-day), now.Add(365*day)),
		EC:       newCertifiedKey("ec", ecKey(), now.Add(-day), now.Add(365*day)),
		Expired:  newCertifiedKey("expired", rsaKeys[2](), now.Add(-30*day), now.Add(-day)),
		Attacker: newCertifiedKey("attacker", rsaKeys[3](), now.Add(-day), now.Add(365*day)),
	}
}

// Certificates returns the certificates in its metadata.
func (i *IdP) Certificates() []*x509.Certificate {
	return []*x509.Certificate{i.RSA.Certificate, i.Rollover.Certificate, i.EC.Certificate, i.Expired.Certificate}
}

// Metadata returns its metadata (SAML Metadata 2.4.3).
func (i *IdP) Metadata() []byte {
	var keys strings.Builder
	for _, certificate := range i.Certificates() {
		keys.WriteString(`<md:KeyDescriptor use="signing">` + keyInfo("ds", true, certificate) + `</md:KeyDescriptor>`)
	}

	endpoint := func(name, location string) string {
		return `<md:` + name + ` Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="` + escape(location) +
			`"/>`
	}

	return []byte(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + escape(i.EntityID) +
		`">` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="` + nsProtocol + `">` + keys.String() +
		endpoint("SingleLogoutService", i.SLOURL) + endpoint("SingleSignOnService", i.SSOURL) +
		`</md:IDPSSODescriptor></md:EntityDescriptor>`)
}

// Request holds the parameters of a response.
type Request struct {
	// ID is the ID of the AuthnRequest.
	ID string
	// ACS is the URL that receives the response.
	ACS string
	// EntityID of the service provider.
	EntityID string
	// Now is the time of issue.
	Now time.Time
	// Encryption is the service provider's certificate for encryption.
	Encryption *x509.Certificate
	// NameID identifies the user. Empty: alice@example.com.
	NameID string
	// Format, NameQualifier and SPNameQualifier qualify the NameID (SAML Core 2.2.2). Empty: the format of e-mail
	// addresses, and no qualifiers.
	Format, NameQualifier, SPNameQualifier string
	// AuthnInstant is the time of authentication and AuthnContext its class. Zero and empty: now, with a password.
	AuthnInstant time.Time
	AuthnContext string
	// SessionEndsAt is when the session at the identity provider ends. Zero: in eight hours.
	SessionEndsAt time.Time
	// Attributes are the attributes of the user.
	Attributes map[string][]string
}

// Case is one kind of response.
type Case struct {
	// Name is the name in testdata/cases.txt.
	Name string
	// Accepted means that a service provider must accept the response.
	Accepted bool
	// Replayed means that the response is valid the first time and must be refused the second time.
	Replayed bool
	// Make returns the form field SAMLResponse.
	Make func(idp *IdP, r Request) string
}

// Cases returns all cases, accepted ones first.
func Cases() []Case {
	var cases []Case
	for _, some := range [][]Case{
		accepted(), acceptedEncrypted(), acceptedForms(), wrapping(), misplaced(), forged(), algorithms(), hiddenMarkup(),
		misaddressed(), badTimes(),
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

// encode returns XML as the value of the form field.
func encode(xml string) string {
	return base64.StdEncoding.EncodeToString([]byte(xml))
}

// newCase is a message that is changed before it is signed, so that its signature is valid.
func newCase(name string, accepted bool, change func(*message)) Case {
	return Case{Name: name, Accepted: accepted, Make: func(idp *IdP, r Request) string {
		m := newMessage(idp, r)
		change(m)
		return encode(m.xml())
	}}
}

// refusedCase is a changed message that must be refused.
func refusedCase(name string, change func(*message)) Case {
	return newCase(name, false, change)
}

// craftedCase is a document assembled from the parts of a valid message. It must be refused.
func craftedCase(name string, xml func(*message) string) Case {
	return Case{Name: name, Make: func(idp *IdP, r Request) string { return encode(xml(newMessage(idp, r))) }}
}

// Unsolicited returns a valid response without a request, as the form field SAMLResponse.
func (i *IdP) Unsolicited(r Request) string {
	m := newMessage(i, r)
	m.response.inResponseTo, m.confirmation().inResponseTo = absent, absent
	return encode(m.xml())
}
