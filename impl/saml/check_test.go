package saml

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// checked returns a realm with all settings. Its identity provider has four certificates, one of them expired.
func checked(t *testing.T, now time.Time, change func(*samltest.IdP)) Realm {
	t.Helper()
	idp := samltest.New(now)
	if change != nil {
		change(idp)
	}
	path := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(path, idp.Metadata(), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := &KeyPair{Certificate: &x509.Certificate{
		SerialNumber: idp.RSA.Certificate.SerialNumber, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}}
	return Realm{
		ID: "staff", Enabled: true, BrowserBinding: true, NameIDFormat: formatPersistent,
		IDP:     IdentityProvider{EntityID: idp.EntityID, Metadata: path, UseSingleLogout: true},
		SP:      ServiceProvider{"urn:sp", "https://sp.example" + callbackPath, "https://sp.example" + singleLogoutPath},
		Signing: ours, SignRequests: true, Encryption: []KeyPair{*ours}, ClockSkew: defaultSkew,
	}
}

// changeMetadata replaces text in a realm's metadata.
func changeMetadata(t *testing.T, realm Realm, old, text string) {
	t.Helper()
	data, err := os.ReadFile(realm.IDP.Metadata)
	if err != nil || !strings.Contains(string(data), old) {
		t.Fatalf("%v; %q is not in the metadata", err, old)
	}
	if err := os.WriteFile(realm.IDP.Metadata, []byte(strings.ReplaceAll(string(data), old, text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Ensures that the report on a valid realm has every fact that the identity provider's administrators need, and that an
// expired certificate beside valid ones is not counted as a problem.
func TestCheck(t *testing.T) {
	now := time.Now()
	report := Check(t.Context(), checked(t, now, nil), "https://sp.example/metadata", now)
	facts := map[string]string{}
	for _, f := range report.Facts {
		facts[f.Name] += f.Value + "\n"
	}
	for name, want := range map[string]string{
		"our entity ID": "urn:sp", "our assertion consumer service": "https://sp.example/api/v1/users/auth/saml/_callback",
		"our single logout service":  "https://sp.example/api/v1/users/auth/saml/_single_logout",
		"our metadata":               "https://sp.example/metadata",
		"our signing certificate":    now.UTC().AddDate(1, 0, 0).Format(time.DateOnly),
		"our encryption certificate": "serial number 1",
		"identity provider":          "https://idp.example.com/metadata",
		"its single sign-on service": "https://idp.example.com/sso",
		"its single logout service":  "https://idp.example.com/slo",
		"its signing certificate":    now.UTC().AddDate(0, 0, -1).Format(time.DateOnly),
	} {
		if !strings.Contains(facts[name], want) {
			t.Errorf("%s: %q; want %q", name, facts[name], want)
		}
	}
	if !fine(report) || len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Text, "has expired on") {
		t.Errorf("the findings are %+v", report.Findings)
	}
}

// Ensures that each problem of a realm is reported with its setting, and that what is a problem only later is reported
// as harmless.
func TestCheck_Findings(t *testing.T) {
	now := time.Now()
	soon := x509.Certificate{
		SerialNumber: samltest.New(now).RSA.Certificate.SerialNumber, NotAfter: now.Add(ExpiryWarning - time.Hour),
	}
	past, future := soon, soon
	past.NotAfter, future.NotBefore = now.Add(-time.Hour), now.Add(time.Hour)
	for name, c := range map[string]struct {
		idp      func(*samltest.IdP)
		realm    func(*testing.T, *Realm)
		setting  string
		text     string
		harmless bool
	}{
		"no file": {nil, func(_ *testing.T, r *Realm) { r.IDP.Metadata += "x" }, "idp.metadata", "no such file", false},
		"no metadata": {nil, func(t *testing.T, r *Realm) {
			changeMetadata(t, *r, "<md:EntityDescriptor", "<!DOCTYPE x><md:EntityDescriptor")
		}, "idp.metadata", "saml metadata:", false},
		"another entity": {nil, func(_ *testing.T, r *Realm) { r.IDP.EntityID = "urn:other" }, "idp.metadata",
			`the entity "urn:other" exactly once, but does so 0 times`, false},
		"no endpoint": {nil, func(t *testing.T, r *Realm) { changeMetadata(t, *r, "SingleSignOnService", "Other") },
			"idp.metadata", "no SingleSignOnService", false},
		"http": {func(i *samltest.IdP) { i.SSOURL = "http://idp.example.com/sso" }, nil, "idp.metadata",
			"not an https URL: http://idp", false},
		"http at logout": {func(i *samltest.IdP) { i.SLOURL = "http://idp.example.com/slo" }, nil, "idp.metadata",
			"its single logout service is not", false},
		"all expired": {func(i *samltest.IdP) { i.RSA, i.Rollover, i.EC = i.Expired, i.Expired, i.Expired }, nil,
			"idp.metadata", "none of its", false},
		"signing expired": {nil, func(_ *testing.T, r *Realm) { r.Signing = &KeyPair{Certificate: &past} },
			"signing.certificate", "it has expired", false},
		"signing to come": {nil, func(_ *testing.T, r *Realm) { r.Signing = &KeyPair{Certificate: &future} },
			"signing.certificate", "not valid before", false},
		"signing soon expired": {nil, func(_ *testing.T, r *Realm) { r.Signing = &KeyPair{Certificate: &soon} },
			"signing.certificate", "it expires on", true},
		"encryption expired": {nil, func(_ *testing.T, r *Realm) { r.Encryption[0] = KeyPair{Certificate: &past} },
			"encryption.certificate", "it has expired", false},
		"signed requests": {nil, func(t *testing.T, r *Realm) {
			changeMetadata(t, *r, "<md:IDPSSODescriptor ", `<md:IDPSSODescriptor WantAuthnRequestsSigned="true" `)
			r.Signing = nil
		}, "signing", "wants requests that are signed", false},
		"no logout": {nil, func(t *testing.T, r *Realm) { changeMetadata(t, *r, "SingleLogoutService", "Other") },
			"idp.use_single_logout", "no single logout", false},
		"file that ends": {nil, func(t *testing.T, r *Realm) {
			changeMetadata(t, *r, "entityID=", `validUntil="`+now.UTC().AddDate(0, 0, 7).Format(time.RFC3339)+`" entityID=`)
		}, "idp.metadata", "does not renew itself", true},
		"no format": {nil, func(_ *testing.T, r *Realm) { r.NameIDFormat = "" }, "nameid_format", "this is not set",
			true},
		"not bound": {nil, func(_ *testing.T, r *Realm) { r.BrowserBinding = false }, "browser_binding",
			"this is off", true},
		"bound by http": {nil, func(_ *testing.T, r *Realm) { r.SP.ACS = "http://localhost" + callbackPath },
			"browser_binding", "under https only", true},
		"unsolicited": {nil, func(_ *testing.T, r *Realm) { r.AllowIDPInitiated = true }, "allow_idp_initiated",
			"this is on", true},
		"forced, unsolicited": {nil, func(_ *testing.T, r *Realm) { r.AllowIDPInitiated, r.ForceAuthn = true, true },
			"force_authn", "are refused", true},
		"disabled":   {nil, func(_ *testing.T, r *Realm) { r.Enabled = false }, "enabled", "not enabled", true},
		"short skew": {nil, func(_ *testing.T, r *Realm) { r.ClockSkew = time.Second }, "clock_skew", "1s is unusual", true},
		"long skew":  {nil, func(_ *testing.T, r *Realm) { r.ClockSkew = maxSkew }, "clock_skew", "5m0s is unusual", true},
	} {
		t.Run(name, func(t *testing.T) {
			realm := checked(t, now, c.idp)
			if c.realm != nil {
				c.realm(t, &realm)
			}
			report := Check(t.Context(), realm, "https://sp.example/metadata", now)
			found := slices.ContainsFunc(report.Findings, func(f Finding) bool {
				return f.Setting == c.setting && strings.Contains(f.Text, c.text) && f.Harmless == c.harmless
			})
			if !found || fine(report) != c.harmless {
				t.Errorf("the findings are %+v", report.Findings)
			}
		})
	}
}

// Ensures that a metadata URL that redirects, or that does not answer with metadata, is reported.
func TestCheck_Address(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			http.Redirect(w, r, "/here", http.StatusFound)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	for path, want := range map[string]string{"/there": "redirects", "/here": "404"} {
		realm := checked(t, time.Now(), nil)
		realm.IDP.Metadata = server.URL + path
		report := Check(t.Context(), realm, "https://sp.example/metadata", time.Now())
		if fine(report) || len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Text, want) {
			t.Errorf("%s: %+v", path, report.Findings)
		}
	}
}

// fine reports whether all findings are harmless.
func fine(report Report) bool {
	return !slices.ContainsFunc(report.Findings, func(f Finding) bool { return !f.Harmless })
}
