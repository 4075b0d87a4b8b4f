package apikey

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// ceiling holds the ECE roles that a bound key may have. The zero ceiling limits nothing: a key that its owner created
// follows its owner's roles.
type ceiling struct {
	binding
	roles []identity.Role
}

// maxCeilings bounds the cached ceilings, each of which holds a few names.
const maxCeilings = 4096

// rolesOf returns the roles of a key's owner. A bound key lacks the ECE roles that the owner has not held without
// interruption since the key was bound: a key that another user planted must not become an administrator's with its
// owner's promotion. An update by the owner in person lifts the binding.
func (s *Service) rolesOf(tx *store.Tx, key store.APIKey, owner store.User) ([]identity.Role, error) {
	c, err := s.ceiling(tx, key)
	if err != nil || !c.OnBehalf {
		return owner.Roles, err
	}
	_, others := identity.SplitRoles(owner.Roles)
	kept := identity.CommonRoles(c.roles, owner.Tenure.HeldSince(c.Promotions, owner.Roles))
	return append(kept, others...), nil
}

func (s *Service) ceiling(tx *store.Tx, key store.APIKey) (ceiling, error) {
	if key.Creator == "" {
		return ceiling{}, nil
	}
	documents := [2]string{key.Creator, key.LimitedBy}
	if known, found := s.ceilings.Get(documents); found {
		return known, nil
	}
	c, err := readCeiling(tx, key)
	if err != nil {
		return c, fmt.Errorf("apikey: the origin of the key %s: %w", key.ID, err)
	}
	s.ceilings.Add(documents, c)
	return c, nil
}

func readCeiling(tx *store.Tx, key store.APIKey) (ceiling, error) {
	var by creator
	if err := readDocument(tx, key.Creator, &by); err != nil || !by.OnBehalf {
		return ceiling{}, err
	}
	var snapshot map[identity.Role]json.RawMessage
	err := readDocument(tx, key.LimitedBy, &snapshot)
	c := ceiling{binding: by.binding}
	for name := range snapshot {
		if identity.HoldsPlatformRole([]identity.Role{name}) {
			c.roles = append(c.roles, name)
		}
	}
	return c, err
}

func readDocument(tx *store.Tx, id string, target any) error {
	body, err := tx.Documents.Get(id)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, target)
}
