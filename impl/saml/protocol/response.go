// Package protocol has what SAML 2.0 asks of a service provider in its messages: requests, responses, metadata and logout.
// It does no input and output, keeps nothing, and is told the time.
package protocol

import (
	"crypto/rsa"
	"encoding/base64"
	"time"

	"github.com/beevik/etree"
)

const (
	// DefaultSkew is how far the clocks of both sides may be apart unless an Expectation says otherwise.
	DefaultSkew = time.Minute
	// DefaultMaxAge is how old a response may be unless an Expectation says otherwise.
	DefaultMaxAge = 5 * time.Minute

	confirmationMethod = "urn:oasis:names:tc:SAML:2.0:cm:bearer"      // SAML Profiles 3.3
	success            = "urn:oasis:names:tc:SAML:2.0:status:Success" // SAML Core 3.2.2.2
	version            = "2.0"                                        // SAML Core 4.1
)

// Expectation is what a response has to be like.
type Expectation struct {
	// EntityID is our name: the audience.
	EntityID string
	// ACS is the URL that responses are posted to: the destination and the recipient.
	ACS string
	// Provider is who has to have made the response.
	Provider Provider
	// RequestID is the ID of the AuthnRequest that the response has to answer. Empty: it has to answer none, and only
	// AllowUnsolicited lets it pass.
	RequestID string
	// AllowUnsolicited lets responses pass that the identity provider sends on its own.
	AllowUnsolicited bool
	// ForceAuthn refuses a response whose user authenticated before RequestedAt, which is the IssueInstant of the request
	// (SAML Core 3.4.1), and one that answers no request.
	ForceAuthn  bool
	RequestedAt time.Time
	// AuthnContexts are the classes of authentication of which the response has to name one. Empty means any.
	AuthnContexts []string
	// Skew is how far its clock may be ahead of ours or behind. Zero means DefaultSkew.
	Skew time.Duration
	// MaxAge is for how long after its IssueInstant a response is accepted. Zero means DefaultMaxAge.
	MaxAge time.Duration
	// DecryptionKeys are the keys that an assertion may be encrypted for: several during a rollover.
	DecryptionKeys []*rsa.PrivateKey
	// NameIDFormat is the format that the name has to be in. Empty, and the format "unspecified", mean any.
	NameIDFormat string
	// Now is the time.
	Now time.Time
}

func (e Expectation) withDefaults() Expectation {
	if e.Skew == 0 {
		e.Skew = DefaultSkew
	}
	if e.MaxAge == 0 {
		e.MaxAge = DefaultMaxAge
	}
	return e
}

// DecodeResponse decodes the form field SAMLResponse: standard base64 (RFC 4648 section 4), which may be broken into lines,
// of at most MaxResponse bytes. The error is a *Refusal.
func DecodeResponse(form string) ([]byte, error) {
	if len(form) > base64.StdEncoding.EncodedLen(MaxResponse)*65/64 { // line breaks: two for each 76 characters at most
		return nil, refuse(reasonTooLarge)
	}
	data, err := base64.StdEncoding.Strict().DecodeString(form)
	if err != nil {
		return nil, refuse(reasonBase64)
	}
	if len(data) > MaxResponse {
		return nil, refuse(reasonTooLarge)
	}
	return data, nil
}

// PeekInResponseTo returns the ID of the request that a response says it answers, or "" if it says nothing. Nothing is
// verified but that the text is a well-formed response: it tells which request to look for, and must be used for nothing
// else. The error is a *Refusal.
func PeekInResponseTo(response []byte) (string, error) {
	root, err := parseResponse(response)
	if err != nil {
		return "", err
	}
	return value(root, "InResponseTo"), nil
}

// Verify checks everything about a response that can be checked without memory, and returns what its assertion says. It
// does not know what was used before: the caller must refuse an assertion whose issuer and ID it has seen. The error is a
// *Refusal.
func Verify(response []byte, e Expectation) (Assertion, error) {
	e = e.withDefaults()
	received, err := parseResponse(response)
	if err != nil {
		return Assertion{}, err
	}
	signed, err := e.authenticate(received)
	if err != nil {
		return Assertion{}, err
	}
	trusted := received
	if signed != nil {
		trusted = signed
	}
	if err := e.checkResponse(trusted, signed != nil); err != nil {
		return Assertion{}, err
	}
	assertion, err := e.openAssertion(received, signed)
	if err != nil {
		return Assertion{}, err
	}
	return e.readAssertion(assertion)
}

func parseResponse(data []byte) (*etree.Element, error) {
	root, err := parse(data, responseLimits)
	if err != nil {
		return nil, err
	}
	if !is(root, nsProtocol, "Response") {
		return nil, refuse(reasonNotResponse)
	}
	return root, checkResponseLayout(root)
}

// openAssertion returns the assertion that the identity provider has signed, as it was signed: with its own signature, or
// as a part of the signed response.
func (e Expectation) openAssertion(received, signed *etree.Element) (*etree.Element, error) {
	assertion, inSigned, err := e.findAssertion(received, signed)
	if err != nil {
		return nil, err
	}
	own, err := e.authenticate(assertion)
	switch {
	case err != nil:
		return nil, err
	case own != nil:
		return own, nil
	case inSigned != nil:
		return inSigned, nil
	}
	return nil, refuse(reasonUnsigned)
}

// findAssertion returns the assertion as it was received, which is what its own signature is over, and as it stands in the
// signed response if that is signed.
func (e Expectation) findAssertion(received, signed *etree.Element) (assertion, inSigned *etree.Element, err error) {
	trusted := received
	if signed != nil {
		trusted = signed
	}
	if encrypted := one(trusted, nsAssertion, "EncryptedAssertion"); encrypted != nil {
		assertion, err = e.openEncrypted(encrypted, signed != nil)
		if signed != nil {
			inSigned = assertion
		}
		return assertion, inSigned, err
	}
	if signed != nil {
		inSigned = one(signed, nsAssertion, "Assertion")
	}
	return one(received, nsAssertion, "Assertion"), inSigned, nil
}

// openEncrypted decrypts an assertion. The text that was encrypted is a document of its own, which anyone with our
// certificate can make: it passes the same gate as the response. Its identifiers need to be unique in this document only,
// because no reference leads from one document into the other: each signature refers to its own parent. pysaml2 gives the
// signatures of the response and of the encrypted assertion the same Id.
func (e Expectation) openEncrypted(encrypted *etree.Element, signed bool) (*etree.Element, error) {
	plain, err := decrypt(encrypted, e.DecryptionKeys, signed)
	if err != nil {
		return nil, err
	}
	assertion, err := parse(plain, responseLimits)
	if err != nil || !is(assertion, nsAssertion, "Assertion") {
		return nil, refuse(reasonDecryption) // whatever it is: no hint on how a change to the ciphertext changed the text
	}
	return assertion, checkAssertionLayout(assertion)
}
