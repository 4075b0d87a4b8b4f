package apikey

import (
	"encoding/json"
	"errors"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
)

// creator is who a key's owner was when the key was made or changed last.
type creator struct {
	Principal string          `json:"principal"`
	FullName  string          `json:"full_name"`
	Email     string          `json:"email"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Realm     string          `json:"realm"`
	RealmType string          `json:"realm_type"`
	binding
}

// binding marks a key that its owner in person has neither made nor changed last. Such a key gains nothing when its
// owner is promoted.
type binding struct {
	OnBehalf bool `json:"on_behalf,omitempty"`
	// Promotions is how often the owner had been promoted by then.
	Promotions int64 `json:"promotions,omitempty"`
}

// text is how the audit trail calls a binding.
func (b binding) text() string {
	if b.OnBehalf {
		return "on_behalf"
	}
	return "none"
}

// origin is what a key keeps of its owner, as two documents: the owner's role descriptors, and the owner with the
// binding.
type origin struct {
	limitedBy, creator string
	binding            binding
}

// bindingBy is the binding of a key that a caller makes or changes for its owner. Only the owner in person leaves a key
// unbound. A password that another user set proves no person: the other may know it too. A platform admin who set it is
// no exception, because that one may have lost the role since.
func bindingBy(p identity.Principal, owner store.User) binding {
	if p.InPerson() && !owner.PasswordShared() {
		return binding{}
	}
	return bindingNow(owner)
}

// bindingNow binds a key to what its owner holds.
func bindingNow(owner store.User) binding {
	return binding{OnBehalf: true, Promotions: owner.Tenure.Promotions}
}

// putCreator stores an owner and a binding, in their only spelling, and returns the document.
func putCreator(tx *store.Tx, u store.User, b binding) (string, error) {
	realm := u.HomeRealm()
	text, err := json.Marshal(creator{
		Principal: u.Name, FullName: u.FullName, Email: u.Email, Metadata: json.RawMessage(u.Metadata), Realm: realm.Name,
		RealmType: realm.Type, binding: b,
	})
	if err != nil {
		return "", err
	}
	return tx.Documents.Put(text)
}

// putOrigin stores what a key keeps of an owner with these roles.
func putOrigin(tx *store.Tx, owner store.User, roles []identity.Role, b binding) (o origin, err error) {
	o.binding = b
	if o.creator, err = putCreator(tx, owner, b); err != nil {
		return o, err
	}
	owner.Roles = roles
	snapshot, err := ownerRoles(tx, owner)
	if err != nil {
		return o, err
	}
	o.limitedBy, err = tx.Documents.Put(roledescriptor.Canonical(snapshot))
	return o, err
}

// originOf stores what a new key keeps of its owner. It returns fault.CredentialsInvalid if the caller is not, or no
// longer, who may make it.
func (s *Service) originOf(tx *store.Tx, p identity.Principal, owner store.User, c Creation) (origin, error) {
	if err := tx.RequireCurrent(p); err != nil {
		return origin{}, err
	}
	if p.Method == identity.APIKey {
		return s.derivedOrigin(tx, p, owner, c)
	}
	b := bindingBy(p, owner)
	if c.onBehalf {
		b = bindingNow(owner)
	}
	return putOrigin(tx, owner, owner.Roles, b)
}

// derivedOrigin is originOf for a key that a key makes. It inherits the binding of its maker. It gets none of the
// owner's descriptors if it has its own, as in Elasticsearch; if it has none, as in ECE, it gets what its maker has,
// because it must never be able to do more.
func (s *Service) derivedOrigin(tx *store.Tx, p identity.Principal, owner store.User, c Creation) (origin, error) {
	maker, err := tx.Keys.FindOwned(owner.Name, p.Key.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && (invalidated(maker) || expired(maker, tx.Now)) {
		return origin{}, reject("api key [" + p.Key.ID + "] has been invalidated")
	}
	if err != nil {
		return origin{}, err
	}
	inherited, err := s.ceiling(tx, maker)
	if err != nil {
		return origin{}, err
	}
	if len(c.Assigned) == 0 && maker.LimitedBy == "" {
		return putOrigin(tx, owner, owner.Roles, inherited.binding)
	}
	o := origin{limitedBy: maker.LimitedBy, binding: inherited.binding}
	if o.creator, err = putCreator(tx, owner, inherited.binding); err != nil || len(c.Assigned) == 0 {
		return o, err
	}
	o.limitedBy, err = tx.Documents.Put(roledescriptor.Canonical(nil))
	return o, err
}

// ownerRoles returns what a key keeps of its owner's roles, or fault.InvalidData if one of them is restricted.
func ownerRoles(tx *store.Tx, owner store.User) (roledescriptor.Set, error) {
	names := identity.Principal{Roles: owner.Roles}.RoleNames()
	set, err := role.Snapshot(tx, names)
	if err != nil {
		return nil, err
	}
	return set, roledescriptor.CheckOwner(set)
}

// putAssigned stores a key's own role descriptors, and returns their document; "" if there are none.
func putAssigned(tx *store.Tx, set roledescriptor.Set) (string, error) {
	if len(set) == 0 {
		return "", nil
	}
	return tx.Documents.Put(roledescriptor.Canonical(set))
}
