package saml

import (
	"cmp"
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// signIn returns the user of a realm's profile. It adds a new user, or replaces the full name, e-mail address and roles
// of an existing one by those of the profile; the user's name never changes. It returns a *RefusedError if the user is
// disabled, or if another user has the name.
func signIn(ctx context.Context, tx *store.Tx, realm Realm, p Profile) (store.User, error) {
	before, err := tx.Users.FindExternal(realm.ID, p.Identity)
	if errors.Is(err, store.ErrNotFound) {
		before, err = qualify(ctx, tx, realm, p)
	}
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
	return tx.Users.Find(before.Name)
}

// qualify returns the user of a realm that was added by a version that stored only the text of NameIDs, and gives the
// user the identity of the profile. It returns store.ErrNotFound if there is none, and a *RefusedError unless the
// realm's nameid_format is the format of the profile: with another format, another person with the same text could sign
// in first.
func qualify(ctx context.Context, tx *store.Tx, realm Realm, p Profile) (store.User, error) {
	before, err := tx.Users.FindUnqualified(realm.ID, p.Identity.NameID)
	if err != nil {
		return store.User{}, err
	}
	if p.Identity.SPNameQualifier != "" {
		return store.User{}, refuse("the NameID of the user " + before.Name +
			" has an SPNameQualifier, and had none that was kept before")
	}
	if p.Identity.Format != formatTransient && p.Identity.Format != realm.NameIDFormat {
		return store.User{}, refuse("no format was kept of the NameID of the user " + before.Name +
			", and this answer's is " + p.Identity.Format + ": set the realm's nameid_format to the right one")
	}
	if first, err := tx.Users.Qualify(before.Name, p.Identity); err != nil || !first {
		return store.User{}, cmp.Or(err, refuse("another answer gave the user "+before.Name+" a format at the same time"))
	}
	if err := audit.Record(ctx, tx, audit.UserUpdated, before.Name,
		audit.Details{"name_id_format": p.Identity.Format}); err != nil {
		return store.User{}, err
	}
	return tx.Users.Find(before.Name)
}

func addUser(ctx context.Context, tx *store.Tx, realm Realm, p Profile) (store.User, error) {
	switch taken, err := tx.Users.Find(p.Name); {
	case err == nil && taken.Realm == realm.ID:
		return store.User{}, refuse("the name " + p.Name +
			" is that of a user whom the identity provider knew by another NameID, format or SPNameQualifier")
	case err == nil:
		return store.User{}, refuse("the name " + p.Name + " is that of a user of the realm " + taken.HomeRealm().Name)
	case !errors.Is(err, store.ErrNotFound):
		return store.User{}, err
	}
	u := store.User{
		Name: p.Name, Enabled: true, Roles: p.Roles, FullName: p.FullName, Email: p.Email, Realm: realm.ID,
		Identity: p.Identity,
	}
	if err := user.AddExternal(ctx, tx, u); fault.Has(err, fault.UserNameInvalid) {
		return store.User{}, refuse("the principal cannot be a new user's name: " + message(err))
	} else if err != nil {
		return store.User{}, err
	}
	return tx.Users.Find(u.Name)
}
