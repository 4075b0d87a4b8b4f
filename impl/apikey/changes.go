package apikey

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// keysChange is a change, and the keys that are given it.
type keysChange struct {
	store.KeyChange
	// keeping is the creator that the keys would have if they kept their binding; empty if the change lifts it. An
	// update that changes nothing else leaves the key as it is, and does not bind it.
	keeping string
	ids     []string
}

// changes are what an update makes of keys: the same of all, except that a caller other than the owner in person binds
// each key to what it has of ECE's roles.
type changes struct {
	service *Service
	tx      *store.Tx
	owner   store.User
	binding binding
	// common is what all changes have in common.
	common store.KeyChange
	// own is the change of keys that have what their owner has, and are not bound.
	own  *keysChange
	made map[string]*keysChange
	// all are the changes that were made, in the order in which they were needed.
	all []*keysChange
}

// newChanges prepares an update. It returns fault.InvalidData if one of the owner's roles is restricted, whether or not
// there is a key to be updated.
func (s *Service) newChanges(tx *store.Tx, p identity.Principal, owner store.User, u Update) (*changes, error) {
	common, err := u.change(tx)
	if err != nil {
		return nil, err
	}
	c := &changes{service: s, tx: tx, owner: owner, binding: bindingBy(p, owner), common: common,
		made: map[string]*keysChange{}}
	c.own, err = c.with(owner.Roles, binding{})
	return c, err
}

// of returns the change of a key.
func (c *changes) of(key store.APIKey) (*keysChange, error) {
	if !c.binding.OnBehalf {
		return c.own, nil
	}
	roles, err := c.service.rolesOf(c.tx, key, c.owner)
	if err != nil {
		return nil, err
	}
	kept, err := c.service.ceiling(c.tx, key)
	if err != nil {
		return nil, err
	}
	return c.with(roles, kept.binding)
}

// with returns the change of the keys that are to have these roles, and that have this binding.
func (c *changes) with(roles []identity.Role, kept binding) (*keysChange, error) {
	name := fmt.Sprintf("%q %+v", roles, kept)
	if made, found := c.made[name]; found {
		return made, nil
	}
	o, err := putOrigin(c.tx, c.owner, roles, c.binding)
	if err != nil {
		return nil, err
	}
	change := &keysChange{KeyChange: c.common}
	change.LimitedBy, change.Creator = o.limitedBy, o.creator
	if c.binding.OnBehalf {
		if change.keeping, err = putCreator(c.tx, c.owner, kept); err != nil {
			return nil, err
		}
	}
	c.made[name] = change
	c.all = append(c.all, change)
	return change, nil
}
