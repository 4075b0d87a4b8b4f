package protocol

import (
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// enveloped is the transform that leaves the signature itself out (XML Signature 1.1 section 6.6.4).
const enveloped = nsSignature + "enveloped-signature"

// digests of signed content (RFC 6931 section 2.1, XML Encryption 1.1 section 5.8). SHA-1 is not among them.
var digests = map[string]crypto.Hash{
	nsEncryption + "sha256":                         crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	nsEncryption + "sha512":                         crypto.SHA512,
}

// authenticate checks the signature of an element, if it has one, and returns what was signed: the very text that the
// digest is of, read anew, so that nothing can be read that was not signed. It returns nil if there is no signature.
//
// There is one accepted form (SAML Core 5.4): an enveloped signature over its parent, referred to by its ID, with exclusive
// canonicalization. What the signature says of its key is not looked at.
func (e Expectation) authenticate(el *etree.Element) (*etree.Element, error) {
	signature := one(el, nsSignature, "Signature")
	if signature == nil {
		return nil, nil //nolint:nilnil // no signature is no error: another one may be enough
	}
	info, err := e.signedInfo(signature)
	if err != nil {
		return nil, err
	}
	if id := value(el, "ID"); id == "" || info.uri != "#"+id {
		return nil, refuse(reasonReference)
	}
	content, err := canonical(el, signature, info.prefixes)
	if err != nil {
		return nil, err
	}
	h := info.digest.New()
	_, _ = h.Write(content) // a hash takes everything
	if subtle.ConstantTimeCompare(h.Sum(nil), info.digestValue) != 1 {
		return nil, refuse(reasonDigest)
	}
	return parse(content, signedLimits())
}

// signedInfo checks who signed the SignedInfo of a signature, and returns what it says, read from the text that was signed.
func (e Expectation) signedInfo(signature *etree.Element) (signedInfo, error) {
	if !sequence(signature, nsSignature, "SignedInfo", "SignatureValue") && !sequence(signature, nsSignature, "SignedInfo", "SignatureValue", "KeyInfo") {
		return signedInfo{}, refuse(reasonSignatureShape)
	}
	element := signature.ChildElements()[0]
	received, err := readSignedInfo(element)
	if err != nil {
		return signedInfo{}, err
	}
	text, err := canonical(element, nil, received.ownPrefixes)
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

func (e Expectation) checkSignature(signatureValue *etree.Element, content []byte, a queryAlgorithm) error {
	signature, ok := decodeText(signatureValue)
	if !ok {
		return refuse(reasonSignatureShape)
	}
	h := a.hash.New()
	_, _ = h.Write(content) // a hash takes everything
	digest := h.Sum(nil)
	if madeBy(e.Provider.certificatesAt(e.Now), a, digest, signature) {
		return nil
	}
	if madeBy(e.Provider.Certificates, a, digest, signature) {
		return refuse(reasonCertificate)
	}
	return refuse(reasonSignature)
}

// madeBy tries every certificate: during a rollover nothing tells which one was used.
func madeBy(certificates []*x509.Certificate, a queryAlgorithm, digest, signature []byte) bool {
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
