package apikey

import (
	"context"
	"iter"
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

// Find yields the selected keys that the caller may see, oldest first, in chunks of a bounded size: all keys, or its
// own. An API key may always see itself. With limits the keys are shown with their owners' role descriptors, which a
// key that may only see itself is not. The filter is checked and the caller authorized. After an error, which is the
// last that it yields, the keys are not complete. It yields fault.InvalidData if foundAtOnce keys have too much to
// show.
//
// Each chunk is read in a transaction of its own, so a caller that takes long over one holds no connection. Every key
// that is selected during the whole call is shown exactly once; a key that is created, changed or purged meanwhile is
// shown as it is when its chunk is read, or not at all.
func (s *Service) Find(
	ctx context.Context, caller access.Subject, f Filter, limits bool,
) iter.Seq2[[]View, error] {
	return func(yield func([]View, error) bool) {
		now := s.store.Now()
		l := list{filter: f, where: f.condition(caller, now), now: now, limits: limits}
		for !l.end {
			read, err := store.Read(ctx, s.store, l.read)
			if err != nil {
				yield(nil, err)
				return
			}
			l = read.next
			if len(read.views) > 0 && !yield(read.views, nil) {
				return
			}
		}
	}
}

const (
	// foundAtOnce is the number of keys that are found at once, and readAtOnce the number of those that are read at
	// once.
	foundAtOnce = 10_000
	readAtOnce  = 500
	// shownAtOnce bounds the metadata and role descriptors that are read at once, in bytes. One key can exceed it.
	shownAtOnce = 512 << 10
)

// list is the rest of a list of keys.
type list struct {
	filter Filter
	where  condition.Condition
	now    time.Time
	limits bool
	// found are the next keys, and after is the last of them, after which others are searched.
	found []store.KeyPosition
	after store.KeyPosition
	// last is set if found has the last keys, and end if no key is left.
	last, end bool
}

// chunk is the first keys of a list, and the rest.
type chunk struct {
	views []View
	next  list
}

// read reads the next chunk. It leaves the list as it is, because the transaction may be retried.
func (l list) read(tx *store.Tx) (chunk, error) {
	if len(l.found) == 0 {
		if err := l.find(tx); err != nil {
			return chunk{}, err
		}
	}

	ids := l.ids()
	views, err := l.show(tx, ids)
	if err != nil {
		return chunk{}, err
	}
	l.found = l.found[len(ids):]
	l.end = l.last && len(l.found) == 0
	return chunk{views, l}, nil
}

// find finds the next keys.
func (l *list) find(tx *store.Tx) error {
	found, err := tx.Keys.Positions(l.where, l.after, l.limits, foundAtOnce)
	if err != nil || len(found) == 0 {
		l.last = true
		return err
	}
	shown := 0
	for _, key := range found {
		shown += key.Shown
	}
	l.found, l.after, l.last = found, found[len(found)-1], len(found) < foundAtOnce
	return checkShown(shown)
}

// ids returns the ids of the keys that are read at once.
func (l *list) ids() []string {
	var ids []string
	shown := 0
	for _, key := range l.found[:min(len(l.found), readAtOnce)] {
		if shown += key.Shown; shown > shownAtOnce && len(ids) > 0 {
			break
		}
		ids = append(ids, key.ID)
	}
	return ids
}

// show returns the keys with their descriptors. It leaves out those that the filter does not select any longer, since
// they were found: their ids, names and users do not change.
func (l *list) show(tx *store.Tx, ids []string) ([]View, error) {
	keys, err := tx.Keys.InOrder(ids)
	if err != nil {
		return nil, err
	}
	shown := newViewer(tx, l.limits)
	if err := shown.fetch(keys); err != nil {
		return nil, err
	}
	views := make([]View, 0, len(keys))
	for _, key := range keys {
		if l.filter.Active && (invalidated(key) || expired(key, l.now)) {
			continue
		}
		view, err := shown.view(key)
		if err != nil {
			return nil, err
		}
		if l.filter.RealmName == "" || l.filter.RealmName == view.Realm.Name {
			views = append(views, view)
		}
	}
	return views, nil
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
