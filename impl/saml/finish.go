package saml

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/session"
	"github.com/sallyport/sallyport/impl/store"
)

// Answer is what a browser brings from an identity provider.
type Answer struct {
	// Response is the form field SAMLResponse.
	Response   string
	RelayState string
	// Browser is what Redirect had.
	Browser string
}

// SignedIn is what a sign-in comes to.
type SignedIn struct {
	Token session.Token
	// State is the caller's own, as Begin was given it.
	State string
	// Bound tells whether the browser was bound, and can forget that now.
	Bound bool
}

// attempt is a response on its way through the checks.
type attempt struct {
	Answer
	message  []byte
	realm    Realm
	pending  store.SAMLRequest
	verified protocol.Assertion
	profile  Profile
}

// Finish ends a sign-in. Whatever is wrong with the answer, it returns the same fault.LoginFailed; why, is in the log and in
// Refusals. It returns fault.TooManyFailures to an address that is refused too often, and fault.ServerBusy if there are too
// many answers at once.
//
// What is verified is verified before anything is used up, so junk cannot spoil a sign-in that waits. Then the sign-in, the
// assertion and the session are settled in one transaction: of many who bring the same answer, one gets a session.
func (s *Service) Finish(ctx context.Context, answer Answer) (SignedIn, error) {
	if err := s.store.Require(); err != nil {
		return SignedIn{}, err
	}
	if err := s.guard.Admit(ctx); err != nil {
		return SignedIn{}, err
	}
	a := attempt{Answer: answer}
	token, err := s.finish(ctx, &a)
	if reason, refused := refusal(err); refused {
		s.guard.Blame(ctx)
		s.remember(ctx, a, reason)
		return SignedIn{}, failed()
	}
	return SignedIn{Token: token, State: a.pending.State, Bound: a.pending.BrowserDigest != ""}, err
}

// failed is the one answer to everything that is refused.
func failed() error {
	return fault.New(fault.LoginFailed, "the identity provider's answer is not accepted; an administrator can see why")
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

func (s *Service) finish(ctx context.Context, a *attempt) (session.Token, error) {
	var err error
	if a.message, err = protocol.DecodeResponse(a.Response); err != nil {
		return session.Token{}, err
	}
	id, err := s.peek(ctx, a.message)
	if err != nil {
		return session.Token{}, err
	}
	if id == "" {
		err = s.verifyUnsolicited(ctx, a)
	} else {
		err = s.verifyPending(ctx, a, id)
	}
	if err != nil {
		return session.Token{}, err
	}
	a.profile, err = a.realm.Profile(Subject{
		NameID: a.verified.NameID, NameIDFormat: a.verified.NameIDFormat, NameQualifier: a.verified.NameQualifier,
		SPNameQualifier: a.verified.SPNameQualifier, Attributes: a.verified.Attributes,
	})
	if err != nil {
		return session.Token{}, err
	}
	return s.settle(ctx, a)
}

// verifyPending verifies the answer to a sign-in that waits. It chooses the realm, whoever the answer says it is from.
func (s *Service) verifyPending(ctx context.Context, a *attempt, id string) error {
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		a.pending, err = tx.SAMLRequest(id)
		if errors.Is(err, store.ErrNotFound) {
			return refuse("no sign-in waits for this answer, or no longer")
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.realm, err = s.realm(a.pending.Realm); err != nil {
		return refuse("the sign-in was begun at a realm that is gone")
	}
	if !secret.Equal(secret.Digest(a.RelayState), a.pending.RelayDigest) {
		return refuse("the RelayState is not that of the request")
	}
	if a.pending.BrowserDigest != "" && !secret.Equal(secret.Digest(a.Browser), a.pending.BrowserDigest) {
		return refuse("another browser began the sign-in")
	}
	return s.verify(ctx, a)
}

// verifyUnsolicited verifies an answer that nobody asked for, which is for realms that allow it.
func (s *Service) verifyUnsolicited(ctx context.Context, a *attempt) error {
	err := refuse("nobody asked for this answer")
	for _, realm := range s.realms {
		if !realm.AllowIDPInitiated {
			continue
		}
		a.realm = realm
		if err = s.verify(ctx, a); err == nil {
			return nil
		}
	}
	return err
}

func (s *Service) verify(ctx context.Context, a *attempt) error {
	provider, err := s.providers.of(ctx, a.realm)
	if err != nil {
		return err
	}
	e := protocol.Expectation{
		EntityID: a.realm.SP.EntityID, ACS: a.realm.SP.ACS, Provider: provider, RequestID: a.pending.ID,
		AllowUnsolicited: a.pending.ID == "", Skew: a.realm.ClockSkew, NameIDFormat: a.realm.NameIDFormat, Now: s.providers.now(),
	}
	e.ForceAuthn, e.RequestedAt, e.AuthnContexts = a.realm.ForceAuthn, a.pending.CreatedAt, a.realm.RequestedAuthnContext
	for _, pair := range a.realm.Encryption {
		e.DecryptionKeys = append(e.DecryptionKeys, pair.Key)
	}
	if err := s.reading.Acquire(ctx); err != nil {
		return err
	}
	defer s.reading.Release()
	a.verified, err = protocol.Verify(a.message, e)
	return err
}

// peek returns the request that a response says it answers.
func (s *Service) peek(ctx context.Context, message []byte) (string, error) {
	if err := s.reading.Acquire(ctx); err != nil {
		return "", err
	}
	defer s.reading.Release()
	return protocol.PeekInResponseTo(message)
}

// settle uses up what can be used once, and begins the session: all or nothing.
func (s *Service) settle(ctx context.Context, a *attempt) (session.Token, error) {
	origin := audit.OriginOf(ctx)
	origin.Actor = a.profile.Name
	ctx = audit.WithOrigin(ctx, origin)
	var token session.Token
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := a.use(tx); err != nil {
			return err
		}
		if end := a.verified.SessionNotOnOrAfter; !end.IsZero() && !tx.Now.Before(end) { // the store's clock may be ahead
			return refuse("the session at the identity provider is over")
		}
		u, err := signIn(ctx, tx, a.realm, a.profile)
		if err != nil {
			return err
		}
		begun, issued, err := s.sessions.BeginUntil(ctx, tx, u.Name, a.verified.SessionNotOnOrAfter)
		if err != nil {
			return err
		}
		token = issued
		if err := tx.InsertSAMLSession(a.session(begun.ID)); err != nil {
			return err
		}
		if err := tx.TouchLogin(u.Name); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SessionStarted, u.Name, audit.Details{"realm": a.realm.ID})
	})
	return token, err
}

func (a *attempt) session(id string) store.SAMLSession {
	return store.SAMLSession{
		SessionID: id, Realm: a.realm.ID, NameID: a.verified.NameID, NameIDFormat: a.verified.NameIDFormat,
		NameQualifier: a.verified.NameQualifier, SPNameQualifier: a.verified.SPNameQualifier, SessionIndex: a.verified.SessionIndex,
	}
}
