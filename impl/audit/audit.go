// Package audit records who changed what. An entry is written in the transaction of the change, so that there is neither
// a change without its entry nor an entry without its change.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/sallyport/sallyport/impl/store"
)

// Event is what happened.
type Event string

// Every event there is.
const (
	// AccountUpdated: the account's settings were changed.
	AccountUpdated Event = "account.updated"
	// UserCreated: a user was added.
	UserCreated Event = "user.created"
	// UserEnabled: a user may sign in again.
	UserEnabled Event = "user.enabled"
	// UserDisabled: a user may no longer sign in; sessions have ended and API keys have stopped.
	UserDisabled Event = "user.disabled"
	// PasswordChanged: a user has a new password; sessions have ended.
	PasswordChanged Event = "user.password_changed"
	// UserUpdated: a user's full name, e-mail address or metadata were changed.
	UserUpdated Event = "user.updated"
	// RolesChanged: a user has other roles, which the details name; elevation has ended.
	RolesChanged Event = "user.roles_changed"
	// UserPromoted: a user gained the roles of ECE's that the details name; sessions have ended, and the second factor is removed.
	UserPromoted Event = "user.promoted"
	// UserDeleted: a user was removed, with sessions, keys and second factor.
	UserDeleted Event = "user.deleted"
	// UserLocked: after too many wrong guesses a user can sign in only after some time.
	UserLocked Event = "user.locked"
	// UserUnlocked: an administrator forgot a user's wrong guesses.
	UserUnlocked Event = "user.unlocked"
	// GuessFailed: a password, a one-time code or a recovery code was wrong, or came from a user who is locked or disabled.
	GuessFailed Event = "guess.failed"
	// DeviceEnrolled: a user began to set up a second factor.
	DeviceEnrolled Event = "totp.enrolled"
	// DeviceConfirmed: a user's second factor counts from now on.
	DeviceConfirmed Event = "totp.confirmed"
	// DeviceRemoved: a user has no second factor any more.
	DeviceRemoved Event = "totp.removed"
	// RecoveryCodeUsed: a recovery code was used in place of the second factor.
	RecoveryCodeUsed Event = "totp.recovery_code_used"
	// ElevationStarted: a session took, or prolonged, elevated permissions.
	ElevationStarted Event = "elevation.started"
	// ElevationEnded: a session gave up elevated permissions.
	ElevationEnded Event = "elevation.ended"
	// SessionStarted: a user signed in; the details name the grant if that was for access tokens.
	SessionStarted Event = "session.started"
	// SessionEnded: a user signed out, tokens of the user's were invalidated, or there were too many; the details then say how many
	// sessions ended.
	SessionEnded Event = "session.ended"
	// KeyCreated: an API key was created.
	KeyCreated Event = "api_key.created"
	// KeyUpdated: an API key's role descriptors, metadata or end were changed, or its owner's roles were looked up anew.
	KeyUpdated Event = "api_key.updated"
	// KeyBound: an API key that another than its owner had made with an older program gains nothing by the owner's promotion any more.
	KeyBound Event = "api_key.bound"
	// KeyInvalidated: an API key works no longer.
	KeyInvalidated Event = "api_key.invalidated"
	// KeysRevoked: all API keys of a user work no longer; the details count them and have the user's new epoch.
	KeysRevoked Event = "api_keys.revoked"
	// KeyPurged: an API key that was invalidated or expired long ago is shown no longer.
	KeyPurged Event = "api_key.purged"
	// RolePut: a role of Elasticsearch's was added or replaced.
	RolePut Event = "role.put"
	// RoleDeleted: a role of Elasticsearch's was removed.
	RoleDeleted Event = "role.deleted"
	// ApplicationPrivilegePut: a privilege of an application was added or replaced.
	ApplicationPrivilegePut Event = "application_privilege.put"
	// ApplicationPrivilegeDeleted: a privilege of an application was removed.
	ApplicationPrivilegeDeleted Event = "application_privilege.deleted"
	// SigningKeyCreated: the server made a key to sign session tokens with.
	SigningKeyCreated Event = "signing_key.created"
	// SigningKeyRetired: another key will take over at a time that the details name, with that until which this one verifies.
	SigningKeyRetired Event = "signing_key.retired"
	// SigningKeyDeleted: a key is gone, because its tokens have ended, or because somebody ended all.
	SigningKeyDeleted Event = "signing_key.deleted"
	// KeyEncryptionKeyReplaced: what the database has sealed is sealed with another key; the details count it.
	KeyEncryptionKeyReplaced Event = "key_encryption_key.replaced"
)

// Origin is where a change comes from.
type Origin struct {
	// Actor is a user's name, or what else acts, such as System.
	Actor string
	// ActingAs is the user as whom the actor acts; empty if it is oneself.
	ActingAs  string
	Address   string
	RequestID string
}

// System acts when no user does: at the first start, for example.
const System = "(system)"

// CommandLine acts for whoever runs a command on the server's machine.
const CommandLine = "(command line)"

type contextKey struct{}

// WithOrigin returns a context whose changes are recorded as coming from there.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, contextKey{}, o)
}

// OriginOf returns the context's origin; System if it has none.
func OriginOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(contextKey{}).(Origin); ok {
		return o
	}
	return Origin{Actor: System}
}

// Details are facts about a change. They never hold a secret.
type Details map[string]any

// complete adds to details what the origin knows. It leaves the caller's as they are.
func (o Origin) complete(details Details) Details {
	all := Details{}
	maps.Copy(all, details)
	if o.ActingAs != "" {
		all["acting_as"] = o.ActingAs
	}
	return all
}

// Record adds an entry to the transaction. The subject is whom or what the change is about: a user's name, a key's id.
func Record(ctx context.Context, tx *store.Tx, event Event, subject string, details Details) error {
	entry, err := entryOf(ctx, event, details)
	if err != nil {
		return err
	}
	entry.Subject = subject
	if entry.ID, err = newID(); err != nil {
		return err
	}
	return tx.InsertAuditEntry(entry)
}

// RecordEach is Record of one change that many subjects have gone through.
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
		id, err := newID()
		if err != nil {
			return err
		}
		entries[i] = [2]string{id, subject}
	}
	return tx.InsertAuditEntries(common, entries)
}

// entryOf is what the entries of a change have in common.
func entryOf(ctx context.Context, event Event, details Details) (store.AuditEntry, error) {
	origin := OriginOf(ctx)
	text, err := json.Marshal(origin.complete(details))
	if err != nil {
		err = fmt.Errorf("audit: %s: %w", event, err)
	}
	return store.AuditEntry{
		Event: string(event), Actor: origin.Actor, Address: origin.Address, RequestID: origin.RequestID, Details: string(text),
	}, err
}

// newID returns one that is ordered by time, so that entries of one moment stay in order.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		err = fmt.Errorf("audit: %w", err)
	}
	return id.String(), err
}
