package protocol

import (
	"time"

	"github.com/beevik/etree"
)

// checkResponse validates the response element itself (SAML Core 3.2.2, SAML Profiles 4.1.4.2). Without a signature
// this only detects mistakes.
func (e Expectation) checkResponse(response *etree.Element, signed bool) error {
	if _, err := e.checkMessage(response); err != nil {
		return err
	}

	switch destination, ok := attribute(response, "Destination"); {
	// SAML Bindings 3.5.5.2
	case !ok && signed:
		return refuse(reasonNoDestination)
	case ok && destination != e.ACS:
		return refuse(reasonDestination)
	}

	if len(childrenNamed(response, nsAssertion, "Issuer")) > 0 && !e.isIssuer(response) {
		return refuse(reasonIssuer)
	}
	if err := e.checkInResponseTo(response); err != nil {
		return err
	}

	return checkStatus(response)
}

// checkMessage validates the attributes common to responses and assertions, and returns the time of issue.
func (e Expectation) checkMessage(el *etree.Element) (issued time.Time, err error) {
	if value(el, "Version") != version {
		return issued, refuse(reasonVersion)
	}
	if !isNCName(value(el, "ID")) {
		return issued, refuse(reasonID)
	}

	issued, err = readInstant(el, "IssueInstant")
	if err != nil || e.hasEnded(issued.Add(e.MaxAge)) || !e.hasBegun(issued) {
		return issued, refuse(reasonIssueInstant)
	}

	return issued, nil
}

// isIssuer reports whether the element has exactly one Issuer, the expected identity provider (SAML Core 2.2.5).
func (e Expectation) isIssuer(el *etree.Element) bool {
	issuer := onlyChild(el, nsAssertion, "Issuer")
	if issuer == nil {
		return false
	}
	if format, ok := attribute(issuer, "Format"); ok && format != entityFormat {
		return false
	}

	name, ok := text(issuer)
	return ok && name != "" && name == e.Provider.EntityID
}

// checkInResponseTo checks the InResponseTo of a response or of a confirmation. A solicited response needs it in
// both, an unsolicited one in neither, so that the response to another user's request passes as neither kind.
func (e Expectation) checkInResponseTo(el *etree.Element) error {
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

// checkStatus requires the status Success.
func checkStatus(response *etree.Element) error {
	status := onlyChild(response, nsProtocol, "Status")
	if status == nil {
		return refuse(reasonStatus)
	}

	code := onlyChild(status, nsProtocol, "StatusCode")
	if code == nil || value(code, "Value") != StatusSuccess {
		return refuse(reasonStatus)
	}

	return nil
}

// checkConditions checks the Conditions of an assertion (SAML Core 2.5.1). An unknown condition makes the assertion
// invalid (2.5.1.1), and every audience restriction must include us (2.5.1.4).
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

// isAudience reports whether an AudienceRestriction includes our entity ID.
func (e Expectation) isAudience(restriction *etree.Element) bool {
	for _, audience := range childrenNamed(restriction, nsAssertion, "Audience") {
		if name, ok := text(audience); ok && name != "" && name == e.EntityID {
			return true
		}
	}
	return false
}

// checkPeriod checks NotBefore and NotOnOrAfter of Conditions. Both are optional.
func (e Expectation) checkPeriod(conditions *etree.Element) error {
	if _, ok := attribute(conditions, "NotBefore"); ok {
		if from, err := readInstant(conditions, "NotBefore"); err != nil || !e.hasBegun(from) {
			return refuse(reasonConditionsTime)
		}
	}

	if _, ok := attribute(conditions, "NotOnOrAfter"); ok {
		if until, err := readInstant(conditions, "NotOnOrAfter"); err != nil || e.hasEnded(until) {
			return refuse(reasonConditionsTime)
		}
	}

	return nil
}

// hasBegun reports whether a period that starts at t has started, if the provider's clock may be ahead by the skew.
func (e Expectation) hasBegun(t time.Time) bool {
	return !e.Now.Add(e.Skew).Before(t)
}

// hasEnded reports whether a period that ends before t is over, even if the provider's clock is behind by the skew.
func (e Expectation) hasEnded(t time.Time) bool {
	return !e.Now.Add(-e.Skew).Before(t)
}

// readInstant reads an attribute of type dateTime. A time zone is required (SAML Core 1.3.3).
func readInstant(el *etree.Element, name string) (time.Time, error) {
	return time.Parse(time.RFC3339, value(el, name))
}
