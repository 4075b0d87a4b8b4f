package apikey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/store"
)

// Update describes a change of keys. Every update renews the snapshot of the owner and its roles.
type Update struct {
	// Assigned holds the new role descriptors: nil keeps the old ones, an empty set removes them.
	Assigned roledescriptor.Set
	// Metadata replaces the old metadata; nil keeps it.
	Metadata map[string]any
	// Lifetime counts from now, in whole seconds; nil keeps the expiration.
	Lifetime *time.Duration

	crossCluster bool
	// certificateIdentity is nil to keep that of the key, and empty to remove it.
	certificateIdentity *string
}

// Outcome is the result of an update for each key, in the order of the request.
type Outcome struct {
	Updated, Noops []string
	// Failed maps the ids of the keys that were not changed to the reasons.
	Failed map[string]*fault.Error
}

// BulkUpdate changes those of the caller's own keys that can be changed, in one transaction, and returns the result for
// each id. A dry run returns the same and changes nothing. The caller is authorized, and the update has no Problems. It
// returns fault.InvalidData to an API key regardless of its privileges, because only a key's owner in person changes
// it.
func (s *Service) BulkUpdate(
	ctx context.Context, caller access.Subject, ids []string, u Update, dryRun bool,
) (Outcome, error) {
	return s.update(ctx, caller, ids, u, dryRun)
}

// Update is BulkUpdate of one key. It reports whether the key was changed, or returns the reason against it: beside the
// errors of BulkUpdate, fault.ResourceMissing and InvalidData.
func (s *Service) Update(ctx context.Context, caller access.Subject, id string, u Update) (bool, error) {
	outcome, err := s.update(ctx, caller, []string{id}, u, false)
	if err != nil {
		return false, err
	}
	if failed := outcome.Failed[id]; failed != nil {
		return false, failed
	}
	return len(outcome.Updated) > 0, nil
}

// Problems returns what is invalid in the update, for fault.Invalid. Privileges must have one of the names.
func (u Update) Problems(names privilege.Names) []string {
	messages := metadataProblems(u.Metadata)
	messages = append(messages, roledescriptor.Validate(u.Assigned, names)...)
	if u.Lifetime != nil && *u.Lifetime <= 0 {
		messages = append(messages, "API key expiration must be in the future")
	}
	return messages
}

func (s *Service) update(
	ctx context.Context, caller access.Subject, ids []string, u Update, dryRun bool,
) (Outcome, error) {
	if caller.Method == identity.APIKey {
		return Outcome{}, fault.New(fault.InvalidData,
			"authentication via API key not supported: only the owner user can update an API key")
	}
	if caller.Method == identity.ServiceToken {
		return Outcome{}, fault.New(fault.InvalidData, cannotOwn(caller.Principal))
	}
	if err := roledescriptor.CheckRestrictions(u.Assigned); err != nil {
		return Outcome{}, err
	}

	// Most updates of a fleet change nothing, so they are judged without the lock of the write transaction. What is to
	// be changed is judged again there. Unknown ids do not get that far, because on SQLite only one transaction writes
	// at a time, and a request may have 100,000 ids.
	judged, err := store.Read(ctx, s.store, func(tx *store.Tx) (judgment, error) {
		return s.judge(ctx, tx, caller.Principal, ids, ids, u)
	})
	if err != nil || dryRun || len(judged.Updated) == 0 {
		return judged.Outcome, err
	}

	outcome, err := store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		if err := lockMany(tx, len(judged.owned)); err != nil {
			return Outcome{}, err
		}
		now, err := s.judge(ctx, tx, caller.Principal, ids, judged.owned, u)
		if err != nil || len(now.Updated) == 0 {
			return now.Outcome, err
		}
		return now.Outcome, now.changes.apply(ctx)
	})
	if err == nil {
		s.sweep()
	}
	return outcome, err
}

// judgment is what an update does to the keys that one transaction reads.
type judgment struct {
	Outcome

	// owned are the ids that are keys of the caller.
	owned   []string
	changes *changes
}

// lockMany locks keys against other changes while several are changed.
func lockMany(tx *store.Tx, keys int) error {
	if keys < 2 {
		return nil
	}
	return tx.Keys.Lock()
}

// change prepares the change of any key, which refers to the documents.
func (u Update) change(now time.Time, to documents) (store.KeyChange, error) {
	change := store.KeyChange{Version: version, CertificateIdentity: u.certificateIdentity}
	if u.Assigned != nil {
		assigned, err := putAssigned(to, u.Assigned)
		if err != nil {
			return change, err
		}
		change.Assigned = &assigned
	}
	if u.Metadata != nil {
		text, err := metadata.Text(u.Metadata)
		if err != nil {
			return change, err
		}
		change.Metadata = &text
	}
	if u.Lifetime != nil {
		end := now.Add(u.Lifetime.Truncate(time.Second))
		change.ExpiresAt = &end
	}
	return change, nil
}

// judge determines the outcome for each id, and the changes of the keys to update. It stores nothing. A repeated id
// counts once. Ids that are not among the candidates are not looked up.
func (s *Service) judge(
	ctx context.Context, tx *store.Tx, p identity.Principal, ids, candidates []string, u Update,
) (judgment, error) {
	owner, err := enabledOwner(tx, p.User)
	if err != nil {
		return judgment{}, err
	}
	if err := tx.RequireCurrent(p); err != nil {
		return judgment{}, err
	}
	changes, err := s.newChanges(tx, p, owner, u)
	if err != nil {
		return judgment{}, err
	}
	keys, err := tx.Keys.Owned(owner.Name, candidates)
	if err != nil {
		return judgment{}, err
	}

	outcome, err := s.outcome(ctx, ids, keys, changes)
	return judgment{outcome, slices.Collect(maps.Keys(keys)), changes}, err
}

// outcome determines the outcome for each id, and adds the keys to update to their changes.
func (s *Service) outcome(
	ctx context.Context, ids []string, keys map[string]store.APIKey, changes *changes,
) (Outcome, error) {
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
		key, owned := keys[id]
		if failed := s.unchangeable(key, owned, id, changes); failed != nil {
			outcome.Failed[id] = failed
			continue
		}
		change, err := changes.of(key)
		if err != nil {
			return Outcome{}, err
		}
		same, err := changes.keepAssigned(key)
		if err != nil {
			return Outcome{}, err
		}
		if same && change.noop(key) {
			outcome.Noops = append(outcome.Noops, id)
			continue
		}
		change.add(key)
		outcome.Updated = append(outcome.Updated, id)
	}
	return outcome, nil
}

// unchangeable returns the reason why a key cannot be changed, or nil. It does not disclose whether another user owns
// the key.
func (s *Service) unchangeable(key store.APIKey, owned bool, id string, changes *changes) *fault.Error {
	end := changes.common.ExpiresAt
	switch {
	case !owned:
		return fault.New(fault.ResourceMissing, "no API key owned by requesting user found for ID ["+id+"]")
	case invalidated(key):
		return fault.New(fault.InvalidData, "cannot update invalidated API key ["+id+"]")
	case expired(key, changes.tx.Now):
		return fault.New(fault.InvalidData, "cannot update expired API key ["+id+"]")
	case crossCluster(key) != changes.crossCluster:
		return fault.New(fault.InvalidData, "cannot update API key of type ["+key.Type+"] while expected type is ["+
			typeOf(changes.crossCluster)+"]")
	case end != nil && s.settings.MaxLifetime > 0 && end.Sub(key.CreatedAt) > s.settings.MaxLifetime:
		return fault.New(fault.InvalidData,
			fmt.Sprintf("cannot let API key [%s] live for more than %s after its creation, the maximum on this server", id,
				s.settings.MaxLifetime))
	}
	return nil
}

// add adds a key to those that get the change.
func (change *keysChange) add(key store.APIKey) {
	change.ids = append(change.ids, key.ID)
	after := [...]string{key.Assigned, change.LimitedBy, change.Creator}
	if change.Assigned != nil {
		after[0] = *change.Assigned
	}
	for _, document := range [...]string{key.Assigned, key.LimitedBy, key.Creator} {
		if document != "" && !slices.Contains(after[:], document) {
			if change.released == nil {
				change.released = map[string]bool{}
			}
			change.released[document] = true
		}
	}
}

// noop reports whether a change, which keeps the assigned descriptors, would leave a key as it is. Any new expiration
// is a change, even the same one.
func (change *keysChange) noop(key store.APIKey) bool {
	return change.ExpiresAt == nil && key.Version == change.Version &&
		(key.Creator == change.Creator || key.Creator == change.keeping) && key.LimitedBy == change.LimitedBy &&
		(change.Metadata == nil || metadata.Same(*change.Metadata, key.Metadata)) &&
		(change.CertificateIdentity == nil || *change.CertificateIdentity == key.CertificateIdentity)
}

// apply changes the keys, and records the change of each. It stores only documents that a changed key refers to.
func (c *changes) apply(ctx context.Context) error {
	if err := c.assigned.store(c.tx); err != nil {
		return err
	}
	for _, each := range c.all {
		if len(each.ids) == 0 {
			continue
		}
		if err := each.apply(ctx, c.tx, c.owner.Name, c.binding); err != nil {
			return err
		}
	}
	return nil
}

func (change *keysChange) apply(ctx context.Context, tx *store.Tx, owner string, b binding) error {
	if err := change.origin.store(tx); err != nil {
		return err
	}
	if err := tx.Keys.Update(change.ids, change.KeyChange); err != nil {
		return err
	}
	if err := tx.Documents.Release(slices.Collect(maps.Keys(change.released))...); err != nil {
		return err
	}
	if err := tx.Keys.Trust(change.ids); err != nil { // the change determines the binding
		return err
	}
	details := audit.Details{"user": owner, "binding": b.text()}
	if change.Assigned != nil {
		details["role_descriptors"] = *change.Assigned
	}
	if change.Metadata != nil {
		details["metadata"] = "replaced"
	}
	if change.CertificateIdentity != nil {
		details["certificate_identity"] = *change.CertificateIdentity
	}
	if change.ExpiresAt != nil {
		details["expires_at"] = *change.ExpiresAt
	}
	return audit.RecordEach(ctx, tx, audit.KeyUpdated, change.ids, details)
}
