package protocol

import (
	"slices"
	"time"

	"github.com/beevik/etree"
)

// Assertion is what a verified response says.
type Assertion struct {
	// ID and Issuer together are used once only.
	ID, Issuer string
	// NameID is who has signed in. It is not empty and has no control characters and no white space around it.
	NameID string
	// NameIDFormat, NameQualifier and SPNameQualifier say how to understand NameID. They may be empty.
	NameIDFormat, NameQualifier, SPNameQualifier string
	// SessionIndex is the session at the identity provider, for single logout. It may be empty.
	SessionIndex string
	// SessionNotOnOrAfter is when the session has to end, after Now. Zero: the identity provider does not say.
	SessionNotOnOrAfter time.Time
	// AuthnInstant is when the user proved who they are.
	AuthnInstant time.Time
	// ExpiresAt is from when on Verify refuses the assertion in any case, so that it has to be remembered until then.
	ExpiresAt time.Time
	// OneTimeUse tells that nothing of the assertion may be kept for a later login (SAML Core 2.5.1.5).
	OneTimeUse bool
	// Attributes are the texts of the attributes, by the attributes' names. Values that are not text are left out.
	Attributes map[string][]string
}

// readAssertion checks what a signed assertion says, and returns it.
func (e Expectation) readAssertion(el *etree.Element) (Assertion, error) {
	issued, err := e.checkMessage(el)
	if err != nil {
		return Assertion{}, err
	}
	if !e.isIssuer(el) {
		return Assertion{}, refuse(reasonIssuer)
	}
	a := Assertion{ID: value(el, "ID"), Issuer: e.Provider.EntityID, ExpiresAt: issued.Add(e.MaxAge + e.Skew)}
	subject, conditions := one(el, nsAssertion, "Subject"), one(el, nsAssertion, "Conditions")
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
	a.OneTimeUse = len(all(conditions, nsAssertion, "OneTimeUse")) > 0
	if err := e.readAuthentication(el, &a); err != nil {
		return Assertion{}, err
	}
	a.Attributes, err = readAttributes(el)
	return a, err
}

// readAuthentication reads the AuthnStatement (SAML Core 2.7.2).
func (e Expectation) readAuthentication(el *etree.Element, a *Assertion) error {
	statement := one(el, nsAssertion, "AuthnStatement")
	if statement == nil {
		return refuse(reasonAuthnStatement)
	}
	var err error
	a.AuthnInstant, err = instant(statement, "AuthnInstant")
	if err != nil || !e.begun(a.AuthnInstant) {
		return refuse(reasonAuthnInstant)
	}
	if err := e.checkAuthentication(statement, a.AuthnInstant); err != nil {
		return err
	}
	a.SessionIndex = value(statement, "SessionIndex")
	if _, ok := attribute(statement, "SessionNotOnOrAfter"); !ok {
		return nil
	}
	a.SessionNotOnOrAfter, err = instant(statement, "SessionNotOnOrAfter")
	if err != nil || !e.Now.Before(a.SessionNotOnOrAfter) { // by our clock, as our session would end by it
		return refuse(reasonSessionExpired)
	}
	return nil
}

// checkAuthentication checks that the user authenticated as the request asked: after it if the realm forces that, since an
// identity provider may ignore ForceAuthn (SAML Core 3.4.1), and in one of the requested classes (3.3.2.2.1, where the
// comparison is exact unless the request says otherwise).
func (e Expectation) checkAuthentication(statement *etree.Element, at time.Time) error {
	if e.ForceAuthn && e.RequestID == "" {
		return refuse(reasonForcedUnsolicited)
	}
	if e.ForceAuthn && at.Before(e.RequestedAt.Truncate(time.Second).Add(-e.Skew)) { // the request has its time in seconds
		return refuse(reasonAuthnOld)
	}
	if len(e.AuthnContexts) == 0 {
		return nil
	}
	class := ""
	if authnContext := one(statement, nsAssertion, "AuthnContext"); authnContext != nil {
		if ref := one(authnContext, nsAssertion, "AuthnContextClassRef"); ref != nil {
			class, _ = text(ref)
		}
	}
	if !slices.Contains(e.AuthnContexts, class) {
		return refuse(reasonAuthnContext)
	}
	return nil
}

// readAttributes collects the attributes of all statements (SAML Core 2.7.3). Those that are encrypted are left out.
func readAttributes(el *etree.Element) (map[string][]string, error) {
	found := map[string][]string{}
	for _, statement := range all(el, nsAssertion, "AttributeStatement") {
		for _, child := range all(statement, nsAssertion, "Attribute") {
			name := value(child, "Name")
			if name == "" {
				return nil, refuse(reasonAttribute)
			}
			found[name] = append(found[name], attributeTexts(child)...)
		}
	}
	return found, nil
}

func attributeTexts(el *etree.Element) []string {
	var texts []string
	for _, child := range all(el, nsAssertion, "AttributeValue") {
		if text, ok := text(child); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
