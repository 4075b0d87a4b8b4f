package saml

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/store"
)

// Answer is what a browser brings from an identity provider.
type Answer struct {
	// Response is the form field SAMLResponse.
	Response   string
	RelayState string
	// Cookies are what the browser keeps of its pending sign-ins.
	Cookies Cookies
}

// SignedIn is what a sign-in comes to.
type SignedIn struct {
	Token session.Token
	// ReturnURL is where the browser takes the Code, in place of a Token; empty if Begin was given none.
	ReturnURL, Code string
	// State is the caller's own, as Begin was given it.
	State string
	// Cookies are those that the browser has to change: that of this sign-in has served its purpose.
	Cookies []CookieChange
}

// attempt is a response on its way through the checks.
type attempt struct {
	Answer
	message []byte
	realm   Realm
	// pending is zero for an answer that was not asked for.
	pending  pending
	done     []CookieChange
	verified protocol.Assertion
	subject  Subject
	profile  Profile
}

// Finish ends a sign-in. It returns the same fault.LoginFailed for every answer that it refuses; the reason is in the
// log and in Refusals. It returns fault.RealmsMissing, ServerBusy if there are too many answers at once,
// and TooManyFailures to an address that sends too many bad answers to realms that take unsolicited ones, or tries too
// many sign-ins again.
//
// The answer is verified before anything is used up, so an invalid one cannot spoil a pending sign-in. Then one
// transaction uses up the sign-in and the assertion and inserts the session: of concurrent requests with the same
// answer, one gets a session.
func (s *Service) Finish(ctx context.Context, answer Answer) (SignedIn, error) {
	if err := s.requireRealms(); err != nil {
		return SignedIn{}, err
	}
	a := attempt{Answer: answer}
	signedIn, err := s.finish(ctx, &a)
	s.countSignIn(err)
	if reason, refused := refusal(err); refused {
		s.recordRefusal(ctx, a, reason)
		return SignedIn{}, failed()
	}
	signedIn.State, signedIn.Cookies = a.pending.State, a.done
	return signedIn, err
}

// countSignIn counts a sign-in. What refuses it is not a fault of its own.
func (s *Service) countSignIn(err error) {
	if _, refused := refusal(err); refused {
		err = failed()
	}
	s.signIns.Count(err)
}

// failed is the one answer to everything that is refused.
func failed() error {
	return fault.New(fault.LoginFailed,
		"the identity provider's answer is not accepted: begin the sign-in again; an administrator can see why")
}

// refusal returns why a sign-in is refused, if that is what an error says.
func refusal(err error) (string, bool) {
	var ours *RefusedError
	var theirs *protocol.Refusal
	switch {
	case errors.As(err, &ours):
		return ours.Reason, true
	case errors.As(err, &theirs):
		return theirs.Reason, true
	}
	return "", false
}

func (s *Service) finish(ctx context.Context, a *attempt) (SignedIn, error) {
	if err := s.authenticate(ctx, a); err != nil {
		return SignedIn{}, err
	}
	if err := a.describe(); err != nil {
		return SignedIn{}, err
	}
	return s.settle(ctx, a)
}

// describe makes a profile of what was verified.
func (a *attempt) describe() error {
	a.subject = Subject{
		NameID: a.verified.NameID, NameIDFormat: a.verified.NameIDFormat, NameQualifier: a.verified.NameQualifier,
		SPNameQualifier: a.verified.SPNameQualifier, Attributes: a.verified.Attributes,
	}
	var err error
	a.profile, err = a.realm.Profile(a.subject)
	return err
}

// Why an answer belongs to no pending sign-in.
const (
	reasonLate    = "the sign-in was begun more than ten minutes ago"
	reasonNoneOur = "no sign-in of this server waits for this answer, or the key-encryption key was rotated since it " +
		"was begun"
)

// authenticate finds out whom an answer is about. Only an answer with a RelayState that this server gave, and with the
// sealed sign-in that belongs to it, is verified: everything else is refused before any of its XML is read, and so
// cannot use up what others behind the same address may do. Answers that were not asked for have a limit of their own.
func (s *Service) authenticate(ctx context.Context, a *attempt) error {
	given, ours := s.tickets.openRelay(a.RelayState)
	switch {
	case !ours:
		return s.verifyUnsolicited(ctx, a)
	case !s.providers.now().Before(given.createdAt.Add(PendingTime)):
		return refuse(reasonLate)
	case given.inCookie && !s.openCookie(a, given):
		return refuse("another browser began the sign-in, or this one did not keep its cookie")
	}
	if err := s.admitAnswer(ctx, a.RelayState); err != nil {
		return err
	}

	read := s.openID
	if given.inCookie {
		read = func(context.Context, *attempt, relay) error { return a.decode() }
	}
	if err := read(ctx, a, given); err != nil {
		return err
	}
	return s.verifyPending(ctx, a)
}

// openCookie looks for the sign-in of the answer among the browser's cookies.
func (s *Service) openCookie(a *attempt, given relay) bool {
	for slot, value := range a.Cookies {
		if p, ok := s.tickets.openCookie(value, a.RelayState, given.returns); ok {
			a.pending, a.done = p, []CookieChange{{Slot: slot}}
			return true
		}
	}
	return false
}

// openID takes the sign-in out of the ID of the request that an answer says it is to.
func (s *Service) openID(ctx context.Context, a *attempt, given relay) error {
	id, err := s.peek(ctx, a)
	if err != nil {
		return err
	}
	var ok bool
	if a.pending, ok = s.tickets.openID(id, a.RelayState, given.returns); !ok {
		return refuse("the RelayState is not that of the request")
	}
	return nil
}

func (a *attempt) decode() (err error) {
	a.message, err = protocol.DecodeResponse(a.Response)
	return err
}

// verifyPending verifies the answer to a sign-in that waits. It chooses the realm, whatever issuer the answer names.
func (s *Service) verifyPending(ctx context.Context, a *attempt) error {
	var err error
	if a.realm, err = s.realm(a.pending.Realm); err != nil {
		return refuse("the sign-in was begun at a realm that is gone")
	}
	if a.realm.BrowserBinding != (a.done != nil) {
		return refuse("the realm's browser_binding was changed since the sign-in was begun")
	}
	if a.pending.Return.URL != "" && !slices.Contains(s.returnURLs, a.pending.Return.URL) {
		return refuse("the sign-in was begun with a return URL that is no longer in sso.return_urls")
	}
	return s.verify(ctx, a)
}

// verifyUnsolicited verifies an answer that this server did not ask for, which is for realms that allow it. An address
// that sends too many bad ones is kept from this, and from nothing else.
func (s *Service) verifyUnsolicited(ctx context.Context, a *attempt) error {
	lax := slices.DeleteFunc(slices.Clone(s.realms), func(r Realm) bool { return !r.AllowIDPInitiated })
	if len(lax) == 0 {
		return refuse(reasonNoneOur)
	}
	if err := s.attempts.CheckAddress(ctx); err != nil {
		return err
	}
	err := s.verifyInitiated(ctx, a, lax)
	if _, refused := refusal(err); refused {
		s.attempts.RecordAddressFailure(ctx)
	}
	return err
}

func (s *Service) verifyInitiated(ctx context.Context, a *attempt, lax []Realm) error {
	switch id, err := s.peek(ctx, a); {
	case err != nil:
		return err
	case id != "":
		return refuse(reasonNoneOur)
	}

	var refused refusals
	for _, realm := range lax {
		a.realm = realm
		provider, err := s.providers.of(ctx, realm)
		if err == nil {
			err = s.verifyBy(ctx, a, provider)
		}
		if err == nil {
			return nil
		}
		refused = append(refused, refusedBy{realm, provider, err})
	}
	// Metadata is fetched again only once no realm accepts the answer: most realms are not those of its issuer.
	for _, each := range refused.unknownKey() {
		a.realm = each.realm
		if s.verifyRenewed(ctx, a, each.tried, each.err) == nil {
			return nil
		}
	}

	var err error
	a.realm, err = refused.settle()
	return err
}

// verify checks an answer against the metadata of the realm's identity provider.
func (s *Service) verify(ctx context.Context, a *attempt) error {
	provider, err := s.providers.of(ctx, a.realm)
	if err != nil {
		return err
	}
	err = s.verifyBy(ctx, a, provider)
	if unknownKey(err) {
		return s.verifyRenewed(ctx, a, provider, err)
	}
	return err
}

// verifyRenewed verifies an answer with an unknown signing key again, if the fetched metadata has other keys.
func (s *Service) verifyRenewed(ctx context.Context, a *attempt, tried protocol.Provider, refused error) error {
	newer, renewed := s.providers.renew(ctx, a.realm, tried)
	if !renewed {
		return refused
	}
	return s.verifyBy(ctx, a, newer)
}

func (s *Service) verifyBy(ctx context.Context, a *attempt, provider protocol.Provider) error {
	e := protocol.Expectation{
		EntityID: a.realm.SP.EntityID, ACS: a.realm.SP.ACS, Provider: provider, RequestID: a.pending.ID,
		AllowUnsolicited: a.pending.ID == "", Skew: a.realm.ClockSkew, NameIDFormat: a.realm.NameIDFormat,
		Now: s.providers.now(),
	}
	e.ForceAuthn, e.RequestedAt, e.AuthnContexts = a.realm.ForceAuthn, a.pending.CreatedAt, a.realm.RequestedAuthnContext
	for _, pair := range a.realm.Encryption {
		e.DecryptionKeys = append(e.DecryptionKeys, pair.Key)
	}
	if err := s.reading.Acquire(ctx); err != nil {
		return err
	}
	defer s.reading.Release()
	var err error
	a.verified, err = protocol.Verify(a.message, e)
	return err
}

// peek decodes an answer, and returns the request that it says it is to.
func (s *Service) peek(ctx context.Context, a *attempt) (string, error) {
	if err := a.decode(); err != nil {
		return "", err
	}
	if err := s.reading.Acquire(ctx); err != nil {
		return "", err
	}
	defer s.reading.Release()
	return protocol.PeekInResponseTo(a.message)
}

// settle uses up what can be used once, and begins the session or issues a code for it: all or nothing.
func (s *Service) settle(ctx context.Context, a *attempt) (SignedIn, error) {
	ctx = a.actor(ctx)
	return store.Write(ctx, s.store, func(tx *store.Tx) (SignedIn, error) {
		u, err := a.accept(ctx, tx)
		if err != nil {
			return SignedIn{}, err
		}
		if a.pending.Return.URL != "" {
			code, err := issueCode(tx, a, u.Name)
			return SignedIn{ReturnURL: a.pending.Return.URL, Code: code}, err
		}
		token, err := s.beginSession(ctx, tx, u.Name, a.known(), a.verified.SessionNotOnOrAfter)
		return SignedIn{Token: token}, err
	})
}

// actor returns a context in which the user of the profile is the actor of what is recorded.
func (a *attempt) actor(ctx context.Context) context.Context {
	origin := audit.OriginOf(ctx)
	origin.Actor = a.profile.Name
	return audit.WithOrigin(ctx, origin)
}

// accept uses up the sign-in and the assertion, and returns the user with the roles of the rules and the mappings.
func (a *attempt) accept(ctx context.Context, tx *store.Tx) (store.User, error) {
	if err := a.use(tx); err != nil {
		return store.User{}, err
	}
	if over(a.verified.SessionNotOnOrAfter, tx.Now) { // the store's clock may be ahead
		return store.User{}, refuse(reasonOver)
	}

	mapped, err := a.realm.mapped(ctx, tx, a.subject, a.profile)
	if err != nil {
		return store.User{}, err
	}
	profile, err := a.realm.admit(a.subject, a.profile, mapped)
	if err != nil {
		return store.User{}, err
	}
	return signIn(ctx, tx, a.realm, profile)
}

const reasonOver = "the session at the identity provider is over"

// over reports whether a session that ends at a time, unless that is zero, is over.
func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// beginSession begins a session of a user that the identity provider identifies, and that ends at the latest at a time,
// unless that is zero.
func (s *Service) beginSession(
	ctx context.Context, tx *store.Tx, userName string, known store.SAMLSession, end time.Time,
) (session.Token, error) {
	begun, token, err := s.sessions.BeginUntil(ctx, tx, userName, end)
	if err != nil {
		return token, err
	}
	return token, recordSession(ctx, tx, begun, known, audit.Details{"realm": known.Realm})
}

// recordSession stores how the identity provider identifies a session that was begun.
func recordSession(
	ctx context.Context, tx *store.Tx, begun store.Session, known store.SAMLSession, details audit.Details,
) error {
	known.SessionID = begun.ID
	if err := tx.SAML.InsertSession(known); err != nil {
		return err
	}
	if err := tx.Users.TouchLogin(begun.UserName); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.SessionStarted, begun.UserName, details)
}

// known returns the identity provider's identification of the session, which has no id yet.
func (a *attempt) known() store.SAMLSession {
	return store.SAMLSession{
		Realm: a.realm.ID, NameID: a.verified.NameID, NameIDFormat: a.verified.NameIDFormat,
		NameQualifier: a.verified.NameQualifier, SPNameQualifier: a.verified.SPNameQualifier,
		SessionIndex: a.verified.SessionIndex,
	}
}
