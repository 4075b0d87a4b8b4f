package hostile

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

// Key signs.
type Key struct {
	crypto.Signer
	// Certificate is self-signed.
	Certificate *x509.Certificate
}

// Keys are made once in a program, since it takes long.
var (
	rsaKeys = [4]func() crypto.Signer{newRSA(), newRSA(), newRSA(), newRSA()}
	ecKey   = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

// newRSA returns a function that makes a key of 2,048 bits when it is first called.
func newRSA() func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
}

func certify(name string, key crypto.Signer, from, until time.Time) *Key {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &Key{Signer: key, Certificate: must(x509.ParseCertificate(der))}
}

// must is for what fails only if the program is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("hostile: %v", err))
	}
	return v
}

// keyInfo writes a certificate as a KeyInfo, which declares its namespace if it stands alone.
func keyInfo(prefix string, declared bool, certificate *x509.Certificate) string {
	namespace := ""
	if declared {
		namespace = nsSignature
	}
	return el(prefix, "KeyInfo", namespace, nil, el(prefix, "X509Data", "", nil,
		el(prefix, "X509Certificate", "", nil, base64.StdEncoding.EncodeToString(certificate.Raw))))
}
