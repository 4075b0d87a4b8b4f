package apikey

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// Selection is the keys to be invalidated.
type Selection struct {
	// IDs is nil if none were given.
	IDs []string
	// Name may end in *.
	Name, UserName, RealmName string
	// Owned selects the caller's keys only.
	Owned bool
}

func (s Selection) check() error {
	var messages []string
	add := func(wrong bool, message string) {
		if wrong {
			messages = append(messages, message)
		}
	}
	blank := slices.IndexFunc(s.IDs, func(id string) bool { return strings.TrimSpace(id) == "" })
	one, user := s.IDs != nil || s.Name != "", s.UserName != "" || s.RealmName != ""
	add(s.IDs != nil && len(s.IDs) == 0, "Field [ids] cannot be an empty array")
	add(blank >= 0, fmt.Sprintf("Field [ids] must not contain blank id, but got blank id at index position: [%d]", blank))
	add(!one && !user && !s.Owned, "One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false")
	add(one && user, "username or realm name must not be specified when the api key id(s) or api key name are specified")
	add(s.Owned && user, "neither username nor realm-name may be specified when invalidating owned API keys")
	add(s.IDs != nil && s.Name != "", "only one of [api key id(s), api key name] can be specified")
	return fault.Invalid(messages)
}

// Invalidate ends the selected keys that are not ended yet, and returns their ids. Keys that do not exist are passed over.
// It returns fault.RequestInvalid and SecurityDenied.
func (s *Service) Invalidate(ctx context.Context, caller access.Subject, sel Selection) ([]string, error) {
	if err := sel.check(); err != nil {
		return nil, err
	}
	if err := mayInvalidate(caller, sel); err != nil {
		return nil, err
	}
	keys, err := s.selected(ctx, caller, sel)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	var ended []string
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := lockMany(tx, len(keys)); err != nil {
			return err
		}
		ended, err = invalidate(ctx, tx, keys)
		return err
	})
	return ended, err
}

// selected looks before the transaction: there is one that writes at a time. What selects a key never changes, except that
// it is ended meanwhile.
func (s *Service) selected(ctx context.Context, caller access.Subject, sel Selection) ([]store.APIKey, error) {
	var keys []store.APIKey
	err := s.store.View(ctx, func(tx *store.Tx) error {
		found, err := sel.candidates(tx, caller)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(key store.APIKey) bool { return !sel.selects(caller, key) })
		if found, err = ofRealm(tx, sel.RealmName, found); err != nil {
			return err
		}
		keys, err = withinReach(tx, caller, sel, found)
		return err
	})
	return keys, err
}

func mayInvalidate(caller access.Subject, sel Selection) error {
	if sel.own(caller) {
		return caller.RequireOwning(actionInvalidate)
	}
	return caller.Require(actionInvalidate)
}

// own tells whether a selection can hold nothing but the caller's own keys. An API key owns itself only.
func (s Selection) own(caller access.Subject) bool {
	if caller.Method == identity.APIKey {
		return len(s.IDs) == 1 && s.IDs[0] == caller.Key.ID
	}
	return s.Owned || s.UserName == caller.User && s.RealmName == caller.HomeRealm().Name
}

func (s Selection) candidates(tx *store.Tx, caller access.Subject) ([]store.APIKey, error) {
	switch {
	case s.IDs != nil:
		found, err := tx.KeysByIDs(s.IDs)
		var keys []store.APIKey
		for _, key := range found {
			keys = append(keys, key)
		}
		return keys, err
	case s.Owned:
		return tx.APIKeys(caller.User)
	case s.UserName != "":
		return tx.APIKeys(s.UserName)
	}
	return tx.AllAPIKeys()
}

// selects decides by all but the realm, which is not in the key's row.
func (s Selection) selects(caller access.Subject, key store.APIKey) bool {
	if Invalidated(key) || s.Owned && key.UserName != caller.User {
		return false
	}
	return s.Name == "" || named(key.Description, s.Name)
}

// ofRealm returns those of the keys whose owners come from a realm; all if it has no name.
func ofRealm(tx *store.Tx, name string, keys []store.APIKey) ([]store.APIKey, error) {
	if name == "" {
		return keys, nil
	}
	read := newViewer(tx, false)
	var kept []store.APIKey
	for _, key := range keys {
		realm, err := read.realm(key.Creator)
		if err != nil {
			return nil, err
		}
		if realm.Name == name {
			kept = append(kept, key)
		}
	}
	return kept, nil
}
