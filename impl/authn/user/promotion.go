package user

import (
	"context"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// promotion is a change by which a user gains roles of ECE's. All changes of users go through save, so there is no
// other way to these roles (docs/decisions/0014-promotion.md).
type promotion struct {
	user   string
	gained []identity.Role
}

// promote finds out whether a change is a promotion, and keeps the user's tenure. It returns fault.UserRolesForbidden
// for a promotion of a user whose password another user set: that one could sign in with it, and would have been
// promoted too.
func promote(before store.User, after *store.User) (promotion, error) {
	p := promotion{user: before.Name}
	after.Tenure, p.gained = before.Tenure.After(before.Roles, after.Roles)
	if len(p.gained) > 0 && before.PasswordShared() && before.PasswordHash == after.PasswordHash {
		return p, fault.New(fault.UserRolesForbidden, "another user set the password of \""+before.Name+
			"\", who has not changed it since: the user can be given a platform role only together with a new password",
			"security.password")
	}
	return p, nil
}

// settle ends everything by which a user was signed in before a promotion, and removes the second factor with its
// recovery codes: each may be in the hands of another, to whom the user was not worth as much.
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

// setter classifies a caller who gives a user a password. The caller is the one that authenticated, also if it acts as
// another user; commands and the start of a server have none.
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
