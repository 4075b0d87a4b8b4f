package protocol

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"time"
)

const idBytes = 20 // 160 bits, as SAML Core 1.3.4 recommends

// NewID returns an identifier for a message: 160 random bits in hexadecimal after an underscore, because an xs:ID does not
// begin with a digit.
func NewID() string {
	b := make([]byte, idBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return "_" + hex.EncodeToString(b)
}

// AuthnRequest asks an identity provider to authenticate somebody (SAML Core 3.4.1) and to answer by POST.
type AuthnRequest struct {
	// ID is what the response has to name in InResponseTo: NewID makes one.
	ID string
	// Issuer is our entity ID.
	Issuer string
	// Destination is the provider's SSOURL.
	Destination string
	// ACS is the URL of ours that the response goes to.
	ACS string
	// NameIDFormat is the format of the name that is asked for. Empty leaves it to the provider.
	NameIDFormat string
	// ForceAuthn asks for a fresh authentication, whatever session the provider has.
	ForceAuthn bool
	// AuthnContexts are the classes of authentication of which one is asked for, exactly (SAML Core 3.3.2.2.1). Empty leaves
	// it to the provider.
	AuthnContexts []string
	// IssueInstant is when the request is made.
	IssueInstant time.Time
	// RelayState comes back with the response: at most MaxRelayState bytes, empty for none.
	RelayState string
}

// RedirectURL returns where to send the browser (SAML Bindings 3.4), the query signed with RSA-SHA256 if there is a key. It
// fails if something of the request is missing or does not fit.
func (r AuthnRequest) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.Issuer == "" || r.ACS == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: an AuthnRequest needs an ID, an issuer, an assertion consumer service and a time")
	}
	return redirectURL(redirect{location: r.Destination, parameter: requestParameter, message: r.wire(), relayState: r.RelayState, key: key})
}

func (r AuthnRequest) wire() any {
	policy := &namePolicyXML{Format: r.NameIDFormat}
	if r.NameIDFormat != transientFormat { // with which AllowCreate must not be used (SAML Core 3.4.1.1)
		policy.AllowCreate = "true"
	}
	message := authnRequestXML{
		headXML:    newHead(r.ID, r.Destination, r.Issuer, r.IssueInstant),
		Binding:    postBinding,
		ACS:        r.ACS,
		ForceAuthn: r.ForceAuthn,
		Policy:     policy,
	}
	if len(r.AuthnContexts) > 0 {
		message.Context = &requestedContextXML{Comparison: "exact", Classes: r.AuthnContexts}
	}
	return message
}

type authnRequestXML struct {
	XMLName xml.Name `xml:"samlp:AuthnRequest"`
	headXML
	Binding    string         `xml:"ProtocolBinding,attr"`
	ACS        string         `xml:"AssertionConsumerServiceURL,attr"`
	ForceAuthn bool           `xml:"ForceAuthn,attr,omitempty"`
	Policy     *namePolicyXML `xml:"samlp:NameIDPolicy"`
	Context    *requestedContextXML
}

type requestedContextXML struct {
	XMLName    xml.Name `xml:"samlp:RequestedAuthnContext"`
	Comparison string   `xml:",attr"`
	Classes    []string `xml:"saml:AuthnContextClassRef"`
}

type namePolicyXML struct {
	Format      string `xml:",attr,omitempty"`
	AllowCreate string `xml:",attr,omitempty"`
}

// headXML is what all messages begin with (SAML Core 3.2.1 and 3.2.2).
type headXML struct {
	Protocol     string `xml:"xmlns:samlp,attr"`
	Assertion    string `xml:"xmlns:saml,attr"`
	ID           string `xml:",attr"`
	Version      string `xml:",attr"`
	IssueInstant string `xml:",attr"`
	Destination  string `xml:",attr"`
	InResponseTo string `xml:",attr,omitempty"`
	Issuer       string `xml:"saml:Issuer"`
}

func newHead(id, destination, issuer string, at time.Time) headXML {
	return headXML{
		Protocol: nsProtocol, Assertion: nsAssertion,
		ID: id, Version: "2.0", IssueInstant: wireTime(at), Destination: destination, Issuer: issuer,
	}
}

// wireTime writes a time in UTC (SAML Core 1.3.3), in seconds: not every receiver knows fractions.
func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
