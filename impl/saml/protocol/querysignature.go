package protocol

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512" // for crypto.Hash.New
	"crypto/x509"
	"math/big"
)

// queryAlgorithm is a signature algorithm.
type queryAlgorithm struct {
	hash  crypto.Hash
	ecdsa bool
}

// queryAlgorithms maps algorithm URIs to the accepted algorithms.
var queryAlgorithms = map[string]queryAlgorithm{
	rsaSHA256:   {hash: crypto.SHA256},
	rsaSHA384:   {hash: crypto.SHA384},
	rsaSHA512:   {hash: crypto.SHA512},
	ecdsaSHA256: {hash: crypto.SHA256, ecdsa: true},
	ecdsaSHA384: {hash: crypto.SHA384, ecdsa: true},
	ecdsaSHA512: {hash: crypto.SHA512, ecdsa: true},
}

// verifyText verifies a signature against every certificate: during a rollover the message does not identify the
// signing key.
func verifyText(text string, signature []byte, uri string, certificates []*x509.Certificate) error {
	a, known := queryAlgorithms[uri]
	if !known {
		return refuse(reasonQueryAlgorithm)
	}
	if len(certificates) == 0 {
		return refuse(reasonQueryNoKey)
	}

	h := a.hash.New()
	// Write of a hash never returns an error.
	_, _ = h.Write([]byte(text))
	digest := h.Sum(nil)
	for _, certificate := range certificates {
		if a.verify(certificate.PublicKey, digest, signature) {
			return nil
		}
	}

	return refuse(reasonQuerySignature)
}

// verify verifies a signature. The type of the key decides, so that the algorithm of a message cannot reinterpret a
// key.
func (a queryAlgorithm) verify(public crypto.PublicKey, digest, signature []byte) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return !a.ecdsa && rsa.VerifyPKCS1v15(key, a.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		return a.ecdsa && verifyECDSA(key, digest, signature)
	}

	return false
}

// verifyECDSA accepts the form of RFC 6931 section 2.3.6, two numbers of the curve's length, and the ASN.1 form that
// some senders use.
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := (key.Params().N.BitLen() + 7) / 8
	if len(signature) == 2*size {
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		if ecdsa.Verify(key, digest, r, s) {
			return true
		}
	}

	return ecdsa.VerifyASN1(key, digest, signature)
}
