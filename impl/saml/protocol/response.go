// Package protocol implements the messages of a SAML 2.0 service provider: requests, responses, metadata and logout.
// It does no input or output, has no state, and takes the current time as an argument.
package protocol

import (
	"cmp"
	"crypto/rsa"
	"encoding/base64"
	"time"

	"github.com/beevik/etree"
)

const (
	// DefaultSkew is the default of Expectation.Skew.
	DefaultSkew = time.Minute
	// DefaultMaxAge is the default of Expectation.MaxAge.
	DefaultMaxAge = 5 * time.Minute

	confirmationMethod = "urn:oasis:names:tc:SAML:2.0:cm:bearer" // SAML Profiles 3.3
	version            = "2.0"                                   // SAML Core 4.1
)

// Expectation holds the requirements on a response.
type Expectation struct {
	// EntityID is our name, the required audience.
	EntityID string
	// ACS is the URL of our assertion consumer service, the required destination and recipient.
	ACS string
	// Provider is the required issuer and signer.
	Provider Provider
	// RequestID is the ID of the AuthnRequest that the response must answer. Empty: the response must be unsolicited,
	// which requires AllowUnsolicited.
	RequestID string
	// AllowUnsolicited accepts responses that the identity provider sends without a request.
	AllowUnsolicited bool
	// ForceAuthn refuses an unsolicited response, and one in which the user authenticated before RequestedAt, the
	// IssueInstant of the request (SAML Core 3.4.1).
	ForceAuthn  bool
	RequestedAt time.Time
	// AuthnContexts are the accepted classes of authentication. Empty: any.
	AuthnContexts []string
	// Skew is the tolerated difference between the provider's clock and ours. Zero: DefaultSkew.
	Skew time.Duration
	// MaxAge is the time after IssueInstant for which a response is accepted. Zero: DefaultMaxAge.
	MaxAge time.Duration
	// DecryptionKeys are the private keys for encrypted assertions: several during a rollover.
	DecryptionKeys []*rsa.PrivateKey
	// NameIDFormat is the required format of the NameID. Empty, and the format "unspecified": any.
	NameIDFormat string
	// Now is the current time.
	Now time.Time
}

func (e Expectation) withDefaults() Expectation {
	e.Skew, e.MaxAge = cmp.Or(e.Skew, DefaultSkew), cmp.Or(e.MaxAge, DefaultMaxAge)

	return e
}

// DecodeResponse decodes the form field SAMLResponse: standard base64 (RFC 4648 section 4), optionally with line
// breaks, of at most MaxResponse bytes. The error is a *Refusal.
func DecodeResponse(form string) ([]byte, error) {
	// Line breaks add at most two characters per 76.
	if len(form) > base64.StdEncoding.EncodedLen(MaxResponse)*65/64 {
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

// PeekInResponseTo returns the unverified InResponseTo of a response, or "" if there is none. Use it only to look up
// the request: nothing is checked except that the text is a well-formed response. The error is a *Refusal.
func PeekInResponseTo(response []byte) (string, error) {
	root, err := parseResponse(response)
	if err != nil {
		return "", err
	}
	return value(root, "InResponseTo"), nil
}

// Verify performs all checks of a response that need no state and returns its assertion. It does not detect replays:
// the caller must refuse an assertion with an issuer and ID used before. The error is a *Refusal.
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

// parseResponse parses a response and checks its layout.
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

// openAssertion returns the authenticated assertion as it was signed: with its own signature, or as part of the
// signed response.
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

// findAssertion returns the assertion as received, which its own signature covers, and the assertion inside the
// signed response, nil if the response is not signed.
func (e Expectation) findAssertion(received, signed *etree.Element) (assertion, inSigned *etree.Element, err error) {
	trusted := received
	if signed != nil {
		trusted = signed
	}

	if encrypted := onlyChild(trusted, nsAssertion, "EncryptedAssertion"); encrypted != nil {
		assertion, err = e.openEncrypted(encrypted, signed != nil)
		if signed != nil {
			inSigned = assertion
		}
		return assertion, inSigned, err
	}

	if signed != nil {
		inSigned = onlyChild(signed, nsAssertion, "Assertion")
	}

	return onlyChild(received, nsAssertion, "Assertion"), inSigned, nil
}

// openEncrypted decrypts an assertion. The plaintext is a document of its own, and anyone with our certificate can
// create it: it passes the same gate as the response. Its identifiers must be unique only within it, because no
// reference crosses documents: each signature refers to its own parent. pysaml2 uses the same Id for the signatures
// of the response and of the encrypted assertion.
func (e Expectation) openEncrypted(encrypted *etree.Element, signed bool) (*etree.Element, error) {
	plain, err := decrypt(encrypted, e.DecryptionKeys, signed)
	if err != nil {
		return nil, err
	}

	assertion, err := parse(plain, responseLimits)
	if err != nil || !is(assertion, nsAssertion, "Assertion") {
		// The same refusal for every fault gives no hint on how a change of the ciphertext changed the plaintext.
		return nil, refuse(reasonDecryption)
	}

	return assertion, checkAssertionLayout(assertion)
}
