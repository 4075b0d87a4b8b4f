package protocol

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"time"
)

// Provider is what is known of an identity provider.
type Provider struct {
	// EntityID is its name.
	EntityID string
	// SSOURL is where AuthnRequests go, by redirect.
	SSOURL string
	// SLOURL is where LogoutRequests go, by redirect. Empty: it has no single logout that we could use.
	SLOURL string
	// SLOResponseURL is where LogoutResponses go: SLOURL, unless its metadata name another place.
	SLOResponseURL string
	// Certificates hold the keys it signs with, each once. During a rollover there are several; some may have expired.
	Certificates []*x509.Certificate
	// WantsSignedRequests tells that it refuses AuthnRequests without a signature.
	WantsSignedRequests bool
	// ValidUntil is when its metadata lose their validity. Zero means that they do not say.
	ValidUntil time.Time
}

// Expiring returns the certificates that are not valid any more at a time, and so the ones to warn of, given a time 30 days
// from now. A certificate that is not valid yet is not among them.
func (p Provider) Expiring(at time.Time) []*x509.Certificate {
	var found []*x509.Certificate
	for _, certificate := range p.Certificates {
		if at.After(certificate.NotAfter) {
			found = append(found, certificate)
		}
	}
	return found
}

// certificatesAt returns the certificates that are valid at a time: none after the end of the metadata (SAML Metadata
// 2.3.2). The issuers of certificates are never looked at: what is in the metadata is trusted itself.
func (p Provider) certificatesAt(now time.Time) []*x509.Certificate {
	if !p.ValidUntil.IsZero() && !now.Before(p.ValidUntil) {
		return nil
	}
	var valid []*x509.Certificate
	for _, certificate := range p.Certificates {
		if !now.Before(certificate.NotBefore) && !now.After(certificate.NotAfter) {
			valid = append(valid, certificate)
		}
	}
	return valid
}

const minRSABits = 2048 // NIST SP 800-131A: shorter keys no longer protect signatures

// usableKey tells whether signatures with a certificate's key can be accepted.
func usableKey(certificate *x509.Certificate) bool {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return key.Params().BitSize >= 256
	}
	return false
}
