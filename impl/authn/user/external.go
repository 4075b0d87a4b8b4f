package user

import (
	"context"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// AddExternal stores a new user of an identity provider. It returns store.ErrExists, or fault.UserNameInvalid for a
// name that reads as a built-in user's. Such a user has no password, so no password is ever right.
func AddExternal(ctx context.Context, tx *store.Tx, u store.User) error {
	if err := checkNewName(u.Name); err != nil {
		return err
	}
	return add(ctx, tx, identity.Principal{}, u)
}

// SaveExternal stores the current attributes of a user of an identity provider, if they have changed. Roles take effect
// at once, and a change of them ends elevation. A user that gains an ECE role is promoted.
func SaveExternal(ctx context.Context, tx *store.Tx, before, after store.User) error {
	return save(ctx, tx, identity.Principal{}, before, after)
}

// keepsExternal returns an error if a change affects attributes that the user's identity provider keeps, which are all
// but whether the user is enabled.
func keepsExternal(before, after store.User) error {
	after.Enabled = before.Enabled
	if before.External() && len(events(before, after)) > 0 {
		return external(before.Name)
	}
	return nil
}

func external(name string) error {
	return fault.New(fault.UserCannotModifyExternal,
		"\""+name+"\" is kept by an identity provider: here the user can be enabled and disabled only", "user_name")
}

// externalUser returns the error of external in Elasticsearch's words.
func externalUser(name string) error {
	return fault.New(fault.InvalidData, "user ["+name+"] is kept by an identity provider and cannot be modified")
}
