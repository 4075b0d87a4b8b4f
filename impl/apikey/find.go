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

// Filter selects keys; an empty member selects all.
type Filter struct {
	ID string
	// Name is a name, or with * at its end the beginning of names.
	Name, UserName, RealmName string
	// Owned selects the caller's keys.
	Owned bool
	// Active excludes keys that are invalidated or expired.
	Active bool
}

// Check returns fault.RequestInvalid for a filter that contradicts itself.
func (f Filter) Check() error {
	var problems fault.Problems
	one, user := f.ID != "" || f.Name != "", f.UserName != "" || f.RealmName != ""
	problems.Add(one && user,
		"username or realm name must not be specified when the api key id or api key name is specified")
	problems.Add(f.Owned && user, "neither username nor realm-name may be specified when retrieving owned API keys")
	problems.Add(f.ID != "" && f.Name != "", "only one of [api key id, api key name] can be specified")
	return fault.Invalid(problems)
}

// Find returns the selected keys that the caller may see, oldest first: all keys, or its own. An API key may always see
// itself. With limits the keys are shown with their owners' role descriptors, which a key that may only see itself is
// not. The filter is checked and the caller authorized. It returns fault.InvalidData if there is too much to show at
// once.
func (s *Service) Find(ctx context.Context, caller access.Subject, f Filter, limits bool) ([]View, error) {
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

// Authorize returns fault.PermissionDenied unless the caller may see the selected keys: an action on all keys, or on
// its own.
func (f Filter) Authorize(caller access.Subject, action string, limits bool) error {
	if caller.Privileges.AllowsCluster(action) {
		return nil
	}
	itself := caller.Method == identity.APIKey && f.ID == caller.Key.ID
	if itself && !limits {
		return nil
	}
	if !f.own(caller) || itself {
		return caller.Require(action)
	}
	return caller.RequireOwning(action)
}

// own reports whether the filter can select only keys of the caller. An API key owns only itself.
func (f Filter) own(caller access.Subject) bool {
	if caller.Method == identity.APIKey {
		return f.ID == caller.Key.ID
	}
	return f.Owned || f.UserName == caller.User && f.RealmName == caller.HomeRealm().Name
}

// candidates returns a superset of the selected keys, read by the most selective member.
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

// selects reports whether the filter selects a key by all members but the realm, which is not in the key's record.
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
