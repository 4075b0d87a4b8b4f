package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	_ "crypto/sha1" //nolint:gosec // messages signed with it must be refused
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.Hash.New
	"crypto/x509"
	"encoding/base64"
	"strings"
)

const (
	more       = "http://www.w3.org/2001/04/xmldsig-more#"
	exclusive  = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped  = nsSignature + "enveloped-signature"
	hmacSHA256 = more + "hmac-sha256"
)

// signing holds the parameters of a signature. The declared and the used algorithms differ only where a case requires
// it.
type signing struct {
	key              *Key
	prefix           string
	id               string // of the Signature; absent: none
	method           string
	hash             crypto.Hash // of the signature
	digest           string
	digestHash       crypto.Hash
	canonicalization string // of the SignedInfo
	transforms       []string
	prefixes         string            // for the last transform's InclusiveNamespaces
	reference        string            // "": the element's ID
	keyInfo          *x509.Certificate // nil: none
	digestValue      func(string) string
	moreReferences   string
	emptyReference   bool
}

func newSigning(key *Key) *signing {
	s := &signing{
		key:              key,
		prefix:           "ds",
		id:               absent,
		method:           more + "rsa-sha256",
		hash:             crypto.SHA256,
		digest:           nsEncryption + "sha256",
		digestHash:       crypto.SHA256,
		canonicalization: exclusive,
		transforms:       []string{enveloped, exclusive},
		keyInfo:          key.Certificate,
		digestValue:      func(value string) string { return value },
	}

	if _, ok := key.Public().(*ecdsa.PublicKey); ok {
		s.method = more + "ecdsa-sha256"
	}

	return s
}

// signatureOver returns the Signature of an element. canonical is the canonical form of the element without it.
func (s *signing) signatureOver(id, canonical string) string {
	info := s.signedInfo(id, canonical)
	value := el(s.prefix, "SignatureValue", "", nil, base64.StdEncoding.EncodeToString(s.sign(info)))
	key := ""
	if s.keyInfo != nil {
		key = keyInfo(s.prefix, false, s.keyInfo)
	}

	return el(s.prefix, "Signature", nsSignature, []string{"Id", s.id}, withoutNamespace(info, s.prefix), value, key)
}

// withoutNamespace returns a SignedInfo as it appears inside of the Signature, which declares the namespace.
func withoutNamespace(info, prefix string) string {
	return replaceOnce(info, declaration(prefix, nsSignature), "")
}

// signedInfo returns the SignedInfo in canonical form.
func (s *signing) signedInfo(id, canonical string) string {
	reference := s.reference
	if reference == "" && !s.emptyReference {
		reference = "#" + id
	}

	return el(s.prefix, "SignedInfo", nsSignature, nil,
		el(s.prefix, "CanonicalizationMethod", "", []string{"Algorithm", s.canonicalization}),
		el(s.prefix, "SignatureMethod", "", []string{"Algorithm", s.method}),
		s.referenceTo(reference, canonical), s.moreReferences)
}

// referenceTo returns a Reference with the digest of a canonical text.
func (s *signing) referenceTo(uri, canonical string) string {
	h := s.digestHash.New()
	_, _ = h.Write([]byte(canonical))
	var transforms strings.Builder
	for i, transform := range s.transforms {
		inclusive := ""
		if s.prefixes != "" && i == len(s.transforms)-1 {
			inclusive = el("ec", "InclusiveNamespaces", exclusive, []string{"PrefixList", s.prefixes})
		}
		transforms.WriteString(el(s.prefix, "Transform", "", []string{"Algorithm", transform}, inclusive))
	}

	value := s.digestValue(base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return el(s.prefix, "Reference", "", []string{"URI", uri},
		el(s.prefix, "Transforms", "", nil, transforms.String()),
		el(s.prefix, "DigestMethod", "", []string{"Algorithm", s.digest}),
		el(s.prefix, "DigestValue", "", nil, value))
}

// sign returns the signature value.
func (s *signing) sign(info string) []byte {
	info = withoutComments(info)
	if s.method == hmacSHA256 {
		mac := hmac.New(sha256.New, must(x509.MarshalPKIXPublicKey(s.key.Public())))
		_, _ = mac.Write([]byte(info))
		return mac.Sum(nil)
	}

	h := s.hash.New()
	_, _ = h.Write([]byte(info))
	if key, ok := s.key.Signer.(*ecdsa.PrivateKey); ok {
		return signECDSA(key, h.Sum(nil))
	}

	return must(s.key.Sign(rand.Reader, h.Sum(nil), s.hash))
}

// signECDSA returns a signature in the form of XML Signature: two numbers of the curve's length (RFC 6931 section
// 2.3.6).
func signECDSA(key *ecdsa.PrivateKey, digest []byte) []byte {
	r, t, err := ecdsa.Sign(rand.Reader, key, digest)
	must(r, err)
	size := (key.Params().BitSize + 7) / 8
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	t.FillBytes(signature[size:])
	return signature
}

// withoutComments removes comments, as canonicalization without comments does.
func withoutComments(xml string) string {
	for {
		before, rest, found := strings.Cut(xml, "<!--")
		if !found {
			return xml
		}
		_, after, _ := strings.Cut(rest, "-->")
		xml = before + after
	}
}
