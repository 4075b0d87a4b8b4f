package http_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
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

// readMetadata reads metadata with certificates as keys.
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

// Ensures that the metadata are XML that says what an identity provider has to know, and nothing of the keys.
func TestSAML_Metadata(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	response, body := w.do(http.MethodGet, samlPath+"metadata?realm=corporate", "")
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/samlmetadata+xml" {
		t.Fatalf("%d %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	described := readMetadata(t, body)
	if described.EntityID != ourEntityID || len(described.ACS) != 1 || described.ACS[0].Location != ourACS ||
		described.ACS[0].Binding != bindingPOST ||
		described.Logout[0].Location != ourLogout || len(described.Keys) != 2 {
		t.Errorf("the metadata are %+v", described)
	}
	response, body = w.do(http.MethodGet, samlPath+"metadata", "")
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "realm")
}

// Ensures that why sign-ins were refused is for administrators only, and holds nothing of what was sent but its issuer
// and time.
func TestSAML_Refusals(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	if list := w.refusals(); len(list) != 0 {
		t.Errorf("at first there are %s", asJSON(list))
	}
	begun := w.begin("state=the-state")
	r := w.request(begun)
	r.NameID, r.ACS = "mallory@example.com", "https://elsewhere.example.com"
	response, _ := w.post(begun, w.idp.Answer(r))
	list := w.refusals()
	if len(list) != 1 {
		t.Fatalf("there are %s", asJSON(list))
	}
	last := list[0]
	if !last.At.Equal(w.clock.Now()) || !last.IssuedAt.Equal(w.clock.Now()) || *last.Realm != "corporate" ||
		*last.Issuer != w.idp.EntityID ||
		*last.Address != "127.0.0.1" || *last.RequestID != response.Header.Get("X-Request-Id") {
		t.Errorf("the refusal is %s", asJSON(last))
	}
	for _, part := range []string{"mallory", begun.id, "the-state", "elsewhere", "<"} {
		if strings.Contains(asJSON(list), part) {
			t.Errorf("the refusal shows %q: %s", part, asJSON(list))
		}
	}
	for name, caller := range map[string]client.RequestEditorFn{"unauthenticated": authorization(""), "alice": alice} {
		if r, err := w.client.SAMLRefusalsWithResponse(t.Context(), caller); err != nil || r.JSON200 != nil {
			t.Errorf("%s sees %v, %v", name, r, err)
		}
	}
}

// Ensures that an administrator can list the refusals with an expiring API key, and that the contract declares the
// answer.
func TestSAML_RefusalsWithKey(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	key := w.newKey(bob, "short", "3h")
	r, err := w.client.SAMLRefusalsWithResponse(t.Context(), apiKey(*key.Key))
	if err != nil || r.JSON200 == nil || r.HTTPResponse.Header.Get("X-Elastic-Api-Key-Expiration") == "" {
		t.Errorf("got %v, %v", r, err)
	}
}
