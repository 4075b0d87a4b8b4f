package user

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// nativeChange is a change of a user by an Elasticsearch operation, with its caller.
type nativeChange struct {
	by    identity.Principal
	proof Proof
}

// own reports whether the caller changes its own user.
func (c nativeChange) own(u store.User) bool { return c.by.User == u.Name }

// add stores a new user.
func (c nativeChange) add(ctx context.Context, tx *store.Tx, u store.User) error {
	if err := c.may(store.User{Name: u.Name}, u.Roles); err != nil {
		return err
	}
	if u.PasswordHash == "" {
		return fault.Unfit("password must be specified unless you are updating an existing user")
	}
	return add(ctx, tx, c.by, u)
}

// replace stores a changed user, which keeps its password unless there is a new one.
func (c nativeChange) replace(ctx context.Context, tx *store.Tx, before, after store.User) error {
	if err := c.may(before, after.Roles); err != nil {
		return err
	}
	if c.own(before) {
		if err := c.mayBeOwn(before, after); err != nil {
			return err
		}
	}
	return save(ctx, tx, c.by, before, updated(before, after))
}

// changeOwnPassword is replace for the caller's own password, which requires no role.
func (c nativeChange) changeOwnPassword(ctx context.Context, tx *store.Tx, before, after store.User) error {
	if before.Builtin {
		return reservedUser(before.Name)
	}
	if err := c.mayBeOwn(before, after); err != nil {
		return err
	}
	return save(ctx, tx, c.by, before, updated(before, after))
}

// updated returns a user with the new attributes that administrators change, and the old ones that the server keeps.
func updated(before, after store.User) store.User {
	u := before
	u.Enabled, u.Roles = after.Enabled, after.Roles
	u.FullName, u.Email, u.Metadata = after.FullName, after.Email, after.Metadata
	u.EmptyFullName, u.EmptyEmail = after.EmptyFullName, after.EmptyEmail
	if after.PasswordHash != "" {
		u.PasswordHash = after.PasswordHash
	}
	return u
}

// may returns an error unless the caller may change a user, which is to have these roles.
func (c nativeChange) may(before store.User, roles []identity.Role) error {
	if before.Builtin {
		return reservedUser(before.Name)
	}
	if !identity.HoldsPlatformRole(before.Roles) && !identity.HoldsPlatformRole(roles) {
		return nil
	}
	if !c.by.IsPlatformAdmin() || c.by.Method == identity.RunAs { // acting as one is not enough
		return fault.New(fault.PermissionDenied, "user ["+c.by.User+"] may not change user ["+before.Name+
			"]: users with platform roles are made, changed and removed by holders of the role ["+string(
			identity.PlatformAdmin)+"] only")
	}
	return c.proof.Elevation
}

// mayBeOwn returns an error unless a caller may change its own user so. An attacker with the caller's session or API
// key must not be able to take over the account.
func (c nativeChange) mayBeOwn(before, after store.User) error {
	if !slices.Equal(slices.Sorted(slices.Values(before.Roles)), slices.Sorted(slices.Values(after.Roles))) {
		return fault.New(fault.UserRolesForbidden, "roles: one's own roles cannot be changed", "roles")
	}
	if before.Enabled != after.Enabled {
		return fault.Invalid([]string{
			"native and reserved realm users may not update the enabled status of their own account",
		})
	}
	if after.PasswordHash == "" || after.PasswordHash == before.PasswordHash {
		return nil
	}
	return c.proof.forOwnPassword("password")
}

func reservedUser(name string) error {
	return fault.New(fault.InvalidData, "user ["+name+"] is reserved and cannot be modified")
}
