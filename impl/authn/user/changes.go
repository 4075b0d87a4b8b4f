package user

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// events returns the events that the audit trail records for a change.
func events(before, after store.User) []audit.Event {
	var found []audit.Event
	if before.PasswordHash != after.PasswordHash {
		found = append(found, audit.PasswordChanged)
	}
	if before.Enabled && !after.Enabled {
		found = append(found, audit.UserDisabled)
	}
	if !before.Enabled && after.Enabled {
		found = append(found, audit.UserEnabled)
	}
	if !slices.Equal(before.Roles, after.Roles) {
		found = append(found, audit.RolesChanged)
	}
	if before.FullName != after.FullName || before.Email != after.Email || before.Metadata != after.Metadata ||
		before.EmptyFullName != after.EmptyFullName || before.EmptyEmail != after.EmptyEmail {
		found = append(found, audit.UserUpdated)
	}
	return found
}

// add stores a new user for a caller, or returns store.ErrExists.
func add(ctx context.Context, tx *store.Tx, by identity.Principal, u store.User) error {
	if err := tx.RequireCurrent(by); err != nil {
		return err
	}
	u.CreatedBy = audit.OriginOf(ctx).Actor
	if u.PasswordHash != "" {
		u.PasswordSetBy = setter(ctx, by, u.Name)
	}
	if err := tx.Users.Insert(u); err != nil {
		return err
	}
	details := audit.Details{"roles": u.Roles}
	if u.External() {
		details["realm"] = u.Realm
	}
	if u.Builtin {
		details["builtin"] = true
	}
	return audit.Record(ctx, tx, audit.UserCreated, u.Name, details)
}

// save stores a changed user for a caller, if there is a change. Only save changes the roles of an existing user. It
// returns the errors of promote.
func save(ctx context.Context, tx *store.Tx, by identity.Principal, before, after store.User) error {
	events := events(before, after)
	if len(events) == 0 {
		return nil
	}
	if err := tx.RequireCurrent(by); err != nil {
		return err
	}
	if before.PasswordHash != after.PasswordHash {
		after.PasswordSetBy = setter(ctx, by, after.Name)
	}
	promotion, err := promote(before, &after)
	if err != nil {
		return err
	}
	after.UpdatedBy = audit.OriginOf(ctx).Actor
	if err := tx.Users.Update(after); err != nil {
		return err
	}
	if err := settleChange(ctx, tx, after, events); err != nil {
		return err
	}
	return promotion.settle(ctx, tx)
}

// remove deletes a user with all its records for a caller.
func remove(ctx context.Context, tx *store.Tx, by identity.Principal, name string) error {
	if err := tx.RequireCurrent(by); err != nil {
		return err
	}
	if _, err := tx.Users.Delete(name); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.UserDeleted, name, nil)
}

// settleChange ends the sessions that a change makes invalid, and records the change.
func settleChange(ctx context.Context, tx *store.Tx, after store.User, events []audit.Event) error {
	if slices.Contains(events, audit.PasswordChanged) || slices.Contains(events, audit.UserDisabled) {
		if _, err := tx.Sessions.DeleteUser(after.Name); err != nil {
			return err
		}
	}
	if slices.Contains(events, audit.RolesChanged) {
		if err := tx.Sessions.LowerUser(after.Name); err != nil { // elevation was granted to the user with its old roles
			return err
		}
	}
	for _, event := range events {
		if err := audit.Record(ctx, tx, event, after.Name, audit.Details{"roles": after.Roles}); err != nil {
			return err
		}
	}
	return nil
}
