package saml

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/store"
)

// LogoutURL returns where a browser ends the session that the identity provider of the principal's session keeps; empty
// if there is none, or the realm does not ask for it. It is asked before the session ends here.
func (s *Service) LogoutURL(ctx context.Context, p identity.Principal) (string, error) {
	if p.Method != identity.Session || p.SAMLRealm == "" {
		return "", nil
	}
	known, err := store.Read(ctx, s.store,
		func(tx *store.Tx) (store.SAMLSession, error) { return tx.SAML.Session(p.SessionID) })
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	request, err := s.logoutOf(ctx, known)
	return request.URL, err
}

// LogoutRequest is a request to an identity provider to end a session; the zero value if there is none to send.
type LogoutRequest struct{ ID, URL string }

func (s *Service) logoutOf(ctx context.Context, known store.SAMLSession) (LogoutRequest, error) {
	realm, err := s.realm(known.Realm)
	if err != nil || !realm.IDP.UseSingleLogout || realm.Signing == nil {
		return LogoutRequest{}, nil //nolint:nilerr // a realm that is gone has nothing to end
	}
	provider, err := s.providers.of(ctx, realm)
	if err != nil || provider.SLOURL == "" {
		return LogoutRequest{}, err
	}
	request := protocol.LogoutRequest{
		ID:           protocol.NewID(s.store.Random()),
		IssueInstant: s.store.Now(),
		Issuer:       realm.SP.EntityID,
		Destination:  provider.SLOURL,
		NameID:       nameOf(known),
	}
	if known.SessionIndex != "" {
		request.SessionIndexes = []string{known.SessionIndex}
	}
	address, err := request.RedirectURL(realm.Signing.Key)
	return LogoutRequest{request.ID, address}, err
}

// Logout ends the session of an access token, and returns the request with which a browser ends it at the identity
// provider, too. A refresh token is the session's, and ends with it. Logout returns fault.InvalidData for a token that
// is not valid, or not of a SAML realm, and for a refresh token of another session.
func (s *Service) Logout(ctx context.Context, token, refresh string) (LogoutRequest, error) {
	tokenID, err := s.sessions.Identify(ctx, token)
	if err != nil {
		return LogoutRequest{}, err
	}
	known, err := store.Write(ctx, s.store, func(tx *store.Tx) (store.SAMLSession, error) {
		return s.endToken(ctx, tx, tokenID, refresh)
	})
	if err != nil {
		return LogoutRequest{}, err
	}
	return s.logoutOf(ctx, known)
}

func (s *Service) endToken(ctx context.Context, tx *store.Tx, tokenID, refresh string) (store.SAMLSession, error) {
	live, found, err := s.sessions.Find(tx, tokenID)
	if err != nil {
		return store.SAMLSession{}, err
	}
	if tokenID == "" || !found {
		return store.SAMLSession{}, fault.New(fault.InvalidData, "the token is not valid, or no longer", "token")
	}
	known, err := tx.SAML.Session(live.ID)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.New(fault.InvalidData, "the token is not of a user of a SAML realm", "token")
	}
	if err != nil {
		return store.SAMLSession{}, err
	}

	if refresh != "" {
		other, found, err := s.sessions.FindRefresh(tx, refresh)
		if err != nil {
			return store.SAMLSession{}, err
		}
		if found && other.ID != live.ID {
			return store.SAMLSession{}, fault.New(fault.InvalidData, "the refresh token is of another session",
				"refresh_token")
		}
	}
	if _, err := s.sessions.End(tx, live.ID); err != nil {
		return store.SAMLSession{}, err
	}
	return known, audit.Record(ctx, tx, audit.SessionEnded, live.UserName, audit.Details{"realm": known.Realm})
}

func nameOf(s store.SAMLSession) protocol.NameID {
	return protocol.NameID{
		Value: s.NameID, Format: s.NameIDFormat, NameQualifier: s.NameQualifier, SPNameQualifier: s.SPNameQualifier,
	}
}

// SingleLogout ends sessions because an identity provider says so, in the raw query of its redirect, and returns where
// the browser takes the answer. It returns fault.LoginFailed for every request that it refuses. Addresses have no limit
// here: any page can make a browser send junk, and that must not keep the logouts of others behind its address from
// working. What bounds the work is that few are verified at once, and that nothing is inflated before a signature
// holds.
func (s *Service) SingleLogout(ctx context.Context, rawQuery string) (string, error) {
	takers := slices.DeleteFunc(slices.Clone(s.realms),
		func(r Realm) bool { return r.SP.Logout == "" || r.Signing == nil })
	ended, err := s.endAsAsked(ctx, rawQuery, takers)
	return ended.URL, err
}

// Ended is what a logout that an identity provider asked for comes to.
type Ended struct {
	// Realm is the id of the realm that had the sessions.
	Realm string
	// Sessions is their number, with those that wait for a code.
	Sessions int
	// URL is where the browser takes the answer.
	URL string
}

// Invalidate is SingleLogout for one realm, with the query that a caller got from a browser.
func (s *Service) Invalidate(ctx context.Context, sel Selection, rawQuery string) (Ended, error) {
	realm, err := s.selected(sel)
	if err != nil {
		return Ended{}, err
	}
	if realm.SP.Logout == "" || realm.Signing == nil {
		return Ended{}, fault.New(fault.InvalidData, "the realm has no address for logouts, or no key to sign with", "realm")
	}
	return s.endAsAsked(ctx, rawQuery, []Realm{realm})
}

func (s *Service) endAsAsked(ctx context.Context, rawQuery string, takers []Realm) (Ended, error) {
	var a attempt
	ended, err := s.singleLogout(ctx, rawQuery, &a, takers)
	if reason, refused := refusal(err); refused {
		s.recordRefusal(ctx, a, "logout: "+reason)
		return Ended{}, failed()
	}
	return ended, err
}

// asked is a logout that an identity provider asks a realm for.
type asked struct {
	realm    Realm
	provider protocol.Provider
	request  protocol.LogoutRequest
}

// singleLogout accepts a request for every taker that it is valid for, because realms may share an identity provider. A
// realm without metadata of its provider does not keep it from the others.
func (s *Service) singleLogout(ctx context.Context, rawQuery string, a *attempt, takers []Realm) (Ended, error) {
	if len(takers) == 0 {
		return Ended{}, refuse("no realm takes logouts")
	}
	all, refused := s.verifyLogouts(ctx, takers, rawQuery)
	if len(all) == 0 {
		var err error
		a.realm, err = refused.settle()
		return Ended{}, err
	}
	a.realm = all[0].realm
	return s.endSessions(ctx, all)
}

// verifyLogouts returns the realms that a request holds for, and why it does not hold for the others. Metadata is
// fetched again only if it holds for none: most realms are not those of its issuer.
func (s *Service) verifyLogouts(ctx context.Context, takers []Realm, rawQuery string) ([]asked, refusals) {
	var all []asked
	var refused refusals
	for _, realm := range takers {
		provider, err := s.providers.of(ctx, realm)
		a := asked{realm: realm, provider: provider}
		if err == nil {
			err = s.verifyLogout(ctx, &a, rawQuery)
		}
		if err != nil {
			refused = append(refused, refusedBy{realm, provider, err})
			continue
		}
		all = append(all, a)
	}
	if len(all) > 0 {
		return all, nil
	}

	for _, each := range refused.unknownKey() {
		newer, renewed := s.providers.renew(ctx, each.realm, each.tried)
		a := asked{realm: each.realm, provider: newer}
		if renewed && s.verifyLogout(ctx, &a, rawQuery) == nil {
			all = append(all, a)
		}
	}
	return all, refused
}

func (s *Service) verifyLogout(ctx context.Context, a *asked, rawQuery string) error {
	if err := s.reading.Acquire(ctx); err != nil {
		return err
	}
	defer s.reading.Release()
	var err error
	a.request, err = protocol.VerifyLogoutRequest(rawQuery, protocol.LogoutExpectation{
		Destination: a.realm.SP.Logout, Provider: a.provider, Skew: a.realm.ClockSkew, Now: s.providers.now(),
	})
	return err
}

// endSessions ends the sessions that a request names, once, and answers as the realm that had one.
func (s *Service) endSessions(ctx context.Context, all []asked) (Ended, error) {
	type outcome struct {
		answers  asked
		sessions int
	}
	r := all[0].request
	ended, err := store.Write(ctx, s.store, func(tx *store.Tx) (outcome, error) {
		o := outcome{answers: all[0]}
		if first, err := useOnce(tx, r.Issuer, r.ID, r.ReplayableUntil); err != nil || !first {
			return o, cmp.Or(err, refuse("the logout was asked for before"))
		}
		for _, a := range slices.Backward(all) {
			ended, err := s.endIn(ctx, tx, a)
			if err != nil {
				return o, err
			}
			if ended > 0 {
				o.answers = a
			}
			o.sessions += ended
		}
		return o, nil
	})
	if err != nil {
		return Ended{}, err
	}
	realm := ended.answers.realm
	response := protocol.LogoutResponse{
		ID: protocol.NewID(s.store.Random()), InResponseTo: r.ID, Issuer: realm.SP.EntityID,
		Destination:  ended.answers.provider.SLOResponseURL,
		IssueInstant: s.store.Now(), RelayState: r.RelayState,
	}
	address, err := response.RedirectURL(realm.Signing.Key)
	return Ended{realm.ID, ended.sessions, address}, err
}

// endIn ends a realm's sessions that a request names, and those that wait for a code, and returns their number.
func (s *Service) endIn(ctx context.Context, tx *store.Tx, a asked) (int, error) {
	sessions, err := tx.SAML.Sessions(a.realm.ID, a.request.NameID.Value)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, each := range sessions {
		if !means(a.request, each) {
			continue
		}
		if err := s.end(ctx, tx, each); err != nil {
			return 0, err
		}
		ended++
	}

	codes, err := tx.SAML.Codes(a.realm.ID, a.request.NameID.Value)
	if err != nil {
		return 0, err
	}
	for _, code := range codes {
		if !means(a.request, code.Known) {
			continue
		}
		if _, err := tx.SAML.ConsumeCode(code.Digest); err != nil {
			return 0, err
		}
		ended++
	}
	return ended, nil
}

// means reports whether a logout includes a session: it has the same NameID, and names this session or none.
func means(r protocol.LogoutRequest, s store.SAMLSession) bool {
	return r.NameID == nameOf(s) && (len(r.SessionIndexes) == 0 || slices.Contains(r.SessionIndexes, s.SessionIndex))
}

func (s *Service) end(ctx context.Context, tx *store.Tx, known store.SAMLSession) error {
	begun, owner, err := tx.Sessions.Find(known.SessionID)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it has expired, and was not swept yet
	}
	if err != nil {
		return err
	}
	if _, err := s.sessions.End(tx, begun.ID); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.SessionEnded, owner.Name,
		audit.Details{"realm": known.Realm, "by": "identity provider"})
}
