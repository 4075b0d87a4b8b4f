package httpapi_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"strings"
	"testing"
)

const bindingPOST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

// endpoint is an address in metadata.
type endpoint struct {
	Binding  string `xml:",attr"`
	Location string `xml:",attr"`
}

// metadata are a service provider's (SAML Metadata 2.4.4).
type metadata struct {
	XMLName  xml.Name   `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string     `xml:"entityID,attr"`
	ACS      []endpoint `xml:"SPSSODescriptor>AssertionConsumerService"`
	Logout   []endpoint `xml:"SPSSODescriptor>SingleLogoutService"`
	Keys     []struct {
		Use         string `xml:"use,attr"`
		Certificate string `xml:"KeyInfo>X509Data>X509Certificate"`
	} `xml:"SPSSODescriptor>KeyDescriptor"`
}

// readMetadata reads metadata whose keys are certificates.
func readMetadata(t *testing.T, text string) metadata {
	t.Helper()
	var m metadata
	if err := xml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, key := range m.Keys {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key.Certificate), ""))
		if err == nil {
			_, err = x509.ParseCertificate(der)
		}
		if err != nil || key.Use != "signing" && key.Use != "encryption" {
			t.Errorf("a key for %q: %v", key.Use, err)
		}
	}
	return m
}
