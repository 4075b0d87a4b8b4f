// Package audit records security-relevant changes with their actors. An entry is written in the transaction of its
// change, so that neither exists without the other.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/sallyport/sallyport/impl/store"
)

// Event is the name of a kind of change.
type Event string

// All events.
const (
	// AccountUpdated: the account's settings changed.
	AccountUpdated Event = "account.updated"
	// UserCreated: a user was added.
	UserCreated Event = "user.created"
	// UserEnabled: a user may sign in again.
	UserEnabled Event = "user.enabled"
	// UserDisabled: a user may no longer sign in; the user's sessions ended and API keys stopped working.
	UserDisabled Event = "user.disabled"
	// PasswordChanged: a user has a new password; the user's sessions ended.
	PasswordChanged Event = "user.password_changed"
	// UserUpdated: a user's full name, e-mail address or metadata changed.
	UserUpdated Event = "user.updated"
	// RolesChanged: a user has new roles, which the details name; the user's elevations ended.
	RolesChanged Event = "user.roles_changed"
	// UserPromoted: a user gained ECE roles, which the details name; the user's sessions ended and the second factor is
	// removed.
	UserPromoted Event = "user.promoted"
	// UserDeleted: a user was removed, with its sessions, API keys, profile and second factor.
	UserDeleted Event = "user.deleted"
	// UserLocked: a user is locked after too many wrong guesses, until the time that the details name.
	UserLocked Event = "user.locked"
	// UserUnlocked: an administrator cleared a user's wrong guesses.
	UserUnlocked Event = "user.unlocked"
	// GuessFailed: a password, a one-time code or a recovery code was wrong, or the user is locked or disabled.
	GuessFailed Event = "guess.failed"
	// DeviceEnrolled: a user enrolled a second factor, which is not confirmed yet.
	DeviceEnrolled Event = "totp.enrolled"
	// DeviceConfirmed: a user's second factor is confirmed, and required from now on.
	DeviceConfirmed Event = "totp.confirmed"
	// DeviceRemoved: a user's second factor was removed.
	DeviceRemoved Event = "totp.removed"
	// RecoveryCodeUsed: a user presented a recovery code instead of a one-time code.
	RecoveryCodeUsed Event = "totp.recovery_code_used"
	// ElevationStarted: a session acquired or extended elevated permissions.
	ElevationStarted Event = "elevation.started"
	// ElevationEnded: a session gave up elevated permissions.
	ElevationEnded Event = "elevation.ended"
	// SessionStarted: a user signed in; the details name the grant type if the sign-in was for access tokens.
	SessionStarted Event = "session.started"
	// SessionEnded: a user signed out, the user's tokens were invalidated, or a limit ended the oldest sessions; in the
	// last two cases the details count the sessions.
	SessionEnded Event = "session.ended"
	// KeyCreated: an API key was created.
	KeyCreated Event = "api_key.created"
	// KeyUpdated: an API key's role descriptors, metadata or expiration changed, or the snapshot of its owner's roles did.
	KeyUpdated Event = "api_key.updated"
	// KeyBound: an API key that a user other than its owner created with an older version no longer gains privileges by
	// the owner's promotions.
	KeyBound Event = "api_key.bound"
	// KeyInvalidated: an API key was invalidated.
	KeyInvalidated Event = "api_key.invalidated"
	// KeysRevoked: all API keys of a user were revoked; the details hold their number and the user's new epoch.
	KeysRevoked Event = "api_keys.revoked"
	// KeyPurged: an API key that was invalidated or expired long ago was deleted.
	KeyPurged Event = "api_key.purged"
	// ServiceTokenCreated: a token of a service account was created.
	ServiceTokenCreated Event = "service_token.created"
	// ServiceTokenDeleted: a token of a service account was deleted.
	ServiceTokenDeleted Event = "service_token.deleted"
	// ProfileActivated: a user's profile was created, or enabled and synchronized.
	ProfileActivated Event = "profile.activated"
	// ProfileUpdated: the labels or data of a user's profile changed; the details name applications.
	ProfileUpdated Event = "profile.updated"
	// ProfileEnabled: a user's profile is suggested again.
	ProfileEnabled Event = "profile.enabled"
	// ProfileDisabled: a user's profile is no longer suggested.
	ProfileDisabled Event = "profile.disabled"
	// RolePut: an Elasticsearch role was added or replaced.
	RolePut Event = "role.put"
	// RoleDeleted: an Elasticsearch role was removed.
	RoleDeleted Event = "role.deleted"
	// RoleMappingPut: a role mapping was added or replaced; the details hold its roles.
	RoleMappingPut Event = "role_mapping.put"
	// RoleMappingDeleted: a role mapping was removed.
	RoleMappingDeleted Event = "role_mapping.deleted"
	// ApplicationPrivilegePut: an application privilege was added or replaced.
	ApplicationPrivilegePut Event = "application_privilege.put"
	// ApplicationPrivilegeDeleted: an application privilege was removed.
	ApplicationPrivilegeDeleted Event = "application_privilege.deleted"
	// SigningKeyCreated: the server created a key for signing session tokens.
	SigningKeyCreated Event = "signing_key.created"
	// SigningKeyRetired: another key replaces this one; the details name the time of that, and until when this one
	// verifies.
	SigningKeyRetired Event = "signing_key.retired"
	// SigningKeyDeleted: a key was deleted, because its tokens expired or because an administrator ended all sessions.
	SigningKeyDeleted Event = "signing_key.deleted"
	// EntriesRemoved: entries of the audit trail that were older than the retention were removed; the details count them,
	// and name the time before which they were written.
	EntriesRemoved Event = "audit.entries_removed"
	// KeyEncryptionKeyAdded: a server began to encrypt with another key, which the subject names by its id.
	KeyEncryptionKeyAdded Event = "key_encryption_key.added"
	// KeyEncryptionKeyRetired: a rotation began to re-encrypt what is encrypted with the key; the details have the id of
	// the key that replaces it.
	KeyEncryptionKeyRetired Event = "key_encryption_key.retired"
	// KeyEncryptionKeyReplaced: all secrets in the database were re-encrypted with another key; the details count them.
	KeyEncryptionKeyReplaced Event = "key_encryption_key.replaced"
)

// Origin identifies the source of a change.
type Origin struct {
	// Actor is a user's name, System or CommandLine.
	Actor string
	// ActingAs is the user that the actor impersonates; empty if there is none.
	ActingAs  string
	Address   string
	RequestID string
	// OSUser is the operating system's user that runs the command, and SudoUser the one that called it by sudo; empty if
	// there is none.
	OSUser, SudoUser string
}

// System is the actor of changes without a user, such as those at the first start.
const System = "(system)"

// CommandLine is the actor of changes by a command on the server's machine.
const CommandLine = "(command line)"

type contextKey struct{}

// WithOrigin returns a context with an origin, which Record adds to entries.
func WithOrigin(ctx context.Context, o Origin) context.Context { return WithOriginAt(ctx, &o) }

// WithOriginAt is WithOrigin for an origin of which more becomes known later. It must not change concurrently.
func WithOriginAt(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, contextKey{}, o)
}

// OriginOf returns the context's origin. Without one the actor is System.
func OriginOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(contextKey{}).(*Origin); ok {
		return *o
	}
	return Origin{Actor: System}
}

// Details holds further facts about a change. It must not hold secrets.
type Details map[string]any

// complete returns a copy of the details with the impersonated user and those of the operating system, if any.
func (o Origin) complete(details Details) Details {
	all := Details{}
	maps.Copy(all, details)
	if o.ActingAs != "" {
		all["acting_as"] = o.ActingAs
	}
	if o.OSUser != "" {
		all["os_user"] = o.OSUser
	}
	if o.SudoUser != "" {
		all["sudo_user"] = o.SudoUser
	}
	return all
}

// Record adds an entry to the transaction. The subject identifies the changed object, by a user's name or a key's id.
func Record(ctx context.Context, tx *store.Tx, event Event, subject string, details Details) error {
	entry, err := entryOf(ctx, event, details)
	if err != nil {
		return err
	}
	entry.Subject = subject
	if entry.ID, err = newID(tx); err != nil {
		return err
	}
	return tx.Audit.Insert(entry)
}

// RecordEach adds an entry for each of many subjects of the same change.
func RecordEach(ctx context.Context, tx *store.Tx, event Event, subjects []string, details Details) error {
	if len(subjects) == 0 {
		return nil
	}

	common, err := entryOf(ctx, event, details)
	if err != nil {
		return err
	}

	entries := make([][2]string, len(subjects))
	for i, subject := range subjects {
		id, err := newID(tx)
		if err != nil {
			return err
		}
		entries[i] = [2]string{id, subject}
	}
	return tx.Audit.InsertAll(common, entries)
}

// entryOf returns an entry without id and subject.
func entryOf(ctx context.Context, event Event, details Details) (store.AuditEntry, error) {
	origin := OriginOf(ctx)
	text, err := json.Marshal(origin.complete(details))
	if err != nil {
		err = fmt.Errorf("audit: details of %s: %w", event, err)
	}
	return store.AuditEntry{
		Event:     string(event),
		Actor:     origin.Actor,
		Address:   origin.Address,
		RequestID: origin.RequestID,
		Details:   string(text),
	}, err
}

// newID returns an id that is ordered by time, so that entries with equal timestamps stay in order.
func newID(tx *store.Tx) (string, error) {
	id, err := tx.Random.Of("audit").OrderedID(tx.Now)
	if err != nil {
		err = fmt.Errorf("audit: entry id: %w", err)
	}
	return id, err
}
