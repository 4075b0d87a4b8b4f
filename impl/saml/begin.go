package saml

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// Redirect is where a browser goes next.
type Redirect struct {
	URL string
	// Cookies are those that the browser has to change; none if the realm does not bind browsers.
	Cookies []CookieChange
}

// Wish is what a caller asks of a sign-in.
type Wish struct {
	// Realm is an id; the first realm if it is empty.
	Realm string
	// State is the caller's own, of at most 1 KiB, and comes back with the token or the code.
	State  string
	Return Return
}

// Begin begins a sign-in. The cookies are what the browser keeps of other sign-ins. Begin writes nothing to the store.
//
// It returns fault.RealmsMissing, RealmNotFound, InvalidData for a long state or a Return that is not
// accepted, TooManyFailures for an address that began too many, and StoreUnavailable if there is no metadata of the
// identity provider.
func (s *Service) Begin(ctx context.Context, wish Wish, cookies Cookies) (Redirect, error) {
	if err := s.requireRealms(); err != nil {
		return Redirect{}, err
	}
	realm, err := s.realm(wish.Realm)
	if err != nil {
		return Redirect{}, err
	}
	if len(wish.State) > maxState {
		return Redirect{}, fault.New(fault.InvalidData, fmt.Sprintf("the state has more than %d bytes", maxState), "state")
	}
	if err := s.checkReturn(wish.Return); err != nil {
		return Redirect{}, err
	}
	provider, err := s.admitSignIn(ctx, realm)
	if err != nil {
		return Redirect{}, err
	}

	now := s.providers.now()
	waiting := pending{Realm: realm.ID, State: wish.State, Return: wish.Return, CreatedAt: now}
	relayState := s.tickets.sealRelay(relay{now, realm.BrowserBinding, wish.Return.URL != ""})
	var redirect Redirect
	if realm.BrowserBinding {
		waiting.ID = protocol.NewID(s.store.Random())
		redirect.Cookies = cookies.add(s.tickets.sealCookie(waiting, relayState), now, s.store.Random())
	} else {
		waiting.ID = s.tickets.sealID(waiting, relayState)
	}

	redirect.URL, err = request(realm, provider, waiting.ID, relayState, now)
	return redirect, err
}

// admitSignIn counts a sign-in against the caller's address, and returns the realm's identity provider.
func (s *Service) admitSignIn(ctx context.Context, realm Realm) (protocol.Provider, error) {
	if err := take(ctx, s.begun, "too many sign-ins were begun from this address; try again later"); err != nil {
		return protocol.Provider{}, err
	}
	return s.providers.of(ctx, realm)
}

func request(realm Realm, provider protocol.Provider, id, relay string, at time.Time) (string, error) {
	r := protocol.AuthnRequest{
		ID: id, Issuer: realm.SP.EntityID, Destination: provider.SSOURL, ACS: realm.SP.ACS, NameIDFormat: realm.NameIDFormat,
		ForceAuthn: realm.ForceAuthn, AuthnContexts: realm.RequestedAuthnContext, IssueInstant: at, RelayState: relay,
	}
	if realm.Signing == nil || !realm.SignRequests && !provider.WantsSignedRequests {
		return r.RedirectURL(nil)
	}
	return r.RedirectURL(realm.Signing.Key)
}
