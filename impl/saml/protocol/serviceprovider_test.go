package protocol

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
)

func plainServiceProvider() ServiceProvider {
	return ServiceProvider{EntityID: "https://us.example/saml", ACS: "https://us.example/acs?a=1&b=2"}
}

func ourRole(t *testing.T, sp ServiceProvider) *element {
	t.Helper()
	document, err := ServiceProviderMetadata(sp)
	if err != nil {
		t.Fatal(err)
	}

	root, err := readXML(document, metadataBounds)
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	if !root.is(nsMetadata, "EntityDescriptor") || root.attributes["entityID"] != sp.EntityID {
		t.Errorf("%s", document)
	}

	role, err := root.onlyChild(nsMetadata, "SPSSODescriptor")
	if err != nil {
		t.Fatal(err)
	}

	return role
}

// Ensures that minimal metadata offer POST only and ask for signed assertions.
func TestServiceProviderMetadata(t *testing.T) {
	role := ourRole(t, plainServiceProvider())
	if role.attributes["WantAssertionsSigned"] != "true" || role.attributes["AuthnRequestsSigned"] != "false" ||
		role.attributes["protocolSupportEnumeration"] != nsProtocol {
		t.Errorf("%v", role.attributes)
	}
	if len(role.children) != 1 {
		t.Fatalf("%d children", len(role.children))
	}

	acs := role.children[0]
	if !acs.is(nsMetadata, "AssertionConsumerService") || acs.attributes["Binding"] != postBinding ||
		acs.attributes["Location"] != plainServiceProvider().ACS ||
		acs.attributes["index"] != "0" || acs.attributes["isDefault"] != "true" {
		t.Errorf("%+v", acs)
	}
}

// Ensures that complete metadata have all settings and all keys of a rollover, in the order of the schema.
func TestServiceProviderMetadata_Complete(t *testing.T) {
	sp := plainServiceProvider()
	sp.SLO, sp.NameIDFormat, sp.SignsRequests = "https://us.example/slo", "urn:f", true
	sp.SigningCertificates = []*x509.Certificate{rsaIdentity().certificate, otherIdentity().certificate}
	sp.EncryptionCertificates = []*x509.Certificate{otherIdentity().certificate, rsaIdentity().certificate}
	role := ourRole(t, sp)
	var order, uses []string
	for _, child := range role.children {
		order = append(order, child.name.Local)
	}

	if want := "KeyDescriptor KeyDescriptor KeyDescriptor KeyDescriptor SingleLogoutService NameIDFormat " +
		"AssertionConsumerService"; strings.Join(order, " ") != want {
		t.Errorf("%v", order)
	}

	for _, key := range role.childrenNamed(nsMetadata, "KeyDescriptor") {
		uses = append(uses, key.attributes["use"])
		var algorithms []string
		for _, method := range key.childrenNamed(nsMetadata, "EncryptionMethod") {
			algorithms = append(algorithms, method.attributes["Algorithm"])
		}

		if encryption := key.attributes["use"] == "encryption"; encryption != slices.Equal(algorithms,
			[]string{aes256GCM, aes128GCM, rsaOAEP}) {
			t.Errorf("%v", algorithms)
		}
	}

	if !slices.Equal(uses, []string{"signing", "signing", "encryption", "encryption"}) {
		t.Errorf("%v", uses)
	}

	certificates, err := signingCertificates(role)
	if err != nil || len(certificates) != 2 || !certificates[0].Equal(rsaIdentity().certificate) {
		t.Errorf("%d certificates, %v", len(certificates), err)
	}

	slo := role.childrenNamed(nsMetadata, "SingleLogoutService")[0]
	if slo.attributes["Binding"] != redirectBinding || slo.attributes["Location"] != sp.SLO ||
		role.attributes["AuthnRequestsSigned"] != "true" {
		t.Errorf("%+v", slo)
	}
	if format, err := role.childrenNamed(nsMetadata, "NameIDFormat")[0].value(); err != nil || format != "urn:f" {
		t.Errorf("%q, %v", format, err)
	}
}

// Ensures that metadata that would make logins fail are refused.
func TestServiceProviderMetadata_Refused(t *testing.T) {
	for name, change := range map[string]func(*ServiceProvider){
		"no entity ID": func(sp *ServiceProvider) { sp.EntityID = "" },
		"no ACS":       func(sp *ServiceProvider) { sp.ACS = "" },
		"relative ACS": func(sp *ServiceProvider) { sp.ACS = "/acs" },
		"script logout": func(sp *ServiceProvider) {
			sp.SLO, sp.SigningCertificates = "javascript:alert(1)", []*x509.Certificate{rsaIdentity().certificate}
		},
		"logout without a key":  func(sp *ServiceProvider) { sp.SLO = "https://us.example/slo" },
		"signing without a key": func(sp *ServiceProvider) { sp.SignsRequests = true },
	} {
		sp := plainServiceProvider()
		change(&sp)
		if document, err := ServiceProviderMetadata(sp); err == nil || document != nil {
			t.Errorf("%s: %s", name, document)
		}
	}
}
