package protocol

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func plainRequest() AuthnRequest {
	return AuthnRequest{
		ID:           "_0123",
		Issuer:       "https://us.example/saml",
		Destination:  "https://idp.example/sso",
		ACS:          "https://us.example/acs",
		IssueInstant: noon.Add(time.Millisecond).In(time.FixedZone("CET", 3600)),
	}
}

// unpacked returns the document in a parameter of a URL, decoded independently of the code under test.
func unpacked(t *testing.T, address, parameter string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}

	data, err := base64.StdEncoding.DecodeString(u.Query().Get(parameter))
	if err != nil {
		t.Fatal(err)
	}

	document, err := io.ReadAll(flate.NewReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}

	return string(document)
}

// checkSigned verifies the signature of a URL over exactly the text before it.
func checkSigned(t *testing.T, address string, key *rsa.PublicKey) {
	t.Helper()
	_, query, _ := strings.Cut(address, "?")
	text, encoded, found := strings.Cut(query, "&Signature=")
	plain, err := url.QueryUnescape(encoded)
	if err != nil || !found {
		t.Fatalf("%s: %v", address, err)
	}

	signature, err := base64.StdEncoding.DecodeString(plain)
	if err != nil {
		t.Fatal(err)
	}

	digest := sha256.Sum256([]byte(text))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		t.Error(err)
	}
}

// Ensures that a request is the document that the standard requires, in each of its forms.
func TestAuthnRequest(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*AuthnRequest)
		want   string
	}{
		"plain": {func(*AuthnRequest) {},
			`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ` +
				`ID="_0123" Version="2.0" IssueInstant="2026-11-21T12:00:00Z" Destination="https://idp.example/sso" ` +
				`ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="https://us.example/acs">` +
				`<saml:Issuer>https://us.example/saml</saml:Issuer><samlp:NameIDPolicy AllowCreate="true"></samlp:NameIDPolicy></samlp:AuthnRequest>`},
		"forced": {func(r *AuthnRequest) { r.ForceAuthn = true }, ` ForceAuthn="true">`},
		"format": {func(r *AuthnRequest) { r.NameIDFormat = "urn:f" },
			`<samlp:NameIDPolicy Format="urn:f" AllowCreate="true">`},
		"transient": {func(r *AuthnRequest) { r.NameIDFormat = transientFormat },
			`<samlp:NameIDPolicy Format="` + transientFormat + `"></samlp:NameIDPolicy>`},
		"classes": {func(r *AuthnRequest) { r.AuthnContexts = []string{"urn:one", "urn:two"} },
			`</samlp:NameIDPolicy><samlp:RequestedAuthnContext Comparison="exact">` +
				`<saml:AuthnContextClassRef>urn:one</saml:AuthnContextClassRef><saml:AuthnContextClassRef>urn:two</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`},
		"escaped": {func(r *AuthnRequest) { r.Issuer = `<a b="c">&` },
			`<saml:Issuer>&lt;a b=&#34;c&#34;&gt;&amp;</saml:Issuer>`},
	} {
		t.Run(name, func(t *testing.T) {
			r := plainRequest()
			c.change(&r)
			address, err := r.RedirectURL(nil)
			if err != nil {
				t.Fatal(err)
			}
			if document := unpacked(t, address, "SAMLRequest"); !strings.Contains(document, c.want) {
				t.Errorf("%s\nlacks %s", document, c.want)
			}
			if strings.Contains(address, "SigAlg") || strings.Contains(address, "RelayState") ||
				!strings.HasPrefix(address, "https://idp.example/sso?SAMLRequest=") {
				t.Error(address)
			}
		})
	}
}

// Ensures that the signature covers the query as sent, in the order of the binding, without the parameters of the
// provider's own address.
func TestAuthnRequest_Signed(t *testing.T) {
	r := plainRequest()
	r.RelayState = "a b+c/d&e=f"
	address, err := r.RedirectURL(rsaIdentity().rsa())
	if err != nil {
		t.Fatal(err)
	}

	checkSigned(t, address, &rsaIdentity().rsa().PublicKey)
	form := regexp.MustCompile(`^https://idp\.example/sso\?SAMLRequest=[^&]+&RelayState=a\+b%2Bc%2Fd%26e%3Df&SigAlg=http%3A%2F%2Fwww\.w3\.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature=[^&]+$`)
	if !form.MatchString(address) {
		t.Error(address)
	}

	r.Destination = "https://idp.example/sso?tenant=1"
	if address, err = r.RedirectURL(rsaIdentity().rsa()); err != nil ||
		!strings.HasPrefix(address, "https://idp.example/sso?tenant=1&SAMLRequest=") {
		t.Errorf("%s, %v", address, err)
	}

	checkSigned(t, strings.Replace(address, "tenant=1&", "", 1), &rsaIdentity().rsa().PublicKey)
}

// Ensures that incomplete and unsafe requests are not sent.
func TestAuthnRequest_Refused(t *testing.T) {
	for name, change := range map[string]func(*AuthnRequest){
		"no ID":            func(r *AuthnRequest) { r.ID = "" },
		"no issuer":        func(r *AuthnRequest) { r.Issuer = "" },
		"no ACS":           func(r *AuthnRequest) { r.ACS = "" },
		"no time":          func(r *AuthnRequest) { r.IssueInstant = time.Time{} },
		"no destination":   func(r *AuthnRequest) { r.Destination = "" },
		"script":           func(r *AuthnRequest) { r.Destination = "javascript:alert(1)" },
		"line break":       func(r *AuthnRequest) { r.Destination = "https://idp.example/\r\nSet-Cookie: a" },
		"long relay state": func(r *AuthnRequest) { r.RelayState = strings.Repeat("a", 81) },
	} {
		r := plainRequest()
		change(&r)
		if address, err := r.RedirectURL(nil); err == nil || address != "" {
			t.Errorf("%s: %s", name, address)
		}
	}

	r := plainRequest()
	r.RelayState = strings.Repeat("a", 80)
	if _, err := r.RedirectURL(nil); err != nil {
		t.Error(err)
	}
}

// Ensures that identifiers are valid xs:IDs and unique.
func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID(rand.Reader)
		if !regexp.MustCompile(`^_[0-9a-f]{40}$`).MatchString(id) || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
}
