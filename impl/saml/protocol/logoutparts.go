package protocol

import (
	"strings"
	"time"
	"unicode"
)

const (
	// maxSessions bounds the session indexes of one request.
	maxSessions = 100
	// maxMessageID bounds an identifier in bytes, because used identifiers are stored.
	maxMessageID = 256
)

// head validates the attributes common to requests and responses (SAML Core 3.2.1, 3.2.2). A signed message of the
// redirect binding must have a Destination (SAML Bindings 3.4.5.2).
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

// issuer checks that the provider issued the message.
func (e LogoutExpectation) issuer(message *element) error {
	issuer, err := message.onlyChild(nsAssertion, "Issuer")
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

// issued returns the IssueInstant, which must be within MaxAge and the skew.
func (e LogoutExpectation) issued(message *element) (time.Time, error) {
	issued, err := readTime(message.attributes["IssueInstant"])
	if err != nil || issued.After(e.Now.Add(e.skew())) || !issued.Add(e.maxAge()+e.skew()).After(e.Now) {
		return time.Time{}, refuse(reasonLogoutInstant)
	}
	return issued, nil
}

// end returns the NotOnOrAfter of a request that has not expired (SAML Core 3.7.1), zero if there is none.
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

// readNameID returns the only NameID. An encrypted one is refused like a missing one.
func readNameID(message *element) (NameID, error) {
	name, err := message.onlyChild(nsAssertion, "NameID")
	if err != nil {
		return NameID{}, refuse(reasonLogoutName)
	}

	value, err := name.value()
	if err != nil || value == "" || strings.ContainsFunc(value, unicode.IsControl) {
		return NameID{}, refuse(reasonLogoutName)
	}

	return NameID{
		Value:           value,
		Format:          name.attributes["Format"],
		NameQualifier:   name.attributes["NameQualifier"],
		SPNameQualifier: name.attributes["SPNameQualifier"],
	}, nil
}

// readSessionIndexes returns the session indexes. An empty one is refused: skipping it could leave none, which means
// all sessions.
func readSessionIndexes(message *element) ([]string, error) {
	found := message.childrenNamed(nsProtocol, "SessionIndex")
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
