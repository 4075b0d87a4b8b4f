package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// Key is a signing key with its certificate.
type Key struct {
	crypto.Signer
	// Certificate is self-signed.
	Certificate *x509.Certificate
}

// Keys are generated once per process, since that is slow.
var (
	rsaKeys = [4]func() crypto.Signer{newRSA(), newRSA(), newRSA(), newRSA()}
	ecKey   = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

// newRSA returns a function that generates a key of 2,048 bits at the first call.
func newRSA() func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
}

// newCertifiedKey returns a key with a self-signed certificate.
func newCertifiedKey(name string, key crypto.Signer, from, until time.Time) *Key {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    from,
		NotAfter:     until,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &Key{Signer: key, Certificate: must(x509.ParseCertificate(der))}
}

// must panics on errors that only a bug can cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("samltest: %v", err))
	}
	return v
}

// keyInfo returns a certificate as a KeyInfo, with a namespace declaration if declared is true.
func keyInfo(prefix string, declared bool, certificate *x509.Certificate) string {
	namespace := ""
	if declared {
		namespace = nsSignature
	}
	return el(prefix, "KeyInfo", namespace, nil, el(prefix, "X509Data", "", nil,
		el(prefix, "X509Certificate", "", nil, base64.StdEncoding.EncodeToString(certificate.Raw))))
}
