package protocol

import (
	"strings"
	"testing"
	"time"
)

const ourSLO = "https://us.example/slo"

func ourLogout() LogoutRequest {
	return LogoutRequest{
		ID:           "_1",
		Issuer:       "https://us.example/saml",
		Destination:  "https://idp.example/slo",
		IssueInstant: noon,
		NotOnOrAfter: noon.Add(time.Minute),
		NameID: NameID{
			Value:           "ann <a@b.example>",
			Format:          "urn:f",
			NameQualifier:   "n",
			SPNameQualifier: "s",
		},
		SessionIndexes: []string{"one", "two"},
		RelayState:     "r",
	}
}

// Ensures that our request is the document that the standard requires, and that the signature covers the sent text.
func TestLogoutRequest(t *testing.T) {
	address, err := ourLogout().RedirectURL(rsaIdentity().rsa())
	if err != nil {
		t.Fatal(err)
	}

	checkSigned(t, address, &rsaIdentity().rsa().PublicKey)
	const want = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" ` +
		`IssueInstant="2026-11-21T12:00:00Z" Destination="https://idp.example/slo" NotOnOrAfter="2026-11-21T12:01:00Z"><saml:Issuer>https://us.example/saml</saml:Issuer>` +
		`<saml:NameID Format="urn:f" NameQualifier="n" SPNameQualifier="s">ann &lt;a@b.example&gt;</saml:NameID>` +
		`<samlp:SessionIndex>one</samlp:SessionIndex><samlp:SessionIndex>two</samlp:SessionIndex></samlp:LogoutRequest>`

	if document := unpacked(t, address, "SAMLRequest"); document != want {
		t.Error(document)
	}
}

// Ensures that our response is the document that the standard requires, and that the signature covers the sent text.
func TestLogoutResponse(t *testing.T) {
	r := LogoutResponse{
		ID:           "_2",
		InResponseTo: "_1",
		Issuer:       "https://us.example/saml",
		Destination:  "https://idp.example/slo",
		IssueInstant: noon,
		RelayState:   "r",
	}

	address, err := r.RedirectURL(rsaIdentity().rsa())
	if err != nil {
		t.Fatal(err)
	}

	checkSigned(t, address, &rsaIdentity().rsa().PublicKey)
	const want = `<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_2" Version="2.0" ` +
		`IssueInstant="2026-11-21T12:00:00Z" Destination="https://idp.example/slo" InResponseTo="_1"><saml:Issuer>https://us.example/saml</saml:Issuer>` +
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode>` +
		`</samlp:Status></samlp:LogoutResponse>`

	if document := unpacked(t, address, "SAMLResponse"); document != want {
		t.Error(document)
	}
	if !strings.Contains(address, "&RelayState=r&SigAlg=") {
		t.Error(address)
	}
}

// Ensures that unsigned and incomplete logout messages are not sent.
func TestLogout_Incomplete(t *testing.T) {
	for name, change := range map[string]func(*LogoutRequest){
		"no ID":            func(r *LogoutRequest) { r.ID = "" },
		"no issuer":        func(r *LogoutRequest) { r.Issuer = "" },
		"no name":          func(r *LogoutRequest) { r.NameID.Value = "" },
		"no time":          func(r *LogoutRequest) { r.IssueInstant = time.Time{} },
		"no destination":   func(r *LogoutRequest) { r.Destination = "" },
		"long relay state": func(r *LogoutRequest) { r.RelayState = strings.Repeat("a", 81) },
	} {
		r := ourLogout()
		change(&r)
		if address, err := r.RedirectURL(rsaIdentity().rsa()); err == nil {
			t.Errorf("%s: %s", name, address)
		}
	}

	if address, err := ourLogout().RedirectURL(nil); err == nil {
		t.Error(address)
	}

	answer := LogoutResponse{
		ID:           "_2",
		InResponseTo: "_1",
		Issuer:       "i",
		Destination:  "https://idp.example/slo",
		IssueInstant: noon,
	}
	for name, change := range map[string]func(*LogoutResponse){
		"no ID":      func(r *LogoutResponse) { r.ID = "" },
		"no request": func(r *LogoutResponse) { r.InResponseTo = "" },
		"no issuer":  func(r *LogoutResponse) { r.Issuer = "" },
		"no time":    func(r *LogoutResponse) { r.IssueInstant = time.Time{} },
	} {
		r := answer
		change(&r)
		if address, err := r.RedirectURL(rsaIdentity().rsa()); err == nil {
			t.Errorf("%s: %s", name, address)
		}
	}

	if address, err := answer.RedirectURL(nil); err == nil {
		t.Error(address)
	}
}

// Ensures that our own logout requests pass verification.
func TestLogout_RoundTrip(t *testing.T) {
	provider := Provider{EntityID: "https://us.example/saml", Certificates: rollover()}
	e := LogoutExpectation{
		Destination: "https://idp.example/slo",
		Provider:    provider,
		Now:         noon,
	}
	address, err := ourLogout().RedirectURL(rsaIdentity().rsa())
	if err != nil {
		t.Fatal(err)
	}

	_, query, _ := strings.Cut(address, "?")
	got, err := VerifyLogoutRequest(query, e)
	if err != nil || got.NameID != ourLogout().NameID || len(got.SessionIndexes) != 2 || got.RelayState != "r" ||
		!got.NotOnOrAfter.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v, %v", got, err)
	}
	if !got.ReplayableUntil.Equal(noon.Add(6 * time.Minute)) {
		t.Errorf("%s", got.ReplayableUntil)
	}
}
