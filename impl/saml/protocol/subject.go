package protocol

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

const (
	// maxNameID is the longest name in bytes. Persistent names have at most 256 characters (SAML Core 8.3.7).
	maxNameID = 1024

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
	if e.NameIDFormat != "" && e.NameIDFormat != unspecified && a.NameIDFormat != e.NameIDFormat {
		return refuse(reasonNameIDFormat)
	}
	until, err := e.confirm(subject)
	a.ExpiresAt = until
	return err
}

// isNameID refuses what looks like another name than it is: control characters and white space around it.
func isNameID(name string) bool {
	return name != "" && len(name) <= maxNameID && utf8.ValidString(name) && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl)
}

// confirm looks for a bearer confirmation that holds (SAML Profiles 4.1.4.2), and returns when the last one of those that
// hold ends. If none does, it returns what is wrong with the last one.
func (e Expectation) confirm(subject *etree.Element) (time.Time, error) {
	var last time.Time
	err := refuse(reasonConfirmation)
	for _, confirmation := range all(subject, nsAssertion, "SubjectConfirmation") {
		if value(confirmation, "Method") != bearer {
			continue
		}
		until, wrong := e.checkConfirmation(confirmation)
		if wrong != nil {
			err = wrong
			continue
		}
		if until.After(last) {
			last = until
		}
	}
	if last.IsZero() {
		return last, err
	}
	return last, nil
}

func (e Expectation) checkConfirmation(confirmation *etree.Element) (until time.Time, err error) {
	data := one(confirmation, nsAssertion, "SubjectConfirmationData")
	if data == nil {
		return time.Time{}, refuse(reasonConfirmation)
	}
	if value(data, "Recipient") != e.ACS {
		return time.Time{}, refuse(reasonRecipient)
	}
	until, err = instant(data, "NotOnOrAfter")
	if err != nil || e.over(until) {
		return time.Time{}, refuse(reasonConfirmationTime)
	}
	if _, ok := attribute(data, "NotBefore"); ok {
		return time.Time{}, refuse(reasonConfirmationStart)
	}
	return until, e.checkAnswer(data)
}
