package samltest

import "time"

// elsewhere is the URL and entity ID of another party.
const elsewhere = "https://elsewhere.example.com"

// confirmation returns the message's only confirmation, to be changed.
func (m *message) confirmation() *confirmation {
	return &m.assertion.subject.confirmations[0]
}

// misaddressed returns messages addressed to or issued by another party, or for another request.
func misaddressed() []Case {
	return []Case{
		refusedCase("wrong audience", func(m *message) { m.assertion.conditions.restrictions = [][]string{{elsewhere}} }),
		refusedCase("no audience", func(m *message) { m.assertion.conditions.restrictions = nil }),
		refusedCase("empty restriction of audiences",
			func(m *message) { m.assertion.conditions.restrictions = [][]string{{}} }),
		refusedCase("second restriction without us", func(m *message) {
			m.assertion.conditions.restrictions = [][]string{{m.request.EntityID}, {elsewhere}}
		}),
		refusedCase("wrong recipient", func(m *message) { m.confirmation().recipient = elsewhere }),
		refusedCase("empty recipient", func(m *message) { m.confirmation().recipient = "" }),
		refusedCase("no recipient", func(m *message) { m.confirmation().recipient = absent }),
		refusedCase("wrong destination", func(m *message) { m.response.destination = elsewhere }),
		refusedCase("wrong destination in a signed response", func(m *message) {
			m.signResponse, m.response.destination = newSigning(m.idp.RSA), elsewhere
		}),
		refusedCase("no destination in a signed response", func(m *message) {
			m.signResponse, m.response.destination = newSigning(m.idp.RSA), absent
		}),
		refusedCase("wrong issuer of the response", func(m *message) { m.response.issuer = elsewhere }),
		refusedCase("wrong issuer of the assertion", func(m *message) { m.assertion.issuer = elsewhere }),
		refusedCase("wrong issuer of both",
			func(m *message) { m.response.issuer, m.assertion.issuer = elsewhere, elsewhere }),
		refusedCase("no issuer of the assertion", func(m *message) { m.assertion.issuer = "" }),
		refusedCase("wrong InResponseTo of the response", func(m *message) { m.response.inResponseTo = "_other" }),
		refusedCase("wrong InResponseTo of the confirmation", func(m *message) { m.confirmation().inResponseTo = "_other" }),
		refusedCase("wrong InResponseTo of both",
			func(m *message) { m.response.inResponseTo, m.confirmation().inResponseTo = "_other", "_other" }),
		refusedCase("no InResponseTo of the response", func(m *message) { m.response.inResponseTo = absent }),
		refusedCase("no InResponseTo of the confirmation", func(m *message) { m.confirmation().inResponseTo = absent }),
		refusedCase("IdP-initiated while not allowed",
			func(m *message) { m.response.inResponseTo, m.confirmation().inResponseTo = absent, absent }),
	}
}

// badTimes returns messages that are expired or not yet valid.
func badTimes() []Case {
	at := func(m *message, after time.Duration) string { return formatTime(m.request.Now.Add(after)) }
	return []Case{
		refusedCase("Conditions expired", func(m *message) { m.assertion.conditions.notOnOrAfter = at(m, -61*time.Second) }),
		refusedCase("Conditions not yet valid",
			func(m *message) { m.assertion.conditions.notBefore = at(m, 61*time.Second) }),
		refusedCase("SubjectConfirmationData expired",
			func(m *message) { m.confirmation().notOnOrAfter = at(m, -61*time.Second) }),
		refusedCase("SubjectConfirmationData without NotOnOrAfter",
			func(m *message) { m.confirmation().notOnOrAfter = absent }),
		refusedCase("SubjectConfirmationData with NotBefore",
			func(m *message) { m.confirmation().notBefore = at(m, -time.Minute) }),
		refusedCase("SubjectConfirmationData not yet valid",
			func(m *message) { m.confirmation().notBefore = at(m, time.Hour) }),
		refusedCase("NotOnOrAfter that is no time", func(m *message) { m.confirmation().notOnOrAfter = "tomorrow" }),
		refusedCase("response issued an hour ago", func(m *message) { m.response.issueInstant = at(m, -time.Hour) }),
		refusedCase("response issued in an hour", func(m *message) { m.response.issueInstant = at(m, time.Hour) }),
		refusedCase("assertion issued an hour ago", func(m *message) { m.assertion.issueInstant = at(m, -time.Hour) }),
		refusedCase("assertion issued in an hour", func(m *message) { m.assertion.issueInstant = at(m, time.Hour) }),
		refusedCase("no IssueInstant", func(m *message) { m.assertion.issueInstant = absent }),
		refusedCase("SessionNotOnOrAfter past",
			func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, -time.Hour) }),
		refusedCase("SessionNotOnOrAfter past within the skew",
			func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, -time.Second) }),
		refusedCase("SessionNotOnOrAfter now",
			func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = at(m, 0) }),
		refusedCase("SessionNotOnOrAfter that is no time",
			func(m *message) { m.assertion.authentication.sessionNotOnOrAfter = "tomorrow" }),
		refusedCase("authenticated in an hour", func(m *message) { m.assertion.authentication.instant = at(m, time.Hour) }),
	}
}

// incomplete returns messages with missing or invalid content.
func incomplete() []Case {
	return []Case{
		refusedCase("status not Success",
			func(m *message) { m.response.status = "urn:oasis:names:tc:SAML:2.0:status:Responder" }),
		craftedCase("no Status", func(m *message) string { return cutOut(m.xml(), "<samlp:Status>", "</samlp:Status>") }),
		refusedCase("method not bearer",
			func(m *message) { m.confirmation().method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" }),
		refusedCase("no SubjectConfirmation", func(m *message) { m.assertion.subject.confirmations = nil }),
		refusedCase("no Subject", func(m *message) { m.assertion.subject = nil }),
		refusedCase("no Conditions", func(m *message) { m.assertion.conditions = nil }),
		refusedCase("no AuthnStatement", func(m *message) { m.assertion.authentication = nil }),
		refusedCase("response of version 1.1", func(m *message) { m.response.version = "1.1" }),
		refusedCase("assertion of version 1.1", func(m *message) { m.assertion.version = "1.1" }),
		refusedCase("no ID", func(m *message) { m.assertion.id = "" }),
		refusedCase("empty NameID", func(m *message) { m.assertion.subject.nameID = "" }),
		refusedCase("blank NameID", func(m *message) { m.assertion.subject.nameID = "  " }),
		refusedCase("newline in NameID", func(m *message) { m.assertion.subject.nameID = "alice\nadmin" }),
		refusedCase("carriage return in NameID", func(m *message) { m.assertion.subject.nameID = "alice&#xD;admin" }),
		refusedCase("C1 control character in NameID", func(m *message) { m.assertion.subject.nameID = "alice\u0085admin" }),
		refusedCase("unknown condition",
			func(m *message) { m.assertion.conditions.extra = m.assertion.el("Condition", nil) }),
		refusedCase("two AuthnStatements", func(m *message) { m.assertion.extra = m.assertion.authenticationXML() }),
		refusedCase("two Conditions", func(m *message) { m.assertion.extra = m.assertion.conditionsXML() }),
		refusedCase("two Subjects", func(m *message) { m.assertion.extra = m.assertion.subjectXML() }),
	}
}

// replayed returns valid messages that are sent twice.
func replayed() []Case {
	twice := func(name string, change func(*message)) Case {
		c := refusedCase(name, change)
		c.Replayed = true
		return c
	}

	return []Case{
		twice("replay", func(*message) {}),
		twice("replay of a OneTimeUse assertion", func(m *message) { m.assertion.conditions.oneTimeUse = true }),
	}
}
