package saml

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/user"
)

// signIn returns the user whom a realm's profile is of, as the profile has it: a new one, or one whose full name, e-mail
// address and roles are replaced where the identity provider says others now. The name stays as it is once the user is
// there. It returns a *RefusedError for a user who is disabled, or whose name is somebody else's.
func signIn(ctx context.Context, tx *store.Tx, realm Realm, p Profile) (store.User, error) {
	before, err := tx.ExternalUser(realm.ID, p.Key)
	if errors.Is(err, store.ErrNotFound) {
		return addUser(ctx, tx, realm, p)
	}
	if err != nil {
		return store.User{}, err
	}
	if !before.Enabled {
		return store.User{}, refuse("the user " + before.Name + " is disabled")
	}
	after := before
	after.FullName, after.Email, after.Roles = p.FullName, p.Email, p.Roles
	if err := user.SaveExternal(ctx, tx, before, after); err != nil {
		return store.User{}, err
	}
	return tx.User(before.Name)
}

func addUser(ctx context.Context, tx *store.Tx, realm Realm, p Profile) (store.User, error) {
	switch taken, err := tx.User(p.Name); {
	case err == nil && taken.Realm == realm.ID:
		return store.User{}, refuse("the name " + p.Name + " is that of a user whom the identity provider knew by another NameID")
	case err == nil:
		return store.User{}, refuse("the name " + p.Name + " is that of a user of the realm " + taken.HomeRealm().Name)
	case !errors.Is(err, store.ErrNotFound):
		return store.User{}, err
	}
	u := store.User{Name: p.Name, Enabled: true, Roles: p.Roles, FullName: p.FullName, Email: p.Email, Realm: realm.ID, NameID: p.Key}
	if err := user.AddExternal(ctx, tx, u); err != nil {
		return store.User{}, err
	}
	return tx.User(u.Name)
}
