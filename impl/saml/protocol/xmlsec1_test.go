package protocol_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// fromXMLSec1 reads a file created by testdata/xmlsec1/make.sh.
func fromXMLSec1(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "xmlsec1", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Ensures that responses signed and encrypted by xmlsec1 are read as it reads them: with tabs and line breaks in
// attribute values, line breaks of two characters, references to such characters, and the same Id on the signatures
// of a response and of its encrypted assertion.
func TestVerify_XMLSec1(t *testing.T) {
	idp, _ := pem.Decode(fromXMLSec1(t, "idp.pem"))
	certificate, err := x509.ParseCertificate(idp.Bytes)
	if err != nil {
		t.Fatal(err)
	}

	sp, _ := pem.Decode(fromXMLSec1(t, "sp-key.pem"))
	key, err := x509.ParsePKCS8PrivateKey(sp.Bytes)
	if err != nil {
		t.Fatal(err)
	}

	now := time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)
	e := protocol.Expectation{
		EntityID:  "https://sp.example.com",
		ACS:       "https://sp.example.com/acs",
		RequestID: "_request",
		Now:       now,
		Provider: protocol.Provider{
			EntityID: "https://idp.example.com/metadata", Certificates: []*x509.Certificate{certificate},
		},
		DecryptionKeys: []*rsa.PrivateKey{key.(*rsa.PrivateKey)},
	}

	for _, name := range []string{"whitespace.xml", "encrypted.xml"} {
		t.Run(name, func(t *testing.T) {
			got, err := protocol.Verify(fromXMLSec1(t, name), e)
			want := map[string][]string{"postal address": {"1 Main Street\nSpringfield \r"}}
			if err != nil || got.NameID != "alice" || !reflect.DeepEqual(got.Attributes, want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
