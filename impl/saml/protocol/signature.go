package protocol

import (
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// enveloped is the transform that omits the signature itself (XML Signature 1.1 section 6.6.4).
const enveloped = nsSignature + "enveloped-signature"

// digests maps algorithm URIs to the accepted digests (RFC 6931 section 2.1, XML Encryption 1.1 section 5.8). SHA-1
// is not accepted.
var digests = map[string]crypto.Hash{
	nsEncryption + "sha256":                         crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	nsEncryption + "sha512":                         crypto.SHA512,
}

// authenticate verifies the signature of an element and returns the signed content, parsed from the text that the
// digest covers, so that unsigned content cannot be read. It returns nil if the element has no signature.
//
// The only accepted form (SAML Core 5.4) is an enveloped signature over its parent, referenced by ID, with exclusive
// canonicalization. The signature's KeyInfo is ignored.
func (e Expectation) authenticate(el *etree.Element) (*etree.Element, error) {
	signature := onlyChild(el, nsSignature, "Signature")
	if signature == nil {
		return nil, nil //nolint:nilnil // a missing signature is not an error: another one may suffice
	}

	info, err := e.signedInfo(signature)
	if err != nil {
		return nil, err
	}
	if id := value(el, "ID"); id == "" || info.uri != "#"+id {
		return nil, refuse(reasonReference)
	}

	content, err := canonicalize(el, signature, info.prefixes)
	if err != nil {
		return nil, err
	}

	h := info.digest.New()
	// Write of a hash never returns an error.
	_, _ = h.Write(content)
	if subtle.ConstantTimeCompare(h.Sum(nil), info.digestValue) != 1 {
		return nil, refuse(reasonDigest)
	}

	return parse(content, signedLimits())
}

// signedInfo verifies the signature over a SignedInfo and returns its content, parsed from the signed text.
func (e Expectation) signedInfo(signature *etree.Element) (signedInfo, error) {
	if !hasChildrenInOrder(signature, nsSignature, "SignedInfo", "SignatureValue") &&
		!hasChildrenInOrder(signature, nsSignature, "SignedInfo", "SignatureValue", "KeyInfo") {
		return signedInfo{}, refuse(reasonSignatureShape)
	}

	element := signature.ChildElements()[0]
	received, err := readSignedInfo(element)
	if err != nil {
		return signedInfo{}, err
	}

	text, err := canonicalize(element, nil, received.ownPrefixes)
	if err != nil {
		return signedInfo{}, err
	}
	if err := e.checkSignature(signature.ChildElements()[1], text, received.method); err != nil {
		return signedInfo{}, err
	}

	signed, err := parse(text, signedLimits())
	if err != nil {
		return signedInfo{}, err
	}

	return readSignedInfo(signed)
}

// checkSignature verifies a signature with the provider's valid certificates. Expired ones only select the reason of
// the refusal.
func (e Expectation) checkSignature(signatureValue *etree.Element, content []byte, a queryAlgorithm) error {
	signature, ok := decodeText(signatureValue)
	if !ok {
		return refuse(reasonSignatureShape)
	}

	h := a.hash.New()
	// Write of a hash never returns an error.
	_, _ = h.Write(content)
	digest := h.Sum(nil)
	if signedByAny(e.Provider.certificatesAt(e.Now), a, digest, signature) {
		return nil
	}
	if signedByAny(e.Provider.Certificates, a, digest, signature) {
		return refuse(reasonCertificate)
	}

	return refuse(reasonSignature)
}

// signedByAny tries every certificate: during a rollover the message does not identify the signing key.
func signedByAny(certificates []*x509.Certificate, a queryAlgorithm, digest, signature []byte) bool {
	for _, certificate := range certificates {
		if a.verify(certificate.PublicKey, digest, signature) {
			return true
		}
	}
	return false
}

// decodeText decodes an element's text: base64 with white space anywhere.
func decodeText(el *etree.Element) ([]byte, bool) {
	encoded, ok := text(el)
	if !ok {
		return nil, false
	}
	data, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(encoded), ""))
	return data, err == nil && len(data) > 0
}
