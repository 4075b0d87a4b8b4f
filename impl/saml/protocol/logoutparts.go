package protocol

import (
	"strings"
	"time"
	"unicode"
)

const (
	maxSessions  = 100 // session indexes in one request
	maxMessageID = 256 // bytes: identifiers are remembered
)

// head checks what requests and responses have in common (SAML Core 3.2.1, 3.2.2). A signed message that comes by redirect
// has to say where it was meant to go (SAML Bindings 3.4.5.2).
func (e LogoutExpectation) head(message *element, kind string) (logoutHead, error) {
	id := message.attributes["ID"]
	switch {
	case !message.is(nsProtocol, kind):
		return logoutHead{}, refuse(reasonLogoutKind)
	case message.attributes["Version"] != "2.0":
		return logoutHead{}, refuse(reasonLogoutVersion)
	case id == "" || len(id) > maxMessageID:
		return logoutHead{}, refuse(reasonLogoutID)
	case e.Destination == "" || message.attributes["Destination"] != e.Destination:
		return logoutHead{}, refuse(reasonLogoutDestination)
	}
	if err := e.issuer(message); err != nil {
		return logoutHead{}, err
	}
	issued, err := e.issued(message)
	return logoutHead{id, issued}, err
}

func (e LogoutExpectation) issuer(message *element) error {
	issuer, err := message.one(nsAssertion, "Issuer")
	if err != nil {
		return refuse(reasonLogoutIssuer)
	}
	name, err := issuer.value()
	format := issuer.attributes["Format"]
	if err != nil || name == "" || name != e.Provider.EntityID || format != "" && format != entityFormat {
		return refuse(reasonLogoutIssuer)
	}
	return nil
}

func (e LogoutExpectation) issued(message *element) (time.Time, error) {
	issued, err := readTime(message.attributes["IssueInstant"])
	if err != nil || issued.After(e.Now.Add(e.skew())) || !issued.Add(e.maxAge()+e.skew()).After(e.Now) {
		return time.Time{}, refuse(reasonLogoutInstant)
	}
	return issued, nil
}

// end checks a NotOnOrAfter (SAML Core 3.7.1).
func (e LogoutExpectation) end(message *element) (time.Time, error) {
	text, ok := message.attributes["NotOnOrAfter"]
	if !ok {
		return time.Time{}, nil
	}
	end, err := readTime(text)
	if err != nil || !end.Add(e.skew()).After(e.Now) {
		return time.Time{}, refuse(reasonLogoutExpired)
	}
	return end, nil
}

// nameOf reads the only name. An encrypted one is refused as if there were none.
func nameOf(message *element) (NameID, error) {
	name, err := message.one(nsAssertion, "NameID")
	if err != nil {
		return NameID{}, refuse(reasonLogoutName)
	}
	value, err := name.value()
	if err != nil || value == "" || strings.ContainsFunc(value, unicode.IsControl) {
		return NameID{}, refuse(reasonLogoutName)
	}
	return NameID{
		Value: value, Format: name.attributes["Format"],
		NameQualifier: name.attributes["NameQualifier"], SPNameQualifier: name.attributes["SPNameQualifier"],
	}, nil
}

// sessionsOf reads the session indexes. An empty one is refused: skipped, it could leave none, which would mean all sessions.
func sessionsOf(message *element) ([]string, error) {
	found := message.all(nsProtocol, "SessionIndex")
	if len(found) > maxSessions {
		return nil, refuse(reasonLogoutSessions)
	}
	var indexes []string
	for _, e := range found {
		index, err := e.value()
		if err != nil || index == "" {
			return nil, refuse(reasonLogoutSessions)
		}
		indexes = append(indexes, index)
	}
	return indexes, nil
}

func statusOf(message *element) (top, sub string, err error) {
	status, err := message.one(nsProtocol, "Status")
	if err != nil {
		return "", "", refuse(reasonLogoutStatus)
	}
	code, err := status.one(nsProtocol, "StatusCode")
	if err != nil || code.attributes["Value"] == "" {
		return "", "", refuse(reasonLogoutStatus)
	}
	if below := code.all(nsProtocol, "StatusCode"); len(below) > 0 {
		sub = below[0].attributes["Value"]
	}
	return code.attributes["Value"], sub, nil
}
