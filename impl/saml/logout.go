package saml

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
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
	realm, err := s.realm(known.Realm)
	if err != nil || !realm.IDP.UseSingleLogout || realm.Signing == nil {
		return "", nil //nolint:nilerr // a realm that is gone has nothing to end
	}
	provider, err := s.providers.of(ctx, realm)
	if err != nil || provider.SLOURL == "" {
		return "", err
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
	return request.RedirectURL(realm.Signing.Key)
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
	var a attempt
	answer, err := s.singleLogout(ctx, rawQuery, &a)
	if reason, refused := refusal(err); refused {
		s.recordRefusal(ctx, a, "logout: "+reason)
		return "", failed()
	}
	return answer, err
}

// asked is a logout that an identity provider asks a realm for.
type asked struct {
	realm    Realm
	provider protocol.Provider
	request  protocol.LogoutRequest
}

// singleLogout accepts a request for every realm that it is valid for, because realms may share an identity provider. A
// realm without metadata of its provider does not keep it from the others.
func (s *Service) singleLogout(ctx context.Context, rawQuery string, a *attempt) (string, error) {
	takers := slices.DeleteFunc(slices.Clone(s.realms),
		func(r Realm) bool { return r.SP.Logout == "" || r.Signing == nil })
	if len(takers) == 0 {
		return "", refuse("no realm takes logouts")
	}
	all, refused := s.verifyLogouts(ctx, takers, rawQuery)
	if len(all) == 0 {
		var err error
		a.realm, err = refused.settle()
		return "", err
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
func (s *Service) endSessions(ctx context.Context, all []asked) (string, error) {
	r := all[0].request
	answers, err := store.Write(ctx, s.store, func(tx *store.Tx) (asked, error) {
		answers := all[0]
		if first, err := useOnce(tx, r.Issuer, r.ID, r.ReplayableUntil); err != nil || !first {
			return answers, cmp.Or(err, refuse("the logout was asked for before"))
		}
		for _, a := range slices.Backward(all) {
			ended, err := s.endIn(ctx, tx, a)
			if err != nil {
				return answers, err
			}
			if ended {
				answers = a
			}
		}
		return answers, nil
	})
	if err != nil {
		return "", err
	}
	response := protocol.LogoutResponse{
		ID: protocol.NewID(s.store.Random()), InResponseTo: r.ID, Issuer: answers.realm.SP.EntityID,
		Destination:  answers.provider.SLOResponseURL,
		IssueInstant: s.store.Now(), RelayState: r.RelayState,
	}
	return response.RedirectURL(answers.realm.Signing.Key)
}

// endIn ends a realm's sessions that a request names, and those that wait for a code, and reports whether there was
// one.
func (s *Service) endIn(ctx context.Context, tx *store.Tx, a asked) (bool, error) {
	sessions, err := tx.SAML.Sessions(a.realm.ID, a.request.NameID.Value)
	if err != nil {
		return false, err
	}
	ended := false
	for _, each := range sessions {
		if !means(a.request, each) {
			continue
		}
		if err := s.end(ctx, tx, each); err != nil {
			return false, err
		}
		ended = true
	}

	codes, err := tx.SAML.Codes(a.realm.ID, a.request.NameID.Value)
	if err != nil {
		return false, err
	}
	for _, code := range codes {
		if !means(a.request, code.Known) {
			continue
		}
		if _, err := tx.SAML.ConsumeCode(code.Digest); err != nil {
			return false, err
		}
		ended = true
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
