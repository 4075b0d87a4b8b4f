package protocol

import (
	"crypto/rsa"
	"encoding/xml"
	"errors"
	"time"
)

// NameID identifies a user at an identity provider (SAML Core 2.2.3). Two are equal if all parts are equal.
type NameID struct {
	Value           string `xml:",chardata"`
	Format          string `xml:",attr,omitempty"`
	NameQualifier   string `xml:",attr,omitempty"`
	SPNameQualifier string `xml:",attr,omitempty"`
}

// LogoutRequest asks the other side to end sessions of a user (SAML Core 3.7.1).
type LogoutRequest struct {
	// ID is the message's identifier, which the response repeats in InResponseTo. NewID creates one.
	ID string
	// Issuer is the sender: our entity ID or the provider's.
	Issuer string
	// Destination is the URL of the single logout service that receives the request.
	Destination string
	// IssueInstant is the time of issue.
	IssueInstant time.Time
	// NotOnOrAfter is the time at which the request expires. Zero: not stated.
	NotOnOrAfter time.Time
	// NameID identifies the user.
	NameID NameID
	// SessionIndexes lists the sessions to end. Empty: all sessions of the user.
	SessionIndexes []string
	// RelayState is returned with the response: at most MaxRelayState bytes, empty for none.
	RelayState string
	// ReplayableUntil is set by VerifyLogoutRequest: a replay of the request would be accepted until then.
	ReplayableUntil time.Time
}

// errNoKey means that a logout message has no signing key. Signatures are mandatory in the redirect binding (SAML
// Profiles 4.4.4.1 and 4.4.4.2).
var errNoKey = errors.New("saml: a logout message requires a signing key")

// RedirectURL returns the URL to redirect the browser to. Its query is signed with RSA-SHA256. It returns an error if
// a field is missing or invalid.
func (r LogoutRequest) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.Issuer == "" || r.NameID.Value == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: a LogoutRequest requires an ID, an Issuer, a NameID and an IssueInstant")
	}
	if key == nil {
		return "", errNoKey
	}

	message := logoutRequestXML{
		headXML:  newMessageHead(r.ID, r.Destination, r.Issuer, r.IssueInstant),
		NameID:   r.NameID,
		Sessions: r.SessionIndexes,
	}
	if !r.NotOnOrAfter.IsZero() {
		message.NotOnOrAfter = wireTime(r.NotOnOrAfter)
	}

	return redirectURL(redirect{
		location:   r.Destination,
		parameter:  requestParameter,
		message:    message,
		relayState: r.RelayState,
		key:        key,
	})
}

type logoutRequestXML struct {
	XMLName xml.Name `xml:"samlp:LogoutRequest"`
	headXML
	NotOnOrAfter string   `xml:",attr,omitempty"`
	NameID       NameID   `xml:"saml:NameID"`
	Sessions     []string `xml:"samlp:SessionIndex"`
}

// StatusSuccess is the status code of a response that reports success (SAML Core 3.2.2.2).
const StatusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// LogoutResponse answers a LogoutRequest that succeeded (SAML Core 3.7.2).
type LogoutResponse struct {
	// ID is the message's identifier. NewID creates one.
	ID string
	// InResponseTo is the ID of the request.
	InResponseTo string
	// Issuer is the sender: our entity ID or the provider's.
	Issuer string
	// Destination is the receiver's URL: for our responses the provider's SLOResponseURL.
	Destination string
	// IssueInstant is the time of issue.
	IssueInstant time.Time
	// RelayState is the value of the request.
	RelayState string
}

// RedirectURL returns the URL to redirect the browser to. Its query is signed with RSA-SHA256. It returns an error if
// a field is missing or invalid.
func (r LogoutResponse) RedirectURL(key *rsa.PrivateKey) (string, error) {
	if r.ID == "" || r.InResponseTo == "" || r.Issuer == "" || r.IssueInstant.IsZero() {
		return "", errors.New("saml: a LogoutResponse requires an ID, an InResponseTo, an Issuer and an IssueInstant")
	}
	if key == nil {
		return "", errNoKey
	}

	message := logoutResponseXML{headXML: newMessageHead(r.ID, r.Destination, r.Issuer, r.IssueInstant)}
	message.InResponseTo, message.Status.Value = r.InResponseTo, StatusSuccess

	return redirectURL(redirect{
		location:   r.Destination,
		parameter:  responseParameter,
		message:    message,
		relayState: r.RelayState,
		key:        key,
	})
}

type logoutResponseXML struct {
	XMLName xml.Name `xml:"samlp:LogoutResponse"`
	headXML
	Status struct {
		Value string `xml:",attr"`
	} `xml:"samlp:Status>samlp:StatusCode"`
}
