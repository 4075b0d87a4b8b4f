package samltest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// assertion is the content of an Assertion element. Parts that are nil are left out.
type assertion struct {
	prefix                            string
	id, version, issueInstant, issuer string
	subject                           *subject
	conditions                        *conditions
	authentication                    *authentication
	attributes                        map[string][]string
	// extra is XML at the end.
	extra string
	// schema declares the namespace of XML Schema, which is used only in attribute values such as that of xsi:type.
	schema bool
}

type subject struct {
	nameID                 string // as XML
	format                 string
	qualifier, spQualifier string // NameQualifier and SPNameQualifier; empty for none
	confirmations          []confirmation
}

type confirmation struct{ method, inResponseTo, notBefore, notOnOrAfter, recipient string }

type conditions struct {
	notBefore, notOnOrAfter string
	restrictions            [][]string // audiences
	oneTimeUse              bool
	extra                   string // at the end
}

type authentication struct{ instant, sessionIndex, sessionNotOnOrAfter, class string }

// newAssertion returns a valid assertion.
func newAssertion(idp *IdP, r Request) assertion {
	soon, before := formatTime(r.Now.Add(5*time.Minute)), formatTime(r.Now.Add(-time.Minute))
	authenticated := r.AuthnInstant
	if authenticated.IsZero() {
		authenticated = r.Now
	}
	ends := r.SessionEndsAt
	if ends.IsZero() {
		ends = r.Now.Add(8 * time.Hour)
	}

	return assertion{
		prefix:       "saml",
		id:           "_assertion-" + r.ID,
		version:      "2.0",
		issueInstant: formatTime(r.Now),
		issuer:       idp.EntityID,
		subject: &subject{
			nameID:      escapeText(r.NameID),
			format:      cmp.Or(r.Format, email),
			qualifier:   r.NameQualifier,
			spQualifier: r.SPNameQualifier,
			confirmations: []confirmation{{
				method: confirmationMethod, inResponseTo: r.ID, notBefore: absent, notOnOrAfter: soon, recipient: r.ACS,
			}},
		},
		conditions: &conditions{notBefore: before, notOnOrAfter: soon, restrictions: [][]string{{r.EntityID}}},
		authentication: &authentication{
			instant:             formatTime(authenticated),
			sessionIndex:        "_session-" + r.ID,
			sessionNotOnOrAfter: formatTime(ends),
			class:               cmp.Or(r.AuthnContext, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"),
		},
		attributes: r.Attributes,
	}
}

// signed returns the assertion with a signature over it.
func (a assertion) signed(s *signing) string {
	if s == nil {
		return a.xml("")
	}
	return a.xml(s.signatureOver(a.id, a.xml("")))
}

func (a assertion) xml(signature string) string {
	attributes := []string{"ID", a.id, "IssueInstant", a.issueInstant, "Version", a.version}
	if a.schema {
		attributes = append([]string{"xmlns:xs", "http://www.w3.org/2001/XMLSchema"}, attributes...)
	}
	return el(a.prefix, "Assertion", nsAssertion, attributes,
		a.el("Issuer", nil, escapeText(a.issuer)), signature, a.subjectXML(), a.conditionsXML(), a.authenticationXML(),
		a.attributesXML(), a.extra)
}

// el returns an element of the assertion.
func (a assertion) el(local string, attributes []string, content ...string) string {
	return el(a.prefix, local, "", attributes, content...)
}

func (a assertion) subjectXML() string {
	if a.subject == nil {
		return ""
	}

	name := []string{"Format", a.subject.format}
	if a.subject.qualifier != "" {
		name = append(name, "NameQualifier", a.subject.qualifier)
	}
	if a.subject.spQualifier != "" {
		name = append(name, "SPNameQualifier", a.subject.spQualifier)
	}

	var content strings.Builder
	content.WriteString(a.el("NameID", name, a.subject.nameID))
	for _, c := range a.subject.confirmations {
		data := a.el("SubjectConfirmationData", []string{
			"InResponseTo", c.inResponseTo, "NotBefore", c.notBefore, "NotOnOrAfter", c.notOnOrAfter, "Recipient", c.recipient,
		})
		content.WriteString(a.el("SubjectConfirmation", []string{"Method", c.method}, data))
	}

	return a.el("Subject", nil, content.String())
}

func (a assertion) conditionsXML() string {
	if a.conditions == nil {
		return ""
	}

	var content strings.Builder
	for _, audiences := range a.conditions.restrictions {
		var restriction strings.Builder
		for _, audience := range audiences {
			restriction.WriteString(a.el("Audience", nil, escapeText(audience)))
		}
		content.WriteString(a.el("AudienceRestriction", nil, restriction.String()))
	}

	if a.conditions.oneTimeUse {
		content.WriteString(a.el("OneTimeUse", nil))
	}

	return a.el("Conditions", []string{"NotBefore", a.conditions.notBefore, "NotOnOrAfter", a.conditions.notOnOrAfter},
		content.String(), a.conditions.extra)
}

func (a assertion) authenticationXML() string {
	if a.authentication == nil {
		return ""
	}
	return a.el("AuthnStatement", []string{
		"AuthnInstant", a.authentication.instant, "SessionIndex", a.authentication.sessionIndex, "SessionNotOnOrAfter",
		a.authentication.sessionNotOnOrAfter,
	}, a.el("AuthnContext", nil, a.el("AuthnContextClassRef", nil, a.authentication.class)))
}

func (a assertion) attributesXML() string {
	if len(a.attributes) == 0 {
		return ""
	}

	var content strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.attributes)) {
		var values strings.Builder
		for _, value := range a.attributes[name] {
			values.WriteString(a.el("AttributeValue", nil, escapeText(value)))
		}
		content.WriteString(a.el("Attribute", []string{"Name", name}, values.String()))
	}

	return a.el("AttributeStatement", nil, content.String())
}
