package protocol

import (
	"slices"
	"time"

	"github.com/beevik/etree"
)

// Assertion is the content of a verified assertion.
type Assertion struct {
	// ID and Issuer together identify the assertion, which may be used only once.
	ID, Issuer string
	// NameID identifies the user. It is not empty and has no control characters and no surrounding white space.
	NameID string
	// NameIDFormat, NameQualifier and SPNameQualifier qualify NameID. They may be empty.
	NameIDFormat, NameQualifier, SPNameQualifier string
	// SessionIndex identifies the session at the identity provider, for single logout. It may be empty.
	SessionIndex string
	// SessionNotOnOrAfter is the latest end of the session, later than Now. It is zero if the identity provider sets
	// none.
	SessionNotOnOrAfter time.Time
	// AuthnInstant is the time at which the user authenticated.
	AuthnInstant time.Time
	// ExpiresAt is the time from which Verify refuses the assertion in any case. Its use must be recorded until then.
	ExpiresAt time.Time
	// OneTimeUse forbids keeping anything of the assertion for a later login (SAML Core 2.5.1.5).
	OneTimeUse bool
	// Attributes maps attribute names to their text values. Values that are not text are left out.
	Attributes map[string][]string
}

// readAssertion validates the content of an authenticated Assertion element and returns it.
func (e Expectation) readAssertion(el *etree.Element) (Assertion, error) {
	issued, err := e.checkMessage(el)
	if err != nil {
		return Assertion{}, err
	}
	if !e.isIssuer(el) {
		return Assertion{}, refuse(reasonIssuer)
	}

	a := Assertion{ID: value(el, "ID"), Issuer: e.Provider.EntityID, ExpiresAt: issued.Add(e.MaxAge + e.Skew)}
	subject, conditions := onlyChild(el, nsAssertion, "Subject"), onlyChild(el, nsAssertion, "Conditions")
	if subject == nil {
		return Assertion{}, refuse(reasonSubject)
	}
	if conditions == nil {
		return Assertion{}, refuse(reasonConditions)
	}
	if err := e.readSubject(subject, &a); err != nil {
		return Assertion{}, err
	}
	if err := e.checkConditions(conditions); err != nil {
		return Assertion{}, err
	}

	a.OneTimeUse = len(childrenNamed(conditions, nsAssertion, "OneTimeUse")) > 0
	if err := e.readAuthentication(el, &a); err != nil {
		return Assertion{}, err
	}

	a.Attributes, err = readAttributes(el)
	return a, err
}

// readAuthentication reads the AuthnStatement (SAML Core 2.7.2).
func (e Expectation) readAuthentication(el *etree.Element, a *Assertion) error {
	statement := onlyChild(el, nsAssertion, "AuthnStatement")
	if statement == nil {
		return refuse(reasonAuthnStatement)
	}

	var err error
	a.AuthnInstant, err = readInstant(statement, "AuthnInstant")
	if err != nil || !e.hasBegun(a.AuthnInstant) {
		return refuse(reasonAuthnInstant)
	}
	if err := e.checkAuthentication(statement, a.AuthnInstant); err != nil {
		return err
	}

	a.SessionIndex = value(statement, "SessionIndex")
	if _, ok := attribute(statement, "SessionNotOnOrAfter"); !ok {
		return nil
	}

	a.SessionNotOnOrAfter, err = readInstant(statement, "SessionNotOnOrAfter")
	// No skew is allowed: our session ends at this time by our own clock.
	if err != nil || !e.Now.Before(a.SessionNotOnOrAfter) {
		return refuse(reasonSessionExpired)
	}

	return nil
}

// checkAuthentication checks that the user authenticated as requested. With ForceAuthn that is after the request,
// since an identity provider may ignore the flag (SAML Core 3.4.1). With AuthnContexts it is in one of the requested
// classes: the comparison is exact unless the request says otherwise (SAML Core 3.3.2.2.1).
func (e Expectation) checkAuthentication(statement *etree.Element, at time.Time) error {
	if e.ForceAuthn && e.RequestID == "" {
		return refuse(reasonForcedUnsolicited)
	}
	// The request carries its time in whole seconds.
	if e.ForceAuthn && at.Before(e.RequestedAt.Truncate(time.Second).Add(-e.Skew)) {
		return refuse(reasonAuthnOld)
	}
	if len(e.AuthnContexts) == 0 {
		return nil
	}

	class := ""
	if authnContext := onlyChild(statement, nsAssertion, "AuthnContext"); authnContext != nil {
		if ref := onlyChild(authnContext, nsAssertion, "AuthnContextClassRef"); ref != nil {
			class, _ = text(ref)
		}
	}

	if !slices.Contains(e.AuthnContexts, class) {
		return refuse(reasonAuthnContext)
	}

	return nil
}

// readAttributes collects the attributes of all statements (SAML Core 2.7.3). Encrypted attributes are left out.
func readAttributes(el *etree.Element) (map[string][]string, error) {
	found := map[string][]string{}
	for _, statement := range childrenNamed(el, nsAssertion, "AttributeStatement") {
		for _, child := range childrenNamed(statement, nsAssertion, "Attribute") {
			name := value(child, "Name")
			if name == "" {
				return nil, refuse(reasonAttribute)
			}
			found[name] = append(found[name], attributeTexts(child)...)
		}
	}

	return found, nil
}

// attributeTexts returns the text values of an attribute.
func attributeTexts(el *etree.Element) []string {
	var texts []string
	for _, child := range childrenNamed(el, nsAssertion, "AttributeValue") {
		if text, ok := text(child); ok {
			texts = append(texts, text)
		}
	}

	return texts
}
