package user

import (
	"context"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// promotion is a change by which a user gains ECE roles. All changes of users go through save, so there is no other way
// to these roles (docs/decisions/0014-promotion.md).
type promotion struct {
	user   string
	gained []identity.Role
}

// promote determines whether a change is a promotion, and updates the user's tenure. It returns
// fault.UserRolesForbidden for a promotion of a user with a password that another user set: the other user could sign
// in with it, and would be promoted too.
func promote(before store.User, after *store.User) (promotion, error) {
	p := promotion{user: before.Name}
	after.Tenure, p.gained = before.Tenure.After(before.Roles, after.Roles)
	if len(p.gained) > 0 && before.PasswordShared() && before.PasswordHash == after.PasswordHash {
		return p, fault.New(fault.UserRolesForbidden, "another user set the password of \""+before.Name+
			"\", which was not changed since: the user can be given a platform role only together with a new password",
			"security.password")
	}
	return p, nil
}

// settle ends all sessions from before a promotion, and removes the second factor with its recovery codes: each may be
// known to another user, to whom the account was not worth as much.
func (p promotion) settle(ctx context.Context, tx *store.Tx) error {
	if len(p.gained) == 0 {
		return nil
	}
	if _, err := tx.Sessions.DeleteUser(p.user); err != nil {
		return err
	}
	removed, err := tx.TOTPDevices.Delete(p.user)
	if err != nil {
		return err
	}
	if removed {
		if err := audit.Record(ctx, tx, audit.DeviceRemoved, p.user, nil); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.UserPromoted, p.user, audit.Details{"roles": p.gained})
}

// setter classifies the caller that sets a user's password. It is the authenticated caller, also if it acts as another
// user; commands and the start of a server have none.
func setter(ctx context.Context, by identity.Principal, name string) store.PasswordSetter {
	actor := audit.OriginOf(ctx).Actor
	switch {
	case actor == audit.System || actor == audit.CommandLine:
		return store.SetByOperator
	case by.User == name && by.InPerson():
		return store.SetByUser
	case by.IsPlatformAdmin() && by.Method != identity.RunAs:
		return store.SetByAdministrator
	}
	return store.SetByOther
}
