package saml

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	// PendingTime is how long a sign-in waits for its answer.
	PendingTime = 10 * time.Minute
	// maxPending bounds how many wait at once. The oldest make room: if new ones were refused, a few dozen addresses could
	// keep everybody out for good.
	maxPending = 10_000
	// handleBytes is how many random bytes the RelayState and the browser's binding have each.
	handleBytes = 24
)

// Redirect is where a browser goes next.
type Redirect struct {
	URL string
	// Browser is what the browser has to bring along with the answer; empty if the realm does not bind browsers.
	Browser string
}

// Begin begins a sign-in at a realm; at the first if no id is given. The state is the caller's own, and comes back with the
// token. It returns fault.RealmNotFound, TooManyFailures, NoAuthenticationCluster, and
// AuthenticationClusterError if nothing is known of the identity provider.
func (s *Service) Begin(ctx context.Context, realmID, state string) (Redirect, error) {
	if err := s.store.Require(); err != nil {
		return Redirect{}, err
	}
	realm, err := s.realm(realmID)
	if err != nil {
		return Redirect{}, err
	}
	if err := s.admit(ctx); err != nil {
		return Redirect{}, err
	}
	provider, err := s.providers.of(ctx, realm)
	if err != nil {
		return Redirect{}, err
	}
	relay, waiting, redirect := secret.Text(handleBytes), store.SAMLRequest{ID: protocol.NewID(), Realm: realm.ID, State: state}, Redirect{}
	waiting.RelayDigest = secret.Digest(relay)
	if realm.BrowserBinding {
		redirect.Browser = secret.Text(handleBytes)
		waiting.BrowserDigest = secret.Digest(redirect.Browser)
	}
	var at time.Time
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		at = tx.Now
		waiting.ExpiresAt = tx.Now.Add(PendingTime)
		return wait(tx, waiting)
	})
	if err != nil {
		return Redirect{}, err
	}
	redirect.URL, err = request(realm, provider, waiting.ID, relay, at)
	return redirect, err
}

// admit lets an address begin so many sign-ins.
func (s *Service) admit(ctx context.Context) error {
	address := audit.OriginOf(ctx).Address
	later, ok := s.begun.Allowed(address)
	if ok {
		s.begun.Fail(address)
		return nil
	}
	f := fault.New(fault.TooManyFailures, "too many sign-ins were begun from this address; try again later")
	f.RetryAfter = later
	return f
}

func wait(tx *store.Tx, r store.SAMLRequest) error {
	if err := tx.SweepSAML(); err != nil {
		return err
	}
	count, err := tx.CountSAMLRequests()
	if err != nil {
		return err
	}
	if more := count + 1 - maxPending; more > 0 {
		if err := tx.DropSAMLRequests(more); err != nil {
			return err
		}
	}
	return tx.InsertSAMLRequest(r)
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
