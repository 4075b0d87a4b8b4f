package protocol

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
)

// ServiceProvider is what identity providers have to know of us.
type ServiceProvider struct {
	// EntityID is our name.
	EntityID string
	// ACS is where responses are posted to.
	ACS string
	// SLO is where logout messages are redirected to. Empty: no single logout.
	SLO string
	// NameIDFormat is the format of names that we ask for. Empty: any.
	NameIDFormat string
	// SignsRequests tells that our AuthnRequests are signed.
	SignsRequests bool
	// SigningCertificates hold the keys that we sign with; during a rollover, the next one too.
	SigningCertificates []*x509.Certificate
	// EncryptionCertificates hold the keys that assertions may be encrypted for.
	EncryptionCertificates []*x509.Certificate
}

// ServiceProviderMetadata returns our metadata (SAML Metadata 2.4.4): assertions signed, by POST only; encrypted with
// AES-GCM under RSA-OAEP only, since unauthenticated encryption can be read by trying. It fails if the entity ID is
// empty, a URL is none, or we sign without saying with what.
func ServiceProviderMetadata(sp ServiceProvider) ([]byte, error) {
	if sp.EntityID == "" {
		return nil, errors.New("saml: the service provider needs an entity ID")
	}
	if _, err := endpoint(sp.ACS); err != nil {
		return nil, errors.New("saml: the assertion consumer service: " + err.Error())
	}
	if (sp.SignsRequests || sp.SLO != "") && len(sp.SigningCertificates) == 0 { // logout messages are always signed
		return nil, errors.New("saml: requests and logout messages are signed, and there is no certificate for signing")
	}
	role := roleXML{
		SignsRequests:   sp.SignsRequests,
		WantsAssertions: true,
		Protocols:       nsProtocol,
		ACS:             serviceXML{Binding: postBinding, Location: sp.ACS, Index: "0", Default: "true"},
	}
	for _, certificate := range sp.SigningCertificates {
		role.Keys = append(role.Keys, keyXML{Use: "signing", Certificate: base64.StdEncoding.EncodeToString(certificate.Raw)})
	}
	for _, certificate := range sp.EncryptionCertificates {
		role.Keys = append(role.Keys, keyXML{
			Use: "encryption", Certificate: base64.StdEncoding.EncodeToString(certificate.Raw),
			Methods: []methodXML{{aes256GCM}, {aes128GCM}, {rsaOAEP}},
		})
	}
	if sp.SLO != "" {
		if _, err := endpoint(sp.SLO); err != nil {
			return nil, errors.New("saml: the single logout service: " + err.Error())
		}
		role.SLO = &serviceXML{Binding: redirectBinding, Location: sp.SLO}
	}
	if sp.NameIDFormat != "" {
		role.Formats = []string{sp.NameIDFormat}
	}
	document, err := xml.MarshalIndent(entityXML{Metadata: nsMetadata, Signature: nsSignature, EntityID: sp.EntityID, Role: role}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(document, '\n')...), nil
}

type entityXML struct {
	XMLName   xml.Name `xml:"md:EntityDescriptor"`
	Metadata  string   `xml:"xmlns:md,attr"`
	Signature string   `xml:"xmlns:ds,attr"`
	EntityID  string   `xml:"entityID,attr"`
	Role      roleXML  `xml:"md:SPSSODescriptor"`
}

// roleXML has its elements in the order that the schema wants.
type roleXML struct {
	SignsRequests   bool        `xml:"AuthnRequestsSigned,attr"`
	WantsAssertions bool        `xml:"WantAssertionsSigned,attr"`
	Protocols       string      `xml:"protocolSupportEnumeration,attr"`
	Keys            []keyXML    `xml:"md:KeyDescriptor"`
	SLO             *serviceXML `xml:"md:SingleLogoutService"`
	Formats         []string    `xml:"md:NameIDFormat"`
	ACS             serviceXML  `xml:"md:AssertionConsumerService"`
}

type keyXML struct {
	Use         string      `xml:"use,attr"`
	Certificate string      `xml:"ds:KeyInfo>ds:X509Data>ds:X509Certificate"`
	Methods     []methodXML `xml:"md:EncryptionMethod"`
}

type methodXML struct {
	Algorithm string `xml:",attr"`
}

type serviceXML struct {
	Binding  string `xml:",attr"`
	Location string `xml:",attr"`
	Index    string `xml:"index,attr,omitempty"`
	Default  string `xml:"isDefault,attr,omitempty"`
}
