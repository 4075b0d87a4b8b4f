package protocol

import (
	"time"

	"github.com/beevik/etree"
)

// checkResponse checks what the response itself says (SAML Core 3.2.2, SAML Profiles 4.1.4.2). Unless it is signed, this
// only finds mistakes.
func (e Expectation) checkResponse(response *etree.Element, signed bool) error {
	if _, err := e.checkMessage(response); err != nil {
		return err
	}
	switch destination, ok := attribute(response, "Destination"); {
	case !ok && signed: // SAML Bindings 3.5.5.2
		return refuse(reasonNoDestination)
	case ok && destination != e.ACS:
		return refuse(reasonDestination)
	}
	if len(all(response, nsAssertion, "Issuer")) > 0 && !e.isIssuer(response) {
		return refuse(reasonIssuer)
	}
	if err := e.checkAnswer(response); err != nil {
		return err
	}
	return checkStatus(response)
}

// checkMessage checks what responses and assertions have in common, and returns when it was issued.
func (e Expectation) checkMessage(el *etree.Element) (issued time.Time, err error) {
	if value(el, "Version") != version {
		return issued, refuse(reasonVersion)
	}
	if !isNCName(value(el, "ID")) {
		return issued, refuse(reasonID)
	}
	issued, err = instant(el, "IssueInstant")
	if err != nil || e.over(issued.Add(e.MaxAge)) || !e.begun(issued) {
		return issued, refuse(reasonIssueInstant)
	}
	return issued, nil
}

// isIssuer tells whether an element has one issuer, which is the identity provider (SAML Core 2.2.5).
func (e Expectation) isIssuer(el *etree.Element) bool {
	issuer := one(el, nsAssertion, "Issuer")
	if issuer == nil {
		return false
	}
	if format, ok := attribute(issuer, "Format"); ok && format != entityFormat {
		return false
	}
	name, ok := text(issuer)
	return ok && name != "" && name == e.Provider.EntityID
}

// checkAnswer checks the InResponseTo of a response or a confirmation. An answer has to say to what on both, and a response
// that nobody asked for on neither: one for somebody else's request must not pass as the one or the other.
func (e Expectation) checkAnswer(el *etree.Element) error {
	answered, ok := attribute(el, "InResponseTo")
	switch {
	case e.RequestID != "" && answered != e.RequestID:
		return refuse(reasonInResponseTo)
	case e.RequestID == "" && !e.AllowUnsolicited:
		return refuse(reasonUnsolicited)
	case e.RequestID == "" && ok:
		return refuse(reasonInResponseTo)
	}
	return nil
}

func checkStatus(response *etree.Element) error {
	status := one(response, nsProtocol, "Status")
	if status == nil {
		return refuse(reasonStatus)
	}
	code := one(status, nsProtocol, "StatusCode")
	if code == nil || value(code, "Value") != success {
		return refuse(reasonStatus)
	}
	return nil
}

// checkConditions checks an assertion's Conditions (SAML Core 2.5.1). A condition that is not known makes the assertion
// invalid for us (2.5.1.1), and all audience restrictions have to include us (2.5.1.4).
func (e Expectation) checkConditions(conditions *etree.Element) error {
	audiences := 0
	for _, condition := range conditions.ChildElements() {
		switch {
		case is(condition, nsAssertion, "AudienceRestriction"):
			audiences++
			if !e.isAudience(condition) {
				return refuse(reasonAudience)
			}
		case is(condition, nsAssertion, "OneTimeUse"), is(condition, nsAssertion, "ProxyRestriction"):
		default:
			return refuse(reasonConditionKind)
		}
	}
	if audiences == 0 {
		return refuse(reasonAudience)
	}
	return e.checkPeriod(conditions)
}

func (e Expectation) isAudience(restriction *etree.Element) bool {
	for _, audience := range all(restriction, nsAssertion, "Audience") {
		if name, ok := text(audience); ok && name != "" && name == e.EntityID {
			return true
		}
	}
	return false
}

// checkPeriod checks the NotBefore and NotOnOrAfter of Conditions, of which neither has to be there.
func (e Expectation) checkPeriod(conditions *etree.Element) error {
	if _, ok := attribute(conditions, "NotBefore"); ok {
		if from, err := instant(conditions, "NotBefore"); err != nil || !e.begun(from) {
			return refuse(reasonConditionsTime)
		}
	}
	if _, ok := attribute(conditions, "NotOnOrAfter"); ok {
		if until, err := instant(conditions, "NotOnOrAfter"); err != nil || e.over(until) {
			return refuse(reasonConditionsTime)
		}
	}
	return nil
}

// begun tells whether a time has come, if the other side's clock may be ahead.
func (e Expectation) begun(t time.Time) bool {
	return !e.Now.Add(e.Skew).Before(t)
}

// over tells whether a time, which does not belong to the period any more, has come even if the other side's clock is
// behind.
func (e Expectation) over(t time.Time) bool {
	return !e.Now.Add(-e.Skew).Before(t)
}

// instant reads an attribute of type dateTime, which has to say its zone (SAML Core 1.3.3).
func instant(el *etree.Element, name string) (time.Time, error) {
	return time.Parse(time.RFC3339, value(el, name))
}
