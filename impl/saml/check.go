package saml

import (
	"context"
	"crypto/x509"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// Finding is something that Check has to say about a realm's setting.
type Finding struct {
	Setting, Text string
	// Harmless findings are to be looked at some day; with any other, sign-ins fail or are not as safe as they should be.
	Harmless bool
}

// Fact is something that holds for a realm, such as an address.
type Fact struct{ Name, Value string }

// Report is how a realm is.
type Report struct {
	Realm string
	// Facts are what people need to compare with what the identity provider has; fewer if its metadata are not good.
	Facts    []Fact
	Findings []Finding
}

// Check looks at a realm as Load returned it, and at the metadata of its identity provider, which it fetches now and
// does not keep. metadataURL is where this server describes itself to the realm's identity provider.
func Check(ctx context.Context, realm Realm, metadataURL string, now time.Time) Report {
	r := &Report{Realm: realm.ID}
	r.ourselves(realm, metadataURL, now)
	body, err := fetchMetadata(ctx, realm.IDP)
	if err != nil {
		r.wrong("idp.metadata", err.Error())
		return *r
	}
	provider, err := protocol.ParseMetadata(body, realm.IDP.EntityID, now)
	if err != nil {
		r.wrong("idp.metadata", err.Error())
		return *r
	}
	r.theirs(realm, provider, now)
	return *r
}

func (r *Report) fact(name, value string) { r.Facts = append(r.Facts, Fact{name, value}) }

func (r *Report) wrong(setting, text string) {
	r.Findings = append(r.Findings, Finding{Setting: setting, Text: text})
}

func (r *Report) warn(setting, text string) {
	r.Findings = append(r.Findings, Finding{setting, text, true})
}

// Clocks that are kept by a time server differ by less than a second. What is further off than these is meant for
// something else.
const (
	leastUsualSkew = 5 * time.Second
	mostUsualSkew  = 3 * time.Minute
)

func (r *Report) ourselves(realm Realm, metadataURL string, now time.Time) {
	r.fact("our entity ID", realm.SP.EntityID)
	r.fact("our assertion consumer service", realm.SP.ACS)
	if realm.SP.Logout != "" {
		r.fact("our single logout service", realm.SP.Logout)
	}
	r.fact("our metadata", metadataURL)
	if realm.Signing != nil {
		r.ownCertificate("signing.certificate", *realm.Signing, now)
	}
	for _, pair := range realm.OtherSigning {
		r.fact("our other signing certificate", describe(pair.Certificate))
	}
	for i, pair := range realm.Encryption {
		if i == 0 { // those that were replaced only read what was meant for them
			r.ownCertificate("encryption.certificate", pair, now)
		}
	}
	if !realm.Enabled {
		r.warn("enabled", "the realm is not enabled: no user can sign in at it")
	}
	r.safety(realm)
	if realm.NameIDFormat == "" {
		r.warn("nameid_format",
			"this is not set: users of whom no format was kept yet cannot sign in, and a NameID that comes in another format "+
				"is another user's")
	}
	if realm.ForceAuthn && realm.AllowIDPInitiated {
		r.warn("force_authn",
			"answers without a request are refused in spite of allow_idp_initiated: nothing shows that the user authenticated "+
				"for them")
	}
	if realm.ClockSkew < leastUsualSkew || realm.ClockSkew > mostUsualSkew {
		r.warn("clock_skew", realm.ClockSkew.String()+" is unusual; a minute does where both clocks are kept right")
	}
}

// safety warns of settings with which an attacker can sign in a user, unnoticed, as another one.
func (r *Report) safety(realm Realm) {
	secure := strings.HasPrefix(realm.SP.ACS, "https:")
	switch {
	case !realm.BrowserBinding:
		r.warn("browser_binding",
			"this is off: an attacker can make a user's browser bring the answer to the attacker's sign-in")
	case !secure:
		r.warn("browser_binding",
			"browsers keep the cookie that this needs under https only, though some do so for this machine too")
	}
	if realm.AllowIDPInitiated {
		r.warn("allow_idp_initiated", "this is on: an attacker can make a user's browser bring an answer without a sign-in")
	}
}

func (r *Report) ownCertificate(setting string, pair KeyPair, now time.Time) {
	certificate := pair.Certificate
	r.fact("our "+strings.ReplaceAll(setting, ".", " "), describe(certificate))
	switch {
	case now.After(certificate.NotAfter):
		r.wrong(setting, "it has expired on "+day(certificate.NotAfter))
	case now.Before(certificate.NotBefore):
		r.wrong(setting, "it is not valid before "+day(certificate.NotBefore))
	case now.Add(ExpiryWarning).After(certificate.NotAfter):
		r.warn(setting, "it expires on "+day(certificate.NotAfter))
	}
}

func (r *Report) theirs(realm Realm, p protocol.Provider, now time.Time) {
	r.fact("identity provider", p.EntityID)
	r.endpoint("its single sign-on service", p.SSOURL)
	if p.SLOURL != "" {
		r.endpoint("its single logout service", p.SLOURL)
	}
	if p.SLOResponseURL != p.SLOURL {
		r.endpoint("its single logout service for answers", p.SLOResponseURL)
	}
	r.certificates(p, now)
	if !p.ValidUntil.IsZero() {
		r.fact("its metadata are valid until", day(p.ValidUntil))
		if !realm.IDP.MetadataIsURL() && now.Add(ExpiryWarning).After(p.ValidUntil) {
			r.warn("idp.metadata", "they are valid until "+day(p.ValidUntil)+" only, and a file does not renew itself")
		}
	}
	if p.WantsSignedRequests && realm.Signing == nil {
		r.wrong("signing", "this is missing: the identity provider wants requests that are signed")
	}
	if realm.IDP.UseSingleLogout && p.SLOURL == "" {
		r.wrong("idp.use_single_logout", "the identity provider has no single logout service with the redirect binding")
	}
}

// endpoint is one of theirs. What a browser takes there by http can be read and changed on the way.
func (r *Report) endpoint(name, location string) {
	r.fact(name, location)
	if u, err := url.Parse(location); err != nil || u.Scheme != "https" && !loopback(u.Hostname()) {
		r.wrong("idp.metadata", name+" is not an https URL: "+location)
	}
}

// certificates are those that its signatures are checked with. One that has expired is no harm while another has not.
func (r *Report) certificates(p protocol.Provider, now time.Time) {
	lasting := 0
	for _, certificate := range p.Certificates {
		r.fact("its signing certificate", describe(certificate))
		if !now.Before(certificate.NotBefore) && !now.After(certificate.NotAfter) {
			lasting++
		}
	}
	if lasting == 0 {
		r.wrong("idp.metadata", "none of its signing certificates is valid now")
	}
	for _, certificate := range p.Expiring(now.Add(ExpiryWarning)) {
		word := "expires"
		if now.After(certificate.NotAfter) {
			word = "has expired"
		}
		r.warn("idp.metadata", "its signing certificate "+serial(certificate)+" "+word+" on "+day(certificate.NotAfter))
	}
}

func describe(certificate *x509.Certificate) string {
	return serial(certificate) + ", valid until " + day(certificate.NotAfter)
}

func serial(certificate *x509.Certificate) string {
	return "with the serial number " + certificate.SerialNumber.Text(16)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
