package apikey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// Selection selects the keys to invalidate.
type Selection struct {
	// IDs is nil if the selection is not by id.
	IDs []string
	// Name is a name, or with * at its end the beginning of names.
	Name, UserName, RealmName string
	// Owned selects only the caller's keys.
	Owned bool
}

// Check returns fault.RequestInvalid for a selection that is empty or contradicts itself.
func (s Selection) Check() error {
	var problems fault.Problems
	blank := slices.IndexFunc(s.IDs, func(id string) bool { return strings.TrimSpace(id) == "" })
	one, user := s.IDs != nil || s.Name != "", s.UserName != "" || s.RealmName != ""
	problems.Add(s.IDs != nil && len(s.IDs) == 0, "Field [ids] cannot be an empty array")
	problems.Add(blank >= 0,
		fmt.Sprintf("Field [ids] must not contain blank id, but got blank id at index position: [%d]", blank))
	problems.Add(!one && !user && !s.Owned,
		"One of [api key id(s), api key name, username, realm name] must be specified if [owner] flag is false")
	problems.Add(one && user,
		"username or realm name must not be specified when the api key id(s) or api key name are specified")
	problems.Add(s.Owned && user, "neither username nor realm-name may be specified when invalidating owned API keys")
	problems.Add(s.IDs != nil && s.Name != "", "only one of [api key id(s), api key name] can be specified")
	return fault.Invalid(problems)
}

// The sizes of the transactions of one invalidation, because a transaction that takes too long is rolled back. If an
// invalidation fails between two of them, a part is done, and repeating it does the rest.
const (
	keysAtOnce  = 5000
	usersAtOnce = 500
)

// Invalidate invalidates the selected keys that are valid, and returns their ids. Unknown ids are ignored. All keys of
// a user take a few statements regardless of their number; others are invalidated keysAtOnce per transaction. It
// returns fault.PermissionDenied for keys beyond the caller's reach. The selection is checked and the caller
// authorized.
func (s *Service) Invalidate(ctx context.Context, caller access.Subject, sel Selection) ([]string, error) {
	if sel.wholeUsers() {
		return s.invalidateUsers(ctx, caller, sel)
	}
	keys, err := s.selected(ctx, caller, sel)
	if err != nil {
		return nil, err
	}

	return writeChunks(ctx, s.store, keys, keysAtOnce, func(tx *store.Tx, some []store.APIKey) ([]string, error) {
		if err := lockMany(tx, len(some)); err != nil {
			return nil, err
		}
		return invalidate(ctx, tx, some)
	})
}

// wholeUsers reports whether the selection selects all keys of its users.
func (s Selection) wholeUsers() bool { return s.IDs == nil && (s.Name == "" || s.Name == "*") }

// invalidateUsers invalidates all keys of the selected users.
func (s *Service) invalidateUsers(ctx context.Context, caller access.Subject, sel Selection) ([]string, error) {
	users, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) { return sel.users(tx, caller) })
	if err != nil {
		return nil, err
	}

	return writeChunks(ctx, s.store, users, usersAtOnce, func(tx *store.Tx, some []string) (ended []string, err error) {
		if err := tx.Keys.Lock(); err != nil {
			return nil, err
		}
		for _, name := range some {
			ids, err := revoke(ctx, tx, name)
			if err != nil {
				return nil, err
			}
			ended = append(ended, ids...)
		}
		return ended, nil
	})
}

// writeChunks calls f with each part of a list in a transaction of its own, and returns the sorted results of all.
func writeChunks[T any](
	ctx context.Context, st *store.Store, list []T, size int, f func(*store.Tx, []T) ([]string, error),
) ([]string, error) {
	var all []string
	for some := range slices.Chunk(list, size) {
		ended, err := store.Write(ctx, st, func(tx *store.Tx) ([]string, error) { return f(tx, some) })
		if err != nil {
			return nil, err
		}
		all = append(all, ended...)
	}
	slices.Sort(all)
	return all, nil
}

// users returns the names of the selected users. A user's realm never changes.
func (s Selection) users(tx *store.Tx, caller access.Subject) ([]string, error) {
	if s.Owned {
		return []string{caller.User}, nil
	}
	names := []string{s.UserName}
	if s.UserName == "" {
		var err error
		if names, err = tx.Keys.ValidOwners(); err != nil {
			return nil, err
		}
	}
	if s.RealmName == "" && reachesAll(caller) {
		return names, nil
	}

	var selected []string
	for _, name := range names {
		u, err := tx.Users.Find(name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err != nil || s.RealmName != "" && u.HomeRealm().Name != s.RealmName {
			continue
		}
		if name == caller.User || reachesAll(caller) || !identity.HoldsPlatformRole(u.Roles) {
			selected = append(selected, name)
		} else if s.UserName != "" {
			return nil, outOfReach(caller)
		}
	}
	return selected, nil
}

// selected finds the keys before the write transaction, because only one transaction writes at a time. The selected
// attributes of a key never change, except that it can be invalidated meanwhile.
func (s *Service) selected(ctx context.Context, caller access.Subject, sel Selection) ([]store.APIKey, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) ([]store.APIKey, error) {
		found, err := sel.candidates(tx, caller)
		if err != nil {
			return nil, err
		}
		return withinReach(tx, caller, sel, found)
	})
}

// Authorize returns fault.PermissionDenied unless the caller may invalidate the selected keys: an action on all keys,
// or on its own.
func (s Selection) Authorize(caller access.Subject, action string) error {
	if s.own(caller) {
		return caller.RequireOwning(action)
	}
	return caller.Require(action)
}

// own reports whether the selection can select only keys of the caller. An API key owns only itself.
func (s Selection) own(caller access.Subject) bool {
	if caller.Method == identity.APIKey {
		return len(s.IDs) == 1 && s.IDs[0] == caller.Key.ID
	}
	return s.Owned || s.UserName == caller.User && s.RealmName == caller.HomeRealm().Name
}

// candidates returns the selected keys that are not invalidated.
func (s Selection) candidates(tx *store.Tx, caller access.Subject) ([]store.APIKey, error) {
	if s.IDs != nil {
		found, err := tx.Keys.ByIDs(s.IDs)
		keys := slices.Collect(maps.Values(found))
		return slices.DeleteFunc(keys, func(key store.APIKey) bool {
			return invalidated(key) || s.Owned && key.UserName != caller.User
		}), err
	}

	selected := condition.And(notInvalidated, named(s.Name))
	if s.Owned {
		selected = condition.And(selected, ownedBy(caller.User))
	}
	var candidates []store.APIKey
	for keys, err := range tx.Keys.Chunks(selected) {
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, keys...)
	}
	return candidates, nil
}
