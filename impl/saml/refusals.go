package saml

import (
	"cmp"
	"context"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/store"
)

// maxIssuer bounds what is kept of an issuer, in bytes.
const maxIssuer = 512

// Refusals returns the last refused sign-ins and logouts, the newest first. Those in own belong to a sign-in that was
// begun here, or were signed by the realm's identity provider; those in unsolicited may come from any client.
func (s *Service) Refusals(ctx context.Context) (own, unsolicited []store.SAMLRefusal, err error) {
	all, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.SAMLRefusal, error) { return tx.SAML.Refusals() })
	for _, r := range all {
		if r.Realm == "" {
			unsolicited = append(unsolicited, r)
		} else {
			own = append(own, r)
		}
	}
	return own, unsolicited, err
}

// recordRefusal logs and stores why a sign-in was refused. Not every unsolicited one is stored. A failure to store it
// does not change the response.
func (s *Service) recordRefusal(ctx context.Context, a attempt, reason string) {
	origin, realm := audit.OriginOf(ctx), cmp.Or(a.realm.ID, a.pending.Realm)
	s.log.WarnContext(ctx, "a SAML sign-in was refused", "request_id", origin.RequestID, "realm", realm, "reason", reason)
	if realm == "" && !s.keepsStray() {
		return
	}
	id, err := s.store.Random().Of("refusals").OrderedID(s.store.Now())
	if err != nil {
		s.log.ErrorContext(ctx, "a refusal was not kept", "request_id", origin.RequestID, "error", err)
		return
	}
	said := s.claims(ctx, a)
	r := store.SAMLRefusal{
		ID: id, Realm: realm, Issuer: strings.ToValidUTF8(said.Issuer[:min(len(said.Issuer), maxIssuer)], ""),
		Reason:  reason,
		Address: origin.Address, RequestID: origin.RequestID, IssuedAt: said.IssueInstant,
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.SAML.InsertRefusal(r) }); err != nil {
		s.log.ErrorContext(ctx, "a refusal was not kept", "request_id", origin.RequestID, "error", err)
	}
}

func (s *Service) keepsStray() bool {
	_, allowed := s.strays.Allowed(allAddresses)
	s.strays.Fail(allAddresses)
	return allowed
}

// claims are what a response says of itself, unless the server is too busy to look. Most unsolicited ones were not
// decoded.
func (s *Service) claims(ctx context.Context, a attempt) protocol.Claims {
	if a.message == nil && a.decode() != nil {
		return protocol.Claims{}
	}
	if err := s.reading.Acquire(ctx); err != nil {
		return protocol.Claims{}
	}
	defer s.reading.Release()
	return protocol.Peek(a.message)
}
