package apikey

import (
	"encoding/json"

	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/role"
	"github.com/sallyport/sallyport/impl/roledescriptor"
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
	// OnBehalf tells that somebody else made the key, with the owner's credentials or acting as the owner.
	OnBehalf bool `json:"on_behalf,omitempty"`
}

// creatorText is the only spelling of a user as a creator.
func creatorText(u store.User, onBehalf bool) ([]byte, error) {
	realm := u.HomeRealm()
	return json.Marshal(creator{
		Principal: u.Name, FullName: u.FullName, Email: u.Email, Metadata: json.RawMessage(u.Metadata), Realm: realm.Name, RealmType: realm.Type,
		OnBehalf: onBehalf,
	})
}

// origins stores what a new key keeps of its owner, and returns the documents with the owner's role descriptors and with
// the owner. A key that a key makes gets none of the owner's descriptors if it has its own, as in Elasticsearch; if it has
// none, as in ECE, it gets what the key that makes it has, because it must never be able to do more.
func origins(tx *store.Tx, p identity.Principal, owner store.User, c Creation) (limitedBy, by string, err error) {
	text, err := creatorText(owner, c.onBehalf || p.Method == identity.RunAs)
	if err != nil {
		return "", "", err
	}
	if by, err = tx.PutDocument(text); err != nil {
		return "", "", err
	}
	if p.Method == identity.APIKey && len(c.Assigned) == 0 && p.Key.LimitedBy != "" {
		return p.Key.LimitedBy, by, nil
	}
	var snapshot roledescriptor.Set
	if p.Method != identity.APIKey || len(c.Assigned) == 0 {
		if snapshot, err = ownerRoles(tx, owner); err != nil {
			return "", "", err
		}
	}
	limitedBy, err = tx.PutDocument(roledescriptor.Canonical(snapshot))
	return limitedBy, by, err
}

// ownerRoles returns what a key keeps of its owner's roles, or fault.IllegalArgument if one of them is restricted.
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
	return tx.PutDocument(roledescriptor.Canonical(set))
}
