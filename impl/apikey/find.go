package apikey

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Filter selects keys; empty members select all.
type Filter struct {
	ID string
	// Name may end in *, for all that begin with the rest.
	Name, UserName, RealmName string
	// Owned selects the caller's keys.
	Owned bool
	// Active leaves out keys that are invalidated or expired.
	Active bool
}

func (f Filter) check(verb string) error {
	var messages []string
	one, user := f.ID != "" || f.Name != "", f.UserName != "" || f.RealmName != ""
	if one && user {
		messages = append(messages,
			"username or realm name must not be specified when the api key id or api key name is specified")
	}
	if f.Owned && user {
		messages = append(messages, "neither username nor realm-name may be specified when "+verb+" owned API keys")
	}
	if f.ID != "" && f.Name != "" {
		messages = append(messages, "only one of [api key id, api key name] can be specified")
	}
	return fault.Invalid(messages)
}

// Find returns the keys that a caller asks for, oldest first, as far as the caller may see them: all, or those of the
// caller. An API key may see itself whatever it may do. With limits the keys are to be shown with their owners' role
// descriptors, which is not for a key that is only shown itself. It returns fault.RequestInvalid and SecurityDenied,
// and fault.InvalidData if there is too much to be shown at once.
func (s *Service) Find(ctx context.Context, caller access.Subject, f Filter, limits bool) ([]View, error) {
	if err := f.check("retrieving"); err != nil {
		return nil, err
	}
	if err := mayFind(caller, f, limits); err != nil {
		return nil, err
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) (views []View, err error) {
		keys, err := f.candidates(tx, caller)
		if err != nil {
			return nil, err
		}
		shown := newViewer(tx, limits)
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if !f.selects(tx, caller, key) {
				continue
			}
			view, err := shown.view(key)
			if err != nil {
				return nil, err
			}
			if f.RealmName == "" || f.RealmName == view.Realm.Name {
				views = append(views, view)
			}
		}
		return views, nil
	})
}

func mayFind(caller access.Subject, f Filter, limits bool) error {
	if caller.Privileges.AllowsCluster(actionGet) {
		return nil
	}
	itself := caller.Method == identity.APIKey && f.ID == caller.Key.ID
	if itself && !limits {
		return nil
	}
	if !f.own(caller) || itself {
		return caller.Require(actionGet)
	}
	return caller.RequireOwning(actionGet)
}

// own tells whether a filter can select nothing but the caller's own keys. An API key owns itself only.
func (f Filter) own(caller access.Subject) bool {
	if caller.Method == identity.APIKey {
		return f.ID == caller.Key.ID
	}
	return f.Owned || f.UserName == caller.User && f.RealmName == caller.HomeRealm().Name
}

// candidates reads no more than it must.
func (f Filter) candidates(tx *store.Tx, caller access.Subject) ([]store.APIKey, error) {
	switch {
	case f.ID != "":
		key, err := tx.Keys.Find(f.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []store.APIKey{key}, err
	case f.Owned:
		return tx.Keys.OfUser(caller.User)
	case f.UserName != "":
		return tx.Keys.OfUser(f.UserName)
	}
	return tx.Keys.All()
}

// selects decides by all but the realm, which is not in the key's row.
func (f Filter) selects(tx *store.Tx, caller access.Subject, key store.APIKey) bool {
	switch {
	case f.Owned && key.UserName != caller.User,
		f.Active && (invalidated(key) || expired(key, tx.Now)):
		return false
	}
	return f.Name == "" || named(key.Description, f.Name)
}

func named(name, pattern string) bool {
	if beginning, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(name, beginning)
	}
	return name == pattern
}
