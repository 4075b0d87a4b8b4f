package protocol

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	// maxNameID is the longest name in bytes. Persistent names have at most 256 characters (SAML Core 8.3.7).
	maxNameID = 1024

	maxFormat    = 256  // bytes
	maxQualifier = 1024 // bytes: an entity ID (SAML Core 8.3.6)

	unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" // SAML Core 8.3.1
)

// readSubject reads who the assertion is about, and checks that we may believe the bearer (SAML Core 2.4). Names that are
// encrypted are refused.
func (e Expectation) readSubject(subject *etree.Element, a *Assertion) error {
	name := one(subject, nsAssertion, "NameID")
	if name == nil || len(all(subject, nsAssertion, "BaseID"))+len(all(subject, nsAssertion, "EncryptedID")) > 0 {
		return refuse(reasonSubject)
	}
	text, ok := text(name)
	if !ok || !isNameID(text) {
		return refuse(reasonNameID)
	}
	a.NameID, a.NameIDFormat = text, value(name, "Format")
	a.NameQualifier, a.SPNameQualifier = value(name, "NameQualifier"), value(name, "SPNameQualifier")
	if !isQualifier(a.NameIDFormat, maxFormat) || !isQualifier(a.NameQualifier, maxQualifier) || !isQualifier(a.SPNameQualifier, maxQualifier) {
		return refuse(reasonQualifier)
	}
	if e.NameIDFormat != "" && e.NameIDFormat != unspecified && a.NameIDFormat != e.NameIDFormat {
		return refuse(reasonNameIDFormat)
	}
	return e.confirm(subject)
}

// isNameID refuses what looks like another name than it is: control characters and white space around it.
func isNameID(name string) bool {
	return name != "" && len(name) <= maxNameID && utf8.ValidString(name) && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl)
}

// isQualifier takes what tells a name from other names of the same text, or nothing. Both are kept together in one index.
func isQualifier(text string, limit int) bool {
	return len(text) <= limit && !strings.ContainsFunc(text, unicode.IsControl)
}

// confirm looks for a bearer confirmation that holds (SAML Profiles 4.1.4.2). If none does, it returns what is wrong with
// the last one.
func (e Expectation) confirm(subject *etree.Element) error {
	err := refuse(reasonConfirmation)
	for _, confirmation := range all(subject, nsAssertion, "SubjectConfirmation") {
		if value(confirmation, "Method") != confirmationMethod {
			continue
		}
		if err = e.checkConfirmation(confirmation); err == nil {
			return nil
		}
	}
	return err
}

func (e Expectation) checkConfirmation(confirmation *etree.Element) error {
	data := one(confirmation, nsAssertion, "SubjectConfirmationData")
	if data == nil {
		return refuse(reasonConfirmation)
	}
	if value(data, "Recipient") != e.ACS {
		return refuse(reasonRecipient)
	}
	if until, err := instant(data, "NotOnOrAfter"); err != nil || e.over(until) {
		return refuse(reasonConfirmationTime)
	}
	if _, ok := attribute(data, "NotBefore"); ok {
		return refuse(reasonConfirmationStart)
	}
	return e.checkAnswer(data)
}
