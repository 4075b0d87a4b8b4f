package protocol

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"
)

const idpEntity = "https://idp.example/metadata"

// keyDescriptor returns the KeyDescriptor of a key; use may be empty.
func keyDescriptor(use string, certificates ...string) string {
	if use != "" {
		use = fmt.Sprintf(` use=%q`, use)
	}

	var b strings.Builder
	for _, certificate := range certificates {
		b.WriteString("<ds:X509Certificate>\n  " + certificate + "\n</ds:X509Certificate>")
	}

	return `<KeyDescriptor` + use + `><ds:KeyInfo><ds:X509Data>` + b.String() +
		`</ds:X509Data></ds:KeyInfo></KeyDescriptor>`
}

const (
	redirectSSO = `<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso?tenant=1"/>`
	postSSO     = `<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/post"/>`
	redirectSLO = `<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo"/>`
)

func idpRole(content string) string {
	return `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="true">` +
		content + `</IDPSSODescriptor>`
}

func entity(id, attributes, content string) string {
	return fmt.Sprintf(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID=%q %s>%s</EntityDescriptor>`, id, attributes, content)
}

func entities(attributes, content string) string {
	return `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>` + content +
		`</md:EntitiesDescriptor>`
}

func plainMetadata() string {
	return entity(idpEntity, "", idpRole(keyDescriptor("signing", rsaIdentity().base64())+redirectSLO+postSSO+redirectSSO))
}

// Ensures that everything that login and logout require is read from a provider's own document, which may have
// comments, a byte order mark and line breaks.
func TestParseMetadata(t *testing.T) {
	wrapped := strings.Join(strings.SplitAfter(rsaIdentity().base64(), "A"), "\n\t ")
	document := "\uFEFF<?xml version='1.0' encoding='utf-8'?>\n<!-- terms -->" +
		entity(idpEntity, `validUntil="2026-11-21T12:00:01.5Z" cacheDuration="PT1H"`,
			`<Extensions><x xmlns="urn:x">of others</x></Extensions>`+idpRole(
				keyDescriptor("signing", wrapped)+keyDescriptor("encryption", otherIdentity().base64())+
					keyDescriptor("", ecIdentity().base64())+
					keyDescriptor("signing", rsaIdentity().base64())+redirectSLO+postSSO+redirectSSO)+
				`<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>`)

	p, err := ParseMetadata([]byte(document), idpEntity, noon)
	if err != nil {
		t.Fatal(err)
	}
	if p.EntityID != idpEntity || p.SSOURL != "https://idp.example/sso?tenant=1" ||
		p.SLOURL != "https://idp.example/slo" || p.SLOResponseURL != p.SLOURL {
		t.Errorf("%+v", p)
	}
	if !p.WantsSignedRequests || !p.ValidUntil.Equal(noon.Add(1500*time.Millisecond)) {
		t.Errorf("%t, %s", p.WantsSignedRequests, p.ValidUntil)
	}
	if len(p.Certificates) != 2 || !p.Certificates[0].Equal(rsaIdentity().certificate) ||
		!p.Certificates[1].Equal(ecIdentity().certificate) {
		t.Errorf("%d certificates", len(p.Certificates))
	}
	if got := p.certificatesAt(noon.Add(2 * time.Second)); len(got) != 0 {
		t.Errorf("%d certificates after the end of the metadata", len(got))
	}
}

// Ensures that a provider is found in nested groups, and that the earliest validUntil around it applies.
func TestParseMetadata_ManyEntities(t *testing.T) {
	mine := entity(idpEntity, `validUntil="2026-12-02T00:00:00Z"`,
		idpRole(keyDescriptor("", rsaIdentity().base64())+redirectSSO))
	document := entities(`validUntil="2026-12-03T00:00:00Z"`,
		entity("https://other.example", `validUntil="2001-01-01T00:00:00Z"`, "")+
			entities(`validUntil="2026-12-01T01:00:00+01:00"`, entity("https://third.example", "", idpRole(""))+mine))

	p, err := ParseMetadata([]byte(document), idpEntity, noon)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC); !p.ValidUntil.Equal(want) {
		t.Errorf("%s", p.ValidUntil)
	}
	if p.SLOURL != "" || p.SLOResponseURL != "" {
		t.Errorf("%+v", p)
	}
}

// Ensures that the ResponseLocation of the single logout service is read.
func TestParseMetadata_ResponseLocation(t *testing.T) {
	document := strings.Replace(plainMetadata(), `/slo"`, `/slo" ResponseLocation="https://idp.example/slo/done"`, 1)
	p, err := ParseMetadata([]byte(document), idpEntity, noon)
	if err != nil || p.SLOURL != "https://idp.example/slo" || p.SLOResponseURL != "https://idp.example/slo/done" {
		t.Errorf("%+v, %v", p, err)
	}
}

// Ensures that documents that are ambiguous, expired, or without what a login requires are refused.
func TestParseMetadata_Refused(t *testing.T) {
	key := keyDescriptor("signing", rsaIdentity().base64())
	good := plainMetadata()
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	weak := certify(small, noon, noon.AddDate(1, 0, 0)).base64()
	for name, c := range map[string]struct{ document, want string }{
		"nothing":             {"", "empty"},
		"document type":       {"<!DOCTYPE x>" + good, "document type"},
		"too long":            {good + strings.Repeat(" ", MaxMetadata), "bytes"},
		"HTML":                {"<html></html>", "neither"},
		"no namespace":        {strings.Replace(good, ` xmlns="urn:oasis:names:tc:SAML:2.0:metadata"`, "", 1), "neither"},
		"another namespace":   {strings.Replace(good, "SAML:2.0:metadata", "SAML:2.1:metadata", 1), "neither"},
		"another entity":      {strings.Replace(good, idpEntity, "https://evil.example", 1), "0 times"},
		"entity with blanks":  {strings.Replace(good, idpEntity, idpEntity+" ", 1), "0 times"},
		"entity twice":        {entities("", good+good), "2 times"},
		"within an extension": {entities("", "<md:Extensions>"+good+"</md:Extensions>"), "0 times"},
		"expired": {strings.Replace(good, "<EntityDescriptor",
			`<EntityDescriptor validUntil="2026-11-21T12:00:00Z"`, 1), "valid until"},
		"expired group": {entities(`validUntil="2026-11-20T12:00:00Z"`, good), "valid until"},
		"expired role": {strings.Replace(good, "<IDPSSODescriptor",
			`<IDPSSODescriptor validUntil="2026-11-20T12:00:00Z"`, 1), "valid until"},
		"end in no form": {strings.Replace(good, "<EntityDescriptor", `<EntityDescriptor validUntil="tomorrow"`, 1),
			"validUntil"},
		"end without a zone": {strings.Replace(good, "<EntityDescriptor",
			`<EntityDescriptor validUntil="2027-11-20T12:00:00"`, 1), "validUntil"},
		"empty end": {strings.Replace(good, "<EntityDescriptor", `<EntityDescriptor validUntil=""`, 1),
			"validUntil"},
		"no provider":     {entity(idpEntity, "", ""), "but has 0"},
		"two providers":   {entity(idpEntity, "", idpRole(key+redirectSSO)+idpRole(key+redirectSSO)), "but has 2"},
		"SAML 1.1 only":   {strings.Replace(good, " urn:oasis:names:tc:SAML:2.0:protocol", "", 1), "but has 0"},
		"no sign-on":      {entity(idpEntity, "", idpRole(key)), "SingleSignOnService"},
		"sign-on by POST": {entity(idpEntity, "", idpRole(key+postSSO)), "SingleSignOnService"},
		"script": {strings.Replace(good, "https://idp.example/sso?tenant=1", "javascript:alert(1)", 1),
			"location"},
		"relative": {strings.Replace(good, "https://idp.example/sso?tenant=1", "/sso", 1), "location"},
		"no host":  {strings.Replace(good, "https://idp.example/sso?tenant=1", "https:///sso", 1), "location"},
		"port only": {strings.Replace(good, "https://idp.example/sso?tenant=1", "https://:443/sso", 1),
			"location"},
		"user": {strings.Replace(good, "https://idp.example/sso?tenant=1", "https://us@idp.example/", 1),
			"location"},
		"fragment": {strings.Replace(good, "https://idp.example/sso?tenant=1", "https://idp.example/#a", 1),
			"location"},
		"line break in URL": {strings.Replace(good, "https://idp.example/sso?tenant=1",
			"https://idp.example/&#10;Set-Cookie:a", 1), "location"},
		"script for logout": {strings.Replace(good, "https://idp.example/slo", "javascript:alert(1)", 1), "location"},
		"script for answers": {strings.Replace(good, `/slo"`, `/slo" ResponseLocation="javascript:alert(1)"`, 1),
			"response location"},
		"no key": {entity(idpEntity, "", idpRole(redirectSSO)), "no certificate"},
		"key for encryption": {entity(idpEntity, "",
			idpRole(keyDescriptor("encryption", rsaIdentity().base64())+redirectSSO)), "no certificate"},
		"use in capitals": {entity(idpEntity, "", idpRole(keyDescriptor("SIGNING", rsaIdentity().base64())+redirectSSO)),
			"no certificate"},
		"certificate not text": {entity(idpEntity, "", idpRole(keyDescriptor("signing", "%%%")+redirectSSO)), "base64"},
		"no certificate": {entity(idpEntity, "", idpRole(keyDescriptor("signing", "AAAA")+redirectSSO)),
			"cannot be parsed"},
		"Ed25519": {entity(idpEntity, "",
			idpRole(keyDescriptor("signing", certify(edwards, noon, noon).base64())+redirectSSO)), "neither RSA"},
		"weak key": {entity(idpEntity, "", idpRole(keyDescriptor("signing", weak)+redirectSSO)), "neither RSA"},
		"key in an extension": {entity(idpEntity, "", idpRole("<Extensions>"+key+"</Extensions>"+redirectSSO)),
			"no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParseMetadata([]byte(c.document), idpEntity, noon)
			wantError(t, err, c.want)
			if p.SSOURL != "" || p.Certificates != nil {
				t.Errorf("%+v beside the error", p)
			}
		})
	}

	if _, err := ParseMetadata([]byte(entity("", "", idpRole(key+redirectSSO))), "", noon); err == nil {
		t.Error("an empty entity ID found something")
	}
}

// Ensures that an unusable certificate does not prevent the use of another one.
func TestParseMetadata_UnusableCertificate(t *testing.T) {
	document := entity(idpEntity, "",
		idpRole(keyDescriptor("signing", "AAAA", rsaIdentity().base64(), certify(newRSA(1024), noon, noon).base64())+
			redirectSSO))
	p, err := ParseMetadata([]byte(document), idpEntity, noon)
	if err != nil || len(p.Certificates) != 1 || !p.Certificates[0].Equal(rsaIdentity().certificate) {
		t.Errorf("%d certificates, %v", len(p.Certificates), err)
	}
}

// Ensures that a certificate expires at the right moment, that only valid ones verify signatures, and that
// expired ones remain listed for warnings.
func TestProvider_Expiring(t *testing.T) {
	old := certify(ecIdentity().key, noon.AddDate(-2, 0, 0), noon.AddDate(0, 0, -1))
	soon := certify(ecIdentity().key, noon.AddDate(-1, 0, 0), noon.AddDate(0, 0, 20))
	next := certify(ecIdentity().key, noon.AddDate(0, 0, 10), noon.AddDate(2, 0, 0))
	document := entity(idpEntity, "", idpRole(keyDescriptor("", old.base64(), soon.base64(), next.base64())+redirectSSO))
	p, err := ParseMetadata([]byte(document), idpEntity, noon)
	if err != nil {
		t.Fatal(err)
	}

	for at, want := range map[time.Time][2]int{ // expiring, valid
		noon.AddDate(0, 0, -1):                  {0, 2},
		noon.AddDate(0, 0, -1).Add(time.Second): {1, 1},
		noon:                                    {1, 1},
		noon.AddDate(0, 0, 10):                  {1, 2},
		noon.AddDate(0, 0, 20):                  {1, 2},
		noon.AddDate(0, 0, 30):                  {2, 1},
		noon.AddDate(3, 0, 0):                   {3, 0},
	} {
		if got := [2]int{len(p.Expiring(at)), len(p.certificatesAt(at))}; got != want {
			t.Errorf("%s: %v, not %v", at, got, want)
		}
	}
}
