package user

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/store"
)

// Native is a user as Elasticsearch's operations describe one, without the name.
type Native struct {
	// Password and PasswordHash are nil if they are not given; an existing user then keeps its password. A hash must be
	// one that secret.CheckHash accepts.
	Password, PasswordHash *string
	// Roles holds roles of ECE and Elasticsearch. The latter need not be defined. Nil if they are not given.
	Roles []string
	// FullName and Email are nil for none.
	FullName, Email *string
	// Metadata is nil for none.
	Metadata map[string]any
	// Enabled is true by default.
	Enabled bool
}

// PutNative adds a user, or replaces all of it but a password that is not given, and reports whether it added one.
// Sessions and elevation end as with Patch. by is the authenticated caller, also if it acts as another user. It returns
// the errors of Check, and
//
//   - fault.ValidationFailed for a new user without a password, fault.RequestInvalid for one with the name of a
//     built-in user of Elasticsearch, and fault.UserNameInvalid for one with a built-in user's name in another
//     spelling,
//   - fault.InvalidData for a built-in user and for a user of an identity provider,
//   - fault.PermissionDenied to a caller that is no platform administrator, for a change of a user with an ECE role or
//     that grants one: Elasticsearch's privileges never lead to those of ECE; and Proof's Elevation to a platform
//     administrator,
//   - fault.UserRolesForbidden for a promotion that needs a new password,
//   - fault.UserRolesForbidden and RequestInvalid to a caller that changes its own roles or state, and
//     fault.RecentPasswordNeeded or Proof's SecondFactor to one that changes its own password without proof.
func (s *Service) PutNative(
	ctx context.Context, by identity.Principal, name string, n Native, proof Proof,
) (created bool, err error) {
	if err := n.Check(name); err != nil {
		return false, err
	}
	after, err := s.native(ctx, name, n)
	if err != nil {
		return false, err
	}
	c := nativeChange{by: by, proof: proof}
	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		before, err := tx.Users.Find(name)
		if errors.Is(err, store.ErrNotFound) {
			if checkUnreserved(name) != nil {
				return false, fault.Invalid([]string{"user [" + name + "] is reserved and only the password can be changed"})
			}
			if err := checkNewName(name); err != nil {
				return false, err
			}
			return true, c.add(ctx, tx, after)
		}
		if err != nil {
			return false, err
		}
		if before.External() {
			return false, externalUser(name)
		}
		return false, c.replace(ctx, tx, before, after)
	})
}

// native returns the described user, with an empty hash if no password is given.
func (s *Service) native(ctx context.Context, name string, n Native) (store.User, error) {
	u := store.User{Name: name, Enabled: n.Enabled, FullName: text(n.FullName), Email: text(n.Email),
		PasswordHash: text(n.PasswordHash), EmptyFullName: empty(n.FullName), EmptyEmail: empty(n.Email)}
	for _, role := range n.Roles {
		if !slices.Contains(u.Roles, identity.Role(role)) {
			u.Roles = append(u.Roles, identity.Role(role))
		}
	}
	var err error
	if len(n.Metadata) == 0 {
		n.Metadata = nil
	}
	if u.Metadata, err = metadata.Text(n.Metadata); err != nil || n.Password == nil {
		return u, err
	}
	u.PasswordHash, err = s.hashNew(ctx, name, *n.Password)
	return u, err
}

// Natives returns the existing users with these names, by name; all if no name is given.
func (s *Service) Natives(ctx context.Context, names []string) ([]User, error) {
	users, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.User, error) {
		if len(names) == 0 {
			return tx.Users.All()
		}
		// No user has another name, and not every database takes it.
		return tx.Users.ByNames(slices.DeleteFunc(slices.Clone(names),
			func(name string) bool { return checkExternal(name) != nil }))
	})
	return ofRecords(users), err
}

// DeleteNative deletes a user, and reports whether there was one. It returns fault.InvalidData, PermissionDenied and
// Proof's Elevation as PutNative does, and fault.UserRestrictedDeletion to a caller that deletes itself.
func (s *Service) DeleteNative(
	ctx context.Context, by identity.Principal, name string, proof Proof,
) (found bool, err error) {
	c := nativeChange{by: by, proof: proof}
	err = s.nativeUpdate(ctx, name, func(tx *store.Tx, u store.User) error {
		if err := c.may(u, u.Roles); err != nil {
			return err
		}
		if c.own(u) {
			return deletesOneself()
		}
		return remove(ctx, tx, by, name)
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// SetEnabledNative enables or disables a user. It returns the errors of PutNative, fault.InvalidData to a caller that
// names itself, and fault.ValidationFailed for an unknown user.
func (s *Service) SetEnabledNative(
	ctx context.Context, by identity.Principal, name string, enabled bool, proof Proof,
) error {
	c := nativeChange{by: by, proof: proof}
	err := s.nativeUpdate(ctx, name, func(tx *store.Tx, u store.User) error {
		if err := c.may(u, u.Roles); err != nil {
			return err
		}
		if c.own(u) {
			return fault.New(fault.InvalidData, "users may not update the enabled status of their own account")
		}
		after := u
		after.Enabled = enabled
		return c.replace(ctx, tx, u, after)
	})
	if errors.Is(err, store.ErrNotFound) {
		state := "disabled"
		if enabled {
			state = "enabled"
		}
		return fault.Unfit("only existing users can be " + state)
	}
	return err
}

// Secret is a new password, or the hash of one; the other is nil.
type Secret struct{ Password, PasswordHash *string }

// ChangePasswordNative replaces a user's password. All users may replace their own, with proof; that of another user
// requires Proof's Elevation. It returns the errors of PutNative, and fault.ValidationFailed for an unknown user.
func (s *Service) ChangePasswordNative(
	ctx context.Context, by identity.Principal, name string, given Secret, proof Proof,
) error {
	if err := given.Check(name); err != nil {
		return err
	}
	made, err := s.native(ctx, name, Native{Password: given.Password, PasswordHash: given.PasswordHash})
	if err != nil {
		return err
	}
	c := nativeChange{by: by, proof: proof}
	err = s.nativeUpdate(ctx, name, func(tx *store.Tx, u store.User) error {
		if u.External() {
			return externalUser(name)
		}
		after := u
		after.PasswordHash = made.PasswordHash
		if c.own(u) {
			return c.changeOwnPassword(ctx, tx, u, after)
		}
		// A caller that acts as another user comes here by the operation for its own password, which requires no
		// elevation.
		if c.proof.Elevation != nil {
			return c.proof.Elevation
		}
		return c.replace(ctx, tx, u, after)
	})
	if errors.Is(err, store.ErrNotFound) {
		return fault.Unfit("user must exist in order to change password")
	}
	return err
}

// nativeUpdate calls f with a user, or returns store.ErrNotFound.
func (s *Service) nativeUpdate(ctx context.Context, name string, f func(*store.Tx, store.User) error) error {
	if checkExternal(name) != nil {
		return store.ErrNotFound
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.Users.Find(name)
		if err != nil {
			return err
		}
		return f(tx, u)
	})
}

// empty reports whether a text is given and empty.
func empty(p *string) bool { return p != nil && *p == "" }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
