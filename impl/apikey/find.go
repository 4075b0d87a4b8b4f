package apikey

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
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
		shown := newViewer(tx, limits)
		for keys, err := range tx.Keys.Chunks(f.condition(caller, tx.Now)) {
			if err != nil {
				return nil, err
			}
			for _, key := range keys {
				view, err := shown.view(key)
				if err != nil {
					return nil, err
				}
				views = append(views, view)
			}
			if err := ctx.Err(); err != nil {
				return nil, err
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

// condition selects the keys of the filter.
func (f Filter) condition(caller access.Subject, now time.Time) condition.Condition {
	selected := condition.Condition{}
	for _, part := range []struct {
		column condition.Column
		text   string
	}{{condition.ID, f.ID}, {condition.UserName, f.UserName}, {condition.Realm, f.RealmName}} {
		if part.text != "" {
			selected = condition.And(selected, condition.Compare(part.column, condition.Equal, part.text))
		}
	}
	if f.Name != "" {
		selected = condition.And(selected, named(f.Name))
	}
	if f.Owned {
		selected = condition.And(selected, ownedBy(caller.User))
	}
	if f.Active {
		selected = condition.And(selected, notInvalidated, notExpired(now))
	}
	return selected
}

// notInvalidated selects the keys that are not invalidated.
var notInvalidated = condition.Not(condition.Present(condition.Invalidation))

// notExpired selects the keys that have not expired.
func notExpired(now time.Time) condition.Condition {
	return condition.Or(
		condition.Not(condition.Present(condition.Expiration)),
		condition.Compare(condition.Expiration, condition.Greater, now.UnixMilli()),
	)
}

// ownedBy selects the keys of a user.
func ownedBy(userName string) condition.Condition {
	return condition.Compare(condition.UserName, condition.Equal, userName)
}

// named selects the keys with a name, or with * at its end those with the beginning of a name.
func named(pattern string) condition.Condition {
	beginning, open := strings.CutSuffix(pattern, "*")
	switch {
	case !open:
		return condition.Compare(condition.Name, condition.Equal, pattern)
	case beginning == "":
		return condition.Condition{}
	}
	return condition.Prefix(condition.Name, beginning)
}
