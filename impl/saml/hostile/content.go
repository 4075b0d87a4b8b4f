package hostile

import "time"

const elsewhere = "https://elsewhere.example.com"

// confirmation returns the message's only confirmation, to be changed.
func (m *message) confirmation() *confirmation {
	return &m.assertion.subject.confirmations[0]
}

// addressed has messages for or from somebody else, or about something else.
func addressed() []Case {
	return []Case{
		refused("wrong audience", func(m *message) { m.assertion.conditions.restrictions = [][]string{{elsewhere}} }),
		refused("no audience", func(m *message) { m.assertion.conditions.restrictions = nil }),
		refused("empty restriction of audiences", func(m *message) { m.assertion.conditions.restrictions = [][]string{{}} }),
		refused("second restriction without us", func(m *message) {
			m.assertion.conditions.restrictions = [][]string{{m.request.EntityID}, {elsewhere}}
		}),
		refused("wrong recipient", func(m *message) { m.confirmation().recipient = elsewhere }),
		refused("empty recipient", func(m *message) { m.confirmation().recipient = "" }),
		refused("no recipient", func(m *message) { m.confirmation().recipient = absent }),
		refused("wrong destination", func(m *message) { m.response.destination = elsewhere }),
		refused("wrong destination in a signed response", func(m *message) {
			m.signResponse, m.response.destination = newSigning(m.idp.RSA), elsewhere
		}),
		refused("no destination in a signed response", func(m *message) {
			m.signResponse, m.response.destination = newSigning(m.idp.RSA), absent
		}),
		refused("wrong issuer of the response", func(m *message) { m.response.issuer = elsewhere }),
		refused("wrong issuer of the assertion", func(m *message) { m.assertion.issuer = elsewhere }),
		refused("wrong issuer of both", func(m *message) { m.response.issuer, m.assertion.issuer = elsewhere, elsewhere }),
		refused("no issuer of the assertion", func(m *message) { m.assertion.issuer = "" }),
		refused("wrong InResponseTo of the response", func(m *message) { m.response.inResponseTo = "_other" }),
		refused("wrong InResponseTo of the confirmation", func(m *message) { m.confirmation().inResponseTo = "_other" }),
		refused("wrong InResponseTo of both", func(m *message) { m.response.inResponseTo, m.confirmation().inResponseTo = "_other", "_other" }),
		refused("no InResponseTo of the response", func(m *message) { m.response.inResponseTo = absent }),
		refused("no InResponseTo of the confirmation", func(m *message) { m.confirmation().inResponseTo = absent }),
		refused("IdP-initiated while not allowed", func(m *message) { m.response.inResponseTo, m.confirmation().inResponseTo = absent, absent }),
	}
}

// timed has messages that come too early or too late.
func timed() []Case {
	at := func(m *message, after time.Duration) string { return stamp(m.request.Now.Add(after)) }
	return []Case{
		refused("Conditions expired", func(m *message) { m.assertion.conditions.notOnOrAfter = at(m, -61*time.Second) }),
		refused("Conditions not yet valid", func(m *message) { m.assertion.conditions.notBefore = at(m, 61*time.Second) }),
		refused("SubjectConfirmationData expired", func(m *message) { m.confirmation().notOnOrAfter = at(m, -61*time.Second) }),
		refused("SubjectConfirmationData without NotOnOrAfter", func(m *message) { m.confirmation().notOnOrAfter = absent }),
		refused("SubjectConfirmationData with NotBefore", func(m *message) { m.confirmation().notBefore = at(m, -time.Minute) }),
		refused("SubjectConfirmationData not yet valid", func(m *message) { m.confirmation().notBefore = at(m, time.Hour) }),
		refused("NotOnOrAfter that is no time", func(m *message) { m.confirmation().notOnOrAfter = "tomorrow" }),
		refused("response issued an hour ago", func(m *message) { m.response.issueInstant = at(m, -time.Hour) }),
		refused("response issued in an hour", func(m *message) { m.response.issueInstant = at(m, time.Hour) }),
		refused("assertion issued an hour ago", func(m *message) { m.assertion.issueInstant = at(m, -time.Hour) }),
		refused("assertion issued in an hour", func(m *message) { m.assertion.issueInstant = at(m, time.Hour) }),
		refused("no IssueInstant", func(m *message) { m.assertion.issueInstant = absent }),
		refused("SessionNotOnOrAfter past", func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, -time.Hour) }),
		refused("SessionNotOnOrAfter past within the skew", func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, -time.Second) }),
		refused("SessionNotOnOrAfter now", func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, 0) }),
		refused("SessionNotOnOrAfter that is no time", func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = "tomorrow" }),
		refused("authenticated in an hour", func(m *message) { m.assertion.authentication.instant = at(m, time.Hour) }),
	}
}

// incomplete has messages that say too little or not the right thing.
func incomplete() []Case {
	return []Case{
		refused("status not Success", func(m *message) { m.response.status = "urn:oasis:names:tc:SAML:2.0:status:Responder" }),
		made("no Status", func(m *message) string { return removed(m.xml(), "<samlp:Status>", "</samlp:Status>") }),
		refused("method not bearer", func(m *message) { m.confirmation().method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" }),
		refused("no SubjectConfirmation", func(m *message) { m.assertion.subject.confirmations = nil }),
		refused("no Subject", func(m *message) { m.assertion.subject = nil }),
		refused("no Conditions", func(m *message) { m.assertion.conditions = nil }),
		refused("no AuthnStatement", func(m *message) { m.assertion.authentication = nil }),
		refused("response of version 1.1", func(m *message) { m.response.version = "1.1" }),
		refused("assertion of version 1.1", func(m *message) { m.assertion.version = "1.1" }),
		refused("no ID", func(m *message) { m.assertion.id = "" }),
		refused("empty NameID", func(m *message) { m.assertion.subject.nameID = "" }),
		refused("blank NameID", func(m *message) { m.assertion.subject.nameID = "  " }),
		refused("newline in NameID", func(m *message) { m.assertion.subject.nameID = "alice\nadmin" }),
		refused("carriage return in NameID", func(m *message) { m.assertion.subject.nameID = "alice&#xD;admin" }),
		refused("C1 control character in NameID", func(m *message) { m.assertion.subject.nameID = "alice\u0085admin" }),
		refused("unknown condition", func(m *message) { m.assertion.conditions.extra = m.assertion.el("Condition", nil) }),
		refused("two AuthnStatements", func(m *message) { m.assertion.extra = m.assertion.authenticationXML() }),
		refused("two Conditions", func(m *message) { m.assertion.extra = m.assertion.conditionsXML() }),
		refused("two Subjects", func(m *message) { m.assertion.extra = m.assertion.subjectXML() }),
	}
}

// replayed has good messages that come twice.
func replayed() []Case {
	twice := func(name string, change func(*message)) Case {
		c := refused(name, change)
		c.Replayed = true
		return c
	}
	return []Case{
		twice("replay", func(*message) {}),
		twice("replay of a OneTimeUse assertion", func(m *message) { m.assertion.conditions.oneTimeUse = true }),
	}
}
