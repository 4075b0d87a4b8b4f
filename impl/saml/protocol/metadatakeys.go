package protocol

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// signingCertificates returns the certificates of all keys for signing or for unspecified use (SAML Metadata
// 2.4.1.1). Unusable certificates are skipped if at least one is usable.
func signingCertificates(descriptor *element) ([]*x509.Certificate, error) {
	var usable []*x509.Certificate
	unusable := errors.New("the provider has no certificate for signing")
	for _, text := range signingTexts(descriptor) {
		certificate, err := readCertificate(text)
		if err != nil {
			unusable = err
			continue
		}

		if !slices.ContainsFunc(usable, certificate.Equal) {
			usable = append(usable, certificate)
		}
	}

	if len(usable) == 0 {
		return nil, unusable
	}

	return usable, nil
}

// signingTexts returns the text of each certificate that may be used for signing.
func signingTexts(descriptor *element) []string {
	var texts []string
	for _, key := range descriptor.childrenNamed(nsMetadata, "KeyDescriptor") {
		if use, ok := key.attributes["use"]; ok && use != "signing" {
			continue
		}

		for _, info := range key.childrenNamed(nsSignature, "KeyInfo") {
			for _, data := range info.childrenNamed(nsSignature, "X509Data") {
				for _, certificate := range data.childrenNamed(nsSignature, "X509Certificate") {
					texts = append(texts, string(certificate.text))
				}
			}
		}
	}

	return texts
}

// readCertificate parses an X509Certificate element: base64 with white space anywhere.
func readCertificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("a certificate for signing is not base64")
	}

	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("a certificate for signing cannot be parsed: %w", err)
	}
	if !usableKey(certificate) {
		return nil, fmt.Errorf("the key of the certificate %.100q is neither RSA of %d bits or more nor ECDSA of 256 bits "+
			"or more", certificate.Subject, minRSABits)
	}

	return certificate, nil
}
