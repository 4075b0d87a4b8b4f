package protocol

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// signingCertificates returns the certificates of all keys that are for signing, or for no use in particular (SAML Metadata
// 2.4.1.1). Some that cannot be used stay out, as long as there is another one that can.
func signingCertificates(descriptor *element) ([]*x509.Certificate, error) {
	var usable []*x509.Certificate
	unusable := errors.New("the provider has no certificate for signing")
	for _, text := range signingTexts(descriptor) {
		certificate, err := readCertificate(text)
		if err != nil {
			unusable = err
			continue
		}
		if !holds(usable, certificate) {
			usable = append(usable, certificate)
		}
	}
	if len(usable) == 0 {
		return nil, unusable
	}
	return usable, nil
}

func signingTexts(descriptor *element) []string {
	var texts []string
	for _, key := range descriptor.all(nsMetadata, "KeyDescriptor") {
		if use, ok := key.attributes["use"]; ok && use != "signing" {
			continue
		}
		for _, info := range key.all(nsSignature, "KeyInfo") {
			for _, data := range info.all(nsSignature, "X509Data") {
				for _, certificate := range data.all(nsSignature, "X509Certificate") {
					texts = append(texts, string(certificate.text))
				}
			}
		}
	}
	return texts
}

// readCertificate reads an X509Certificate: base64 with white space anywhere.
func readCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("a certificate for signing is not base64")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("a certificate for signing cannot be read: %w", err)
	}
	if !usableKey(certificate) {
		return nil, fmt.Errorf("the key of the certificate %.100q is neither RSA of %d bits or more nor ECDSA of 256 bits or more", certificate.Subject, minRSABits)
	}
	return certificate, nil
}

func holds(certificates []*x509.Certificate, wanted *x509.Certificate) bool {
	for _, certificate := range certificates {
		if bytes.Equal(certificate.Raw, wanted.Raw) {
			return true
		}
	}
	return false
}
