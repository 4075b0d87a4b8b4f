package apikey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Update is what to change of keys. Whatever it says, the snapshot of the owner and the owner's roles is taken anew.
type Update struct {
	// Assigned are the key's new role descriptors: nil keeps the old ones, an empty set removes them.
	Assigned roledescriptor.Set
	// Metadata replaces the old; nil keeps it.
	Metadata map[string]any
	// Lifetime counts from now, in whole seconds; nil keeps the end.
	Lifetime *time.Duration
}

// Outcome is what became of each key, in the order of the request.
type Outcome struct {
	Updated, Noops []string
	// Failed has why a key was not changed, by its id.
	Failed map[string]*fault.Error
}

// BulkUpdate changes those of the caller's own keys that can be changed, all in one transaction, and says of each id
// what became of it. A dry run says the same and changes nothing. It returns fault.RequestInvalid, SecurityDenied, and
// IllegalArgument to an API key, whatever it may do: only a key's owner in person changes it.
func (s *Service) BulkUpdate(
	ctx context.Context, caller access.Subject, ids []string, u Update, dryRun bool,
) (Outcome, error) {
	messages := u.problems()
	if len(ids) == 0 {
		messages = append([]string{"Field [ids] cannot be empty"}, messages...)
	}
	if err := fault.Invalid(messages); err != nil {
		return Outcome{}, err
	}
	return s.update(ctx, caller, actionBulkUpdate, ids, u, dryRun)
}

// Update is BulkUpdate of one key. It tells whether the key was changed, and returns what kept it from being so: beside
// the errors of BulkUpdate these are fault.ResourceMissing and IllegalArgument.
func (s *Service) Update(ctx context.Context, caller access.Subject, id string, u Update) (bool, error) {
	if err := fault.Invalid(u.problems()); err != nil {
		return false, err
	}
	outcome, err := s.update(ctx, caller, actionUpdate, []string{id}, u, false)
	if err != nil {
		return false, err
	}
	if failed := outcome.Failed[id]; failed != nil {
		return false, failed
	}
	return len(outcome.Updated) > 0, nil
}

func (u Update) problems() []string {
	messages := metadataProblems(u.Metadata)
	messages = append(messages, roledescriptor.Validate(u.Assigned)...)
	if u.Lifetime != nil && *u.Lifetime <= 0 {
		messages = append(messages, "API key expiration must be in the future")
	}
	return messages
}

func (s *Service) update(
	ctx context.Context, caller access.Subject, action string, ids []string, u Update, dryRun bool,
) (Outcome, error) {
	if err := caller.Require(action); err != nil {
		return Outcome{}, err
	}
	if caller.Method == identity.APIKey {
		return Outcome{}, fault.New(fault.InvalidData,
			"authentication via API key not supported: only the owner user can update an API key")
	}
	if err := roledescriptor.CheckRestrictions(u.Assigned); err != nil {
		return Outcome{}, err
	}
	owned, err := s.owned(ctx, caller.User, ids)
	if err != nil {
		return Outcome{}, err
	}
	outcome, err := store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		if err := lockMany(tx, len(owned)); err != nil {
			return Outcome{}, err
		}
		return s.updateOwned(ctx, tx, caller.Principal, ids, owned, u, dryRun)
	})
	var unchanged unchangedError
	if errors.As(err, &unchanged) {
		return unchanged.Outcome, nil
	}
	return outcome, err
}

func (s *Service) updateOwned(
	ctx context.Context, tx *store.Tx, p identity.Principal, ids, owned []string, u Update, dryRun bool,
) (Outcome, error) {
	owner, err := enabledOwner(tx, p.User)
	if err != nil {
		return Outcome{}, err
	}
	if err := tx.RequireCurrent(p); err != nil {
		return Outcome{}, err
	}
	changes, err := s.newChanges(tx, p, owner, u)
	if err != nil {
		return Outcome{}, err
	}
	outcome, err := s.judge(ctx, tx, owner.Name, ids, owned, changes)
	if err != nil {
		return Outcome{}, err
	}
	if dryRun || len(outcome.Updated) == 0 {
		return Outcome{}, unchangedError{outcome}
	}
	for _, each := range changes.all {
		if err := apply(ctx, tx, each, owner.Name, changes.binding); err != nil {
			return Outcome{}, err
		}
	}
	return outcome, s.sweep(tx)
}

// lockMany keeps others from changing keys while many of them are changed.
func lockMany(tx *store.Tx, keys int) error {
	if keys < 2 {
		return nil
	}
	return tx.Keys.Lock()
}

// owned returns those of the ids that are a user's keys'. It is asked before the transaction: SQLite has
// one that writes at a time, and of a hundred thousand ids perhaps none is a key.
func (s *Service) owned(ctx context.Context, userName string, ids []string) ([]string, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) { return tx.Keys.OwnedIDs(userName, ids) })
}

// unchangedError is the outcome of an update that changes no key. It rolls back the transaction, so that the documents
// stored for the update are not left unreferenced.
type unchangedError struct{ Outcome }

func (unchangedError) Error() string { return "apikey: no key is to be changed" }

// change prepares what an update makes of any key, and stores the documents that it needs.
func (u Update) change(tx *store.Tx) (store.KeyChange, error) {
	change := store.KeyChange{Version: version}
	if u.Assigned != nil {
		assigned, err := putAssigned(tx, u.Assigned)
		if err != nil {
			return change, err
		}
		change.Assigned = &assigned
	}
	if u.Metadata != nil {
		metadata, err := metadataText(u.Metadata)
		if err != nil {
			return change, err
		}
		change.Metadata = &metadata
	}
	if u.Lifetime != nil {
		end := tx.Now.Add(u.Lifetime.Truncate(time.Second))
		change.ExpiresAt = &end
	}
	return change, nil
}

// judge sorts keys by what is to become of them, and adds those to be updated to their changes. Each counts once,
// however often it is named. Those that are not among the owned ones are not looked for.
func (s *Service) judge(
	ctx context.Context, tx *store.Tx, owner string, ids, owned []string, changes *changes,
) (Outcome, error) {
	keys, err := tx.Keys.ByIDs(owned)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Updated: []string{}, Noops: []string{}, Failed: map[string]*fault.Error{}}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		key, found := keys[id]
		if failed := s.unchangeable(tx, key, found && key.UserName == owner, id, changes.common); failed != nil {
			outcome.Failed[id] = failed
			continue
		}
		change, err := changes.of(key)
		if err != nil {
			return Outcome{}, err
		}
		if change.noop(key) {
			outcome.Noops = append(outcome.Noops, id)
			continue
		}
		change.ids = append(change.ids, id)
		outcome.Updated = append(outcome.Updated, id)
	}
	return outcome, nil
}

// unchangeable returns why a key cannot be changed, or nil. Whose key it is, is not told to others.
func (s *Service) unchangeable(
	tx *store.Tx, key store.APIKey, owned bool, id string, change store.KeyChange,
) *fault.Error {
	switch {
	case !owned:
		return fault.New(fault.ResourceMissing, "no API key owned by requesting user found for ID ["+id+"]")
	case invalidated(key):
		return fault.New(fault.InvalidData, "cannot update invalidated API key ["+id+"]")
	case expired(key, tx.Now):
		return fault.New(fault.InvalidData, "cannot update expired API key ["+id+"]")
	case change.ExpiresAt != nil && s.settings.MaxLifetime > 0 &&
		change.ExpiresAt.Sub(key.CreatedAt) > s.settings.MaxLifetime:
		return fault.New(fault.InvalidData,
			fmt.Sprintf("cannot let API key [%s] live for more than %s after its creation, the maximum on this server", id,
				s.settings.MaxLifetime))
	}
	return nil
}

// noop reports whether a change would leave a key as it is. Any new end is a change, even the same one.
func (change *keysChange) noop(key store.APIKey) bool {
	return change.ExpiresAt == nil && key.Version == change.Version &&
		(key.Creator == change.Creator || key.Creator == change.keeping) && key.LimitedBy == change.LimitedBy &&
		(change.Metadata == nil || *change.Metadata == key.Metadata) &&
		(change.Assigned == nil || *change.Assigned == key.Assigned)
}

// apply changes the keys, and records it for each.
func apply(ctx context.Context, tx *store.Tx, change *keysChange, owner string, b binding) error {
	if len(change.ids) == 0 {
		return nil
	}
	if err := tx.Keys.Update(change.ids, change.KeyChange); err != nil {
		return err
	}
	if err := tx.Keys.Trust(change.ids); err != nil { // the change decides
		return err
	}
	details := audit.Details{"user": owner, "binding": b.text()}
	if change.Assigned != nil {
		details["role_descriptors"] = *change.Assigned
	}
	if change.Metadata != nil {
		details["metadata"] = "replaced"
	}
	if change.ExpiresAt != nil {
		details["expires_at"] = *change.ExpiresAt
	}
	return audit.RecordEach(ctx, tx, audit.KeyUpdated, change.ids, details)
}
