package protocol

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
)

// ServiceProvider is the content of our metadata.
type ServiceProvider struct {
	// EntityID is our name.
	EntityID string
	// ACS is the URL of our assertion consumer service.
	ACS string
	// SLO is the redirect endpoint for logout messages. Empty: no single logout.
	SLO string
	// NameIDFormat is the requested format of the NameID. Empty: any.
	NameIDFormat string
	// SignsRequests announces that our AuthnRequests are signed.
	SignsRequests bool
	// SigningCertificates are the certificates of our signing keys; during a rollover also of the next one.
	SigningCertificates []*x509.Certificate
	// EncryptionCertificates are the certificates for which assertions may be encrypted.
	EncryptionCertificates []*x509.Certificate
}

// ServiceProviderMetadata returns our metadata (SAML Metadata 2.4.4). They ask for signed assertions by POST only,
// and offer encryption with AES-GCM under RSA-OAEP only, since unauthenticated encryption is open to
// chosen-ciphertext attacks. It returns an error if the entity ID is empty, a URL is invalid, or a signing
// certificate is missing.
func ServiceProviderMetadata(sp ServiceProvider) ([]byte, error) {
	if sp.EntityID == "" {
		return nil, errors.New("saml: the service provider requires an entity ID")
	}
	if _, err := parseEndpoint(sp.ACS); err != nil {
		return nil, errors.New("saml: invalid assertion consumer service:  " + err.Error())
	}
	// Logout messages are always signed.
	if (sp.SignsRequests || sp.SLO != "") && len(sp.SigningCertificates) == 0 {
		return nil, errors.New("saml: signed requests and logout messages require a certificate for signing")
	}

	role := roleXML{
		SignsRequests:   sp.SignsRequests,
		WantsAssertions: true,
		Protocols:       nsProtocol,
		ACS: serviceXML{
			Binding:  postBinding,
			Location: sp.ACS,
			Index:    "0",
			Default:  "true",
		},
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
		if _, err := parseEndpoint(sp.SLO); err != nil {
			return nil, errors.New("saml: invalid single logout service:  " + err.Error())
		}
		role.SLO = &serviceXML{Binding: redirectBinding, Location: sp.SLO}
	}

	if sp.NameIDFormat != "" {
		role.Formats = []string{sp.NameIDFormat}
	}

	document, err := xml.MarshalIndent(entityXML{
		Metadata:  nsMetadata,
		Signature: nsSignature,
		EntityID:  sp.EntityID,
		Role:      role,
	}, "", "  ")
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

// roleXML has its elements in the order of the schema.
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
