package saml

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Selection names a realm, by its id, the address of its consumer service, or both.
type Selection struct{ Realm, ACS string }

// selected returns the one realm that is selected. It returns fault.RealmsMissing, fault.StoreMissing, RealmNotFound,
// or InvalidData if nothing is selected or several realms have the address.
func (s *Service) selected(sel Selection) (Realm, error) {
	if err := s.requireRealms(); err != nil {
		return Realm{}, err
	}
	if sel == (Selection{}) {
		return Realm{}, fault.New(fault.InvalidData, "one of [realm] and [acs] must be given", "realm", "acs")
	}
	found := slices.DeleteFunc(slices.Clone(s.realms), func(r Realm) bool {
		return sel.Realm != "" && r.ID != sel.Realm || sel.ACS != "" && r.SP.ACS != sel.ACS
	})
	switch len(found) {
	case 0:
		return Realm{}, fault.New(fault.RealmNotFound, "there is no such SAML realm, or it is not enabled", "realm", "acs")
	case 1:
		return found[0], nil
	}
	return Realm{}, fault.New(fault.InvalidData, "several SAML realms have this [acs]: name one in [realm]", "acs")
}

// Prepared is a sign-in that waits for a caller to bring its answer.
type Prepared struct{ ID, Realm, URL string }

// Prepare begins a sign-in of which the caller brings the answer to Authenticate, in place of a browser. The relay
// state is the caller's own, of at most 1 KiB, and is not looked at again. Prepare writes nothing to the store. It
// returns the errors of Begin.
func (s *Service) Prepare(ctx context.Context, sel Selection, relayState string) (Prepared, error) {
	realm, err := s.selected(sel)
	if err != nil {
		return Prepared{}, err
	}
	if len(relayState) > maxState {
		return Prepared{}, fault.New(fault.InvalidData,
			fmt.Sprintf("the relay state has more than %d bytes", maxState), "relay_state")
	}
	provider, err := s.admitSignIn(ctx, realm)
	if err != nil {
		return Prepared{}, err
	}

	now := s.providers.now()
	id := s.tickets.sealPrepared(pending{Realm: realm.ID, CreatedAt: now})
	address, err := request(realm, provider, id, relayState, now)
	return Prepared{id, realm.ID, address}, err
}

// Brought is an answer of an identity provider that a caller brings.
type Brought struct {
	// Response is in base64, as an identity provider sends it.
	Response string
	// IDs are those of Prepare that the caller waits for. The answer must be to one of them, or to none if the realm
	// allows unsolicited answers.
	IDs []string
	// Realm is the id of the realm that the answer must be for; empty for any.
	Realm string
}

// Granted is what a brought answer comes to.
type Granted struct {
	Tokens    session.Grant
	ExpiresIn time.Duration
	User      store.User
}

// Authenticate is Finish for an answer to a sign-in of Prepare. It begins a session with a refresh token, on the user's
// behalf: the caller gets the tokens, so keys that are made with them must not gain by a promotion of the user. The
// answer to a browser's sign-in is refused, as Finish refuses those to sign-ins of Prepare.
func (s *Service) Authenticate(ctx context.Context, brought Brought) (Granted, error) {
	if err := s.requireRealms(); err != nil {
		return Granted{}, err
	}
	a := attempt{Answer: Answer{Response: brought.Response}}
	granted, err := s.grant(ctx, &a, brought)
	s.countSignIn(err)
	if reason, refused := refusal(err); refused {
		s.recordRefusal(ctx, a, "authenticate: "+reason)
		return Granted{}, failed()
	}
	return granted, err
}

func (s *Service) grant(ctx context.Context, a *attempt, brought Brought) (Granted, error) {
	if err := s.verifyBrought(ctx, a, brought.IDs); err != nil {
		return Granted{}, err
	}
	if brought.Realm != "" && brought.Realm != a.realm.ID {
		return Granted{}, refuse("the answer is for another realm than the caller names")
	}
	if err := a.describe(); err != nil {
		return Granted{}, err
	}

	ctx = a.actor(ctx)
	return store.Write(ctx, s.store, func(tx *store.Tx) (Granted, error) {
		u, err := a.accept(ctx, tx)
		if err != nil {
			return Granted{}, err
		}
		begun, tokens, err := s.sessions.BeginOnBehalf(ctx, tx, u.Name, a.verified.SessionNotOnOrAfter)
		if err != nil {
			return Granted{}, err
		}
		details := audit.Details{"realm": a.realm.ID, "grant": "saml"}
		return Granted{tokens, tokens.Token.ExpiresAt.Sub(tx.Now), u}, recordSession(ctx, tx, begun, a.known(), details)
	})
}

// verifyBrought verifies an answer to one of the sign-ins that a caller waits for.
func (s *Service) verifyBrought(ctx context.Context, a *attempt, ids []string) error {
	id, err := s.peek(ctx, a)
	if err != nil {
		return err
	}
	if id == "" {
		return s.verifyUnsolicited(ctx, a)
	}

	waiting, ours := s.tickets.openPrepared(id)
	switch {
	case !ours:
		return refuse(reasonNoneOur)
	case !slices.Contains(ids, id):
		return refuse("the answer is to a sign-in that the caller does not wait for")
	case !s.providers.now().Before(waiting.expiresAt()):
		return refuse(reasonLate)
	}
	if err := s.admitAnswer(ctx, id); err != nil {
		return err
	}

	a.pending = waiting
	if a.realm, err = s.realm(waiting.Realm); err != nil {
		return refuse("the sign-in was begun at a realm that is gone")
	}
	return s.verify(ctx, a)
}
