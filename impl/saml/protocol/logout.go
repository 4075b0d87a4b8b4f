package protocol

import (
	"crypto/rsa"
	"encoding/xml"
	"errors"
	"time"
)

// NameID is the name of somebody at an identity provider (SAML Core 2.2.3). Two are the same person if all parts are equal.
type NameID struct {
	Value           string `xml:",chardata"`
	Format          string `xml:",attr,omitempty"`
	NameQualifier   string `xml:",attr,omitempty"`
	SPNameQualifier string `xml:",attr,omitempty"`
}

// LogoutRequest asks the other side to end sessions of somebody (SAML Core 3.7.1).
type LogoutRequest struct {
	// ID is what the response has to name in InResponseTo: NewID makes one.
	ID string
	// Issuer is who asks: our entity ID, or the provider's.
	Issuer string
	// Destination is the URL of the single logout service that this is for.
	Destination string
	// IssueInstant is when the request was made.
	IssueInstant time.Time
	// NotOnOrAfter is when it loses its validity. Zero: it does not say.
	NotOnOrAfter time.Time
	// NameID is whose sessions end.
	NameID NameID
	// SessionIndexes name the sessions. None: all of this name.
	SessionIndexes []string
	// RelayState has to come back with the response: at most MaxRelayState bytes, empty for none.
	RelayState string
	// RememberUntil is set by VerifyLogoutRequest: until then the same request could be sent again, and would hold.
	RememberUntil time.Time
}

// errNoKey: logout messages have to be signed by redirect (SAML Profiles 4.4.4.1 and 4.4.4.2).
var errNoKey = errors.New("saml: a logout message needs a key to sign with")

// RedirectURL returns where to send the browser, the query signed with RSA-SHA256. It fails if something of the request is
// missing or does not fit.
func (r LogoutRequest) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.Issuer == "" || r.NameID.Value == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: a LogoutRequest needs an ID, an issuer, a name and a time")
	}
	if key == nil {
		return "", errNoKey
	}
	message := logoutRequestXML{
		headXML:  newHead(r.ID, r.Destination, r.Issuer, r.IssueInstant),
		NameID:   r.NameID,
		Sessions: r.SessionIndexes,
	}
	if !r.NotOnOrAfter.IsZero() {
		message.NotOnOrAfter = wireTime(r.NotOnOrAfter)
	}
	return redirectURL(redirect{location: r.Destination, parameter: requestParameter, message: message, relayState: r.RelayState, key: key})
}

type logoutRequestXML struct {
	XMLName xml.Name `xml:"samlp:LogoutRequest"`
	headXML
	NotOnOrAfter string   `xml:",attr,omitempty"`
	NameID       NameID   `xml:"saml:NameID"`
	Sessions     []string `xml:"samlp:SessionIndex"`
}

// Status codes of responses (SAML Core 3.2.2.2).
const (
	// StatusSuccess means that all was done.
	StatusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	// StatusRequester means that the request was at fault.
	StatusRequester = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	// StatusResponder means that whoever answers was at fault.
	StatusResponder = "urn:oasis:names:tc:SAML:2.0:status:Responder"
	// StatusPartialLogout is a second-level code: not all sessions could be ended.
	StatusPartialLogout = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
)

// LogoutResponse answers a LogoutRequest (SAML Core 3.7.2).
type LogoutResponse struct {
	// ID names the response: NewID makes one.
	ID string
	// InResponseTo is the request's ID.
	InResponseTo string
	// Issuer is who answers.
	Issuer string
	// Destination is where the answer goes: for us, the provider's SLOResponseURL.
	Destination string
	// IssueInstant is when the response was made.
	IssueInstant time.Time
	// Status is the top-level code, such as StatusSuccess.
	Status string
	// SubStatus is the second-level code, such as StatusPartialLogout. Empty: none.
	SubStatus string
	// RelayState is the request's.
	RelayState string
}

// RedirectURL returns where to send the browser, the query signed with RSA-SHA256. It fails if something of the response is
// missing or does not fit.
func (r LogoutResponse) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.InResponseTo == "" || r.Issuer == "" || r.Status == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: a LogoutResponse needs an ID, the request's, an issuer, a status and a time")
	}
	if key == nil {
		return "", errNoKey
	}
	message := logoutResponseXML{headXML: newHead(r.ID, r.Destination, r.Issuer, r.IssueInstant), Status: statusXML{Value: r.Status}}
	message.InResponseTo = r.InResponseTo
	if r.SubStatus != "" {
		message.Status.Sub = &statusXML{Value: r.SubStatus}
	}
	return redirectURL(redirect{location: r.Destination, parameter: responseParameter, message: message, relayState: r.RelayState, key: key})
}

type logoutResponseXML struct {
	XMLName xml.Name `xml:"samlp:LogoutResponse"`
	headXML
	Status statusXML `xml:"samlp:Status>samlp:StatusCode"`
}

type statusXML struct {
	Value string     `xml:",attr"`
	Sub   *statusXML `xml:"samlp:StatusCode"`
}
