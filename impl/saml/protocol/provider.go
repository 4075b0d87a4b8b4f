package protocol

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"time"
)

// Provider describes an identity provider.
type Provider struct {
	// EntityID is the provider's name.
	EntityID string
	// SSOURL is the redirect endpoint for AuthnRequests.
	SSOURL string
	// SLOURL is the redirect endpoint for LogoutRequests. Empty: the provider has no usable single logout.
	SLOURL string
	// SLOResponseURL is the redirect endpoint for LogoutResponses: SLOURL, unless the metadata have a
	// ResponseLocation.
	SLOResponseURL string
	// Certificates are the distinct certificates of the signing keys. There are several during a rollover, and some
	// may have expired.
	Certificates []*x509.Certificate
	// WantsSignedRequests means that the provider refuses unsigned AuthnRequests.
	WantsSignedRequests bool
	// ValidUntil is the time at which the metadata expire. Zero: never.
	ValidUntil time.Time
}

// Expiring returns the certificates that will have expired at a time, for example 30 days from now to warn in time.
// Certificates that are not valid yet are not included.
func (p Provider) Expiring(at time.Time) []*x509.Certificate {
	var found []*x509.Certificate
	for _, certificate := range p.Certificates {
		if at.After(certificate.NotAfter) {
			found = append(found, certificate)
		}
	}

	return found
}

// certificatesAt returns the certificates that are valid at a time, none after the metadata expired (SAML Metadata
// 2.3.2). Issuers of certificates are not checked: the metadata themselves are trusted.
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

// minRSABits is the shortest accepted RSA key (NIST SP 800-131A).
const minRSABits = 2048

// usableKey reports whether signatures with the certificate's key are accepted.
func usableKey(certificate *x509.Certificate) bool {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return key.Params().BitSize >= 256
	}

	return false
}
