package protocol

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	// maxNameID bounds a name in bytes. Persistent names have at most 256 characters (SAML Core 8.3.7).
	maxNameID = 1024

	maxFormat    = 256  // bytes
	maxQualifier = 1024 // bytes: an entity ID (SAML Core 8.3.6)

	unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" // SAML Core 8.3.1
)

// readSubject reads the user's identity and checks that the bearer of the assertion is confirmed (SAML Core 2.4).
// Encrypted identifiers are refused.
func (e Expectation) readSubject(subject *etree.Element, a *Assertion) error {
	name := onlyChild(subject, nsAssertion, "NameID")
	if name == nil ||
		len(childrenNamed(subject, nsAssertion, "BaseID"))+len(childrenNamed(subject, nsAssertion, "EncryptedID")) > 0 {
		return refuse(reasonSubject)
	}

	text, ok := text(name)
	if !ok || !isValidNameID(text) {
		return refuse(reasonNameID)
	}

	a.NameID, a.NameIDFormat = text, value(name, "Format")
	a.NameQualifier, a.SPNameQualifier = value(name, "NameQualifier"), value(name, "SPNameQualifier")
	if !isValidQualifier(a.NameIDFormat, maxFormat) || !isValidQualifier(a.NameQualifier, maxQualifier) ||
		!isValidQualifier(a.SPNameQualifier, maxQualifier) {
		return refuse(reasonQualifier)
	}
	if e.NameIDFormat != "" && e.NameIDFormat != unspecified && a.NameIDFormat != e.NameIDFormat {
		return refuse(reasonNameIDFormat)
	}

	return e.checkSubjectConfirmations(subject)
}

// isValidNameID refuses names that can be mistaken for another name: with control characters or surrounding white
// space.
func isValidNameID(name string) bool {
	return name != "" && len(name) <= maxNameID && utf8.ValidString(name) && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, unicode.IsControl)
}

// isValidQualifier reports whether a qualifier, which may be empty, fits the index of identities.
func isValidQualifier(text string, limit int) bool {
	return len(text) <= limit && !strings.ContainsFunc(text, unicode.IsControl)
}

// checkSubjectConfirmations requires one valid bearer confirmation (SAML Profiles 4.1.4.2). If there is none, it
// returns the refusal of the last one.
func (e Expectation) checkSubjectConfirmations(subject *etree.Element) error {
	err := refuse(reasonConfirmation)
	for _, confirmation := range childrenNamed(subject, nsAssertion, "SubjectConfirmation") {
		if value(confirmation, "Method") != confirmationMethod {
			continue
		}
		if err = e.checkConfirmation(confirmation); err == nil {
			return nil
		}
	}

	return err
}

// checkConfirmation checks one bearer confirmation.
func (e Expectation) checkConfirmation(confirmation *etree.Element) error {
	data := onlyChild(confirmation, nsAssertion, "SubjectConfirmationData")
	if data == nil {
		return refuse(reasonConfirmation)
	}
	if value(data, "Recipient") != e.ACS {
		return refuse(reasonRecipient)
	}
	if until, err := readInstant(data, "NotOnOrAfter"); err != nil || e.hasEnded(until) {
		return refuse(reasonConfirmationTime)
	}
	if _, ok := attribute(data, "NotBefore"); ok {
		return refuse(reasonConfirmationStart)
	}

	return e.checkInResponseTo(data)
}
