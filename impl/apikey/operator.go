package apikey

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Operator is the subject for which an operator of the database manages all keys. It owns none, and no request has it.
var Operator = access.Subject{By: identity.Principal{Roles: []identity.Role{identity.PlatformAdmin}}}

// CreateFor creates a key of a user for an operator of the database; the creation has no Problems. The key is bound as
// one that was granted: it gains nothing by its owner's promotion. It returns fault.KeyOwnerNotFound and the errors of
// Create.
func (s *Service) CreateFor(ctx context.Context, owner string, c Creation) (Key, Credential, error) {
	p, err := store.Read(ctx, s.store, func(tx *store.Tx) (identity.Principal, error) {
		u, err := tx.Users.Find(owner)
		if errors.Is(err, store.ErrNotFound) {
			err = fault.New(fault.KeyOwnerNotFound, "there is no user \""+owner+"\"", "user_id")
		}
		return identity.Principal{
			User:       u.Name,
			Roles:      u.Roles,
			Builtin:    u.Builtin,
			Promotions: u.Tenure.Promotions,
			SAMLRealm:  u.Realm,
		}, err
	})
	if err != nil {
		return Key{}, Credential{}, err
	}
	c.onBehalf = true
	return s.create(ctx, p, c)
}
