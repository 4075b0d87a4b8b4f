package apikey

import (
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/store"
)

// keysChange is a change, and the ids of the keys that get it.
type keysChange struct {
	store.KeyChange
	// origin are the documents about the owner that the change refers to.
	origin drafts
	// keeping is the creator document that the keys would have if they kept their binding; empty if the change lifts
	// it. An update that changes nothing else leaves the key as it is, and does not bind it.
	keeping string
	ids     []string
	// released are the documents that these keys cease to refer to.
	released map[string]bool
}

// changes are the changes of an update. It changes all keys alike, except that a caller other than the owner in person
// binds each key to the ECE roles that it has.
type changes struct {
	service *Service
	tx      *store.Tx
	owner   store.User
	binding binding
	// crossCluster is set for an update of cross-cluster keys.
	crossCluster bool
	// common holds the members that all changes share, and assigned the document that it refers to.
	common   store.KeyChange
	assigned drafts
	// kept has the documents that were compared with assigned, by their ids, and whether they have the same descriptors.
	kept map[string]bool
	// own is the change of unbound keys, which have all roles of their owner.
	own  *keysChange
	made map[string]*keysChange
	// all lists the changes in the order of their first use.
	all []*keysChange
}

// newChanges prepares an update. It returns fault.InvalidData if one of the owner's roles is restricted, whether or not
// there is a key to update.
func (s *Service) newChanges(tx *store.Tx, p identity.Principal, owner store.User, u Update) (*changes, error) {
	if u.crossCluster {
		owner.Roles = nil // these keys capture no permissions of their owner
	}
	c := &changes{service: s, tx: tx, owner: owner, binding: bindingBy(p, owner), made: map[string]*keysChange{}}
	c.kept = map[string]bool{}
	c.crossCluster = u.crossCluster
	var err error
	if c.common, err = u.change(tx.Now, &c.assigned); err != nil {
		return nil, err
	}
	c.own, err = c.with(owner.Roles, binding{})
	return c, err
}

// keepAssigned reports whether the update would leave a key's assigned descriptors as they are. Documents may differ in
// the spelling of a number and be of the same descriptors.
func (c *changes) keepAssigned(key store.APIKey) (bool, error) {
	given := c.common.Assigned
	if given == nil || *given == key.Assigned {
		return true, nil
	}
	if *given == "" || key.Assigned == "" {
		return false, nil
	}

	kept, compared := c.kept[key.Assigned]
	if !compared {
		body, err := c.tx.Documents.Get(key.Assigned)
		if err != nil {
			return false, err
		}
		kept = metadata.Same(string(body), string(c.assigned.bodies[0]))
		c.kept[key.Assigned] = kept
	}
	return kept, nil
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

// with returns the change of keys with this binding, which are to have these roles.
func (c *changes) with(roles []identity.Role, kept binding) (*keysChange, error) {
	name := fmt.Sprintf("%q %+v", roles, kept)
	if made, found := c.made[name]; found {
		return made, nil
	}
	change := &keysChange{KeyChange: c.common}
	o, err := c.service.putOrigin(c.tx, &change.origin, c.owner, roles, c.binding)
	if err != nil {
		return nil, err
	}
	change.LimitedBy, change.Creator = o.limitedBy, o.creator
	if c.binding.OnBehalf {
		if change.keeping, err = putCreator(&drafts{}, c.owner, kept); err != nil {
			return nil, err
		}
	}
	c.made[name] = change
	c.all = append(c.all, change)
	return change, nil
}
