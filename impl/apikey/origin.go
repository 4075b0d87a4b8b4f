package apikey

import (
	"encoding/json"
	"errors"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
)

// creator describes the owner of a key at its creation or last change.
type creator struct {
	Principal string          `json:"principal"`
	FullName  string          `json:"full_name"`
	Email     string          `json:"email"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Realm     string          `json:"realm"`
	RealmType string          `json:"realm_type"`
	binding
}

// binding marks a key that was created or last changed by another caller than its owner in person. Such a key gains
// nothing by its owner's promotion.
type binding struct {
	OnBehalf bool `json:"on_behalf,omitempty"`
	// Promotions is the number of the owner's promotions at that time.
	Promotions int64 `json:"promotions,omitempty"`
}

// text returns the name of the binding in the audit trail.
func (b binding) text() string {
	if b.OnBehalf {
		return "on_behalf"
	}
	return "none"
}

// origin holds the ids of the two documents that a key keeps about its owner: the owner's role descriptors, and the
// owner with the binding.
type origin struct {
	limitedBy, creator string
	binding            binding
}

// bindingBy returns the binding of a key that a caller creates or changes for its owner. Only the owner in person
// leaves a key unbound. A password that another user set does not identify the owner, because the other user may know
// it too. A platform administrator that set it is no exception, because it may have lost the role since.
func bindingBy(p identity.Principal, owner store.User) binding {
	if p.InPerson() && !owner.PasswordShared() {
		return binding{}
	}
	return bindingNow(owner)
}

// bindingNow binds a key to its owner's current ECE roles.
func bindingNow(owner store.User) binding {
	return binding{OnBehalf: true, Promotions: owner.Tenure.Promotions}
}

// documents is where the documents of keys are put: the store, or drafts.
type documents interface {
	// Put returns the id of a document.
	Put(body []byte) (string, error)
}

// drafts are documents that are stored once a key refers to them.
type drafts struct{ bodies [][]byte }

// Put implements documents.
func (d *drafts) Put(body []byte) (string, error) {
	d.bodies = append(d.bodies, body)
	return store.DocumentID(body), nil
}

// store puts the documents into the store.
func (d *drafts) store(tx *store.Tx) error {
	for _, body := range d.bodies {
		if _, err := tx.Documents.Put(body); err != nil {
			return err
		}
	}
	return nil
}

// putCreator puts an owner and a binding in their canonical encoding, and returns the document's id.
func putCreator(to documents, u store.User, b binding) (string, error) {
	realm := u.HomeRealm()
	text, err := json.Marshal(creator{
		Principal: u.Name, FullName: u.FullName, Email: u.Email, Metadata: json.RawMessage(u.Metadata), Realm: realm.Name,
		RealmType: realm.Type, binding: b,
	})
	if err != nil {
		return "", err
	}
	return to.Put(text)
}

// putOrigin puts the documents about an owner with these roles.
func (s *Service) putOrigin(
	tx *store.Tx, to documents, owner store.User, roles []identity.Role, b binding,
) (o origin, err error) {
	o.binding = b
	if o.creator, err = putCreator(to, owner, b); err != nil {
		return o, err
	}
	owner.Roles = roles
	snapshot, err := s.ownerRoles(tx, owner)
	if err != nil {
		return o, err
	}
	o.limitedBy, err = to.Put(roledescriptor.Canonical(snapshot))
	return o, err
}

// originOf stores the documents about the owner of a new key. It returns fault.CredentialsInvalid if the caller's
// credentials no longer work.
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
	return s.putOrigin(tx, tx.Documents, owner, owner.Roles, b)
}

// derivedOrigin is originOf for a key that a key creates. The new key inherits the binding of its creator. With
// descriptors of its own it gets none of the owner's, as in Elasticsearch; without, as in ECE, it gets those of its
// creator, because it must never be able to do more.
func (s *Service) derivedOrigin(tx *store.Tx, p identity.Principal, owner store.User, c Creation) (origin, error) {
	maker, err := tx.Keys.FindOwned(owner.Name, p.Key.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && (invalidated(maker) || expired(maker, tx.Now)) {
		return origin{}, invalidatedKey(p.Key.ID, p.User)
	}
	if err != nil {
		return origin{}, err
	}
	inherited, err := s.ceiling(tx, maker)
	if err != nil {
		return origin{}, err
	}
	if len(c.Assigned) == 0 && maker.LimitedBy == "" {
		return s.putOrigin(tx, tx.Documents, owner, owner.Roles, inherited.binding)
	}
	o := origin{limitedBy: maker.LimitedBy, binding: inherited.binding}
	if o.creator, err = putCreator(tx.Documents, owner, inherited.binding); err != nil || len(c.Assigned) == 0 {
		return o, err
	}
	o.limitedBy, err = tx.Documents.Put(roledescriptor.Canonical(nil))
	return o, err
}

// ownerRoles returns the snapshot of the owner's roles, or fault.InvalidData if one of them is restricted.
func (s *Service) ownerRoles(tx *store.Tx, owner store.User) (roledescriptor.Set, error) {
	names := identity.Principal{Roles: owner.Roles}.RoleNames()
	set, err := s.settings.Builtin.Snapshot(tx, names)
	if err != nil {
		return nil, err
	}
	return set, roledescriptor.CheckOwner(set)
}

// putAssigned puts a key's own role descriptors, and returns the document's id; "" without descriptors.
func putAssigned(to documents, set roledescriptor.Set) (string, error) {
	if len(set) == 0 {
		return "", nil
	}
	return to.Put(roledescriptor.Canonical(set))
}
