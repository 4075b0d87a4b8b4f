package protocol

import (
	"crypto/rsa"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"time"
)

// idBytes is the length of identifiers: 160 bits, as SAML Core 1.3.4 recommends.
const idBytes = 20

// NewID returns an identifier for a message: 160 bits in hexadecimal, of a source of random bytes that never fails. It
// starts with an underscore, because an xs:ID must not start with a digit.
func NewID(random io.Reader) string {
	b := make([]byte, idBytes)
	_, _ = random.Read(b) // never fails
	return "_" + hex.EncodeToString(b)
}

// AuthnRequest asks an identity provider to authenticate a user (SAML Core 3.4.1) and to respond by POST.
type AuthnRequest struct {
	// ID is the message's identifier, which the response repeats in InResponseTo. NewID creates one.
	ID string
	// Issuer is our entity ID.
	Issuer string
	// Destination is the provider's SSOURL.
	Destination string
	// ACS is the URL of our assertion consumer service, which receives the response.
	ACS string
	// NameIDFormat is the requested format of the NameID. Empty: the provider chooses.
	NameIDFormat string
	// ForceAuthn requests a fresh authentication, even if the provider has a session.
	ForceAuthn bool
	// AuthnContexts are the acceptable classes of authentication, compared exactly (SAML Core 3.3.2.2.1). Empty: the
	// provider chooses.
	AuthnContexts []string
	// IssueInstant is the time of issue.
	IssueInstant time.Time
	// RelayState is returned with the response: at most MaxRelayState bytes, empty for none.
	RelayState string
}

// RedirectURL returns the URL to redirect the browser to (SAML Bindings 3.4). Its query is signed with RSA-SHA256 if
// key is not nil. It returns an error if a field is missing or invalid.
func (r AuthnRequest) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.Issuer == "" || r.ACS == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: an AuthnRequest requires an ID, an Issuer, an ACS and an IssueInstant")
	}
	return redirectURL(redirect{
		location:   r.Destination,
		parameter:  requestParameter,
		message:    r.xmlMessage(),
		relayState: r.RelayState,
		key:        key,
	})
}

// xmlMessage returns the request for encoding/xml.
func (r AuthnRequest) xmlMessage() any {
	policy := &namePolicyXML{Format: r.NameIDFormat}
	// AllowCreate must not be used with transient identifiers (SAML Core 3.4.1.1).
	if r.NameIDFormat != transientFormat {
		policy.AllowCreate = "true"
	}

	message := authnRequestXML{
		headXML:    newMessageHead(r.ID, r.Destination, r.Issuer, r.IssueInstant),
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

// headXML holds the attributes and elements common to all messages (SAML Core 3.2.1 and 3.2.2).
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

func newMessageHead(id, destination, issuer string, at time.Time) headXML {
	return headXML{
		Protocol:     nsProtocol,
		Assertion:    nsAssertion,
		ID:           id,
		Version:      "2.0",
		IssueInstant: wireTime(at),
		Destination:  destination,
		Issuer:       issuer,
	}
}

// wireTime formats a time in UTC (SAML Core 1.3.3), in whole seconds: not every receiver accepts fractions.
func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
