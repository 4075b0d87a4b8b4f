package apikey

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// withinReach returns those of the selected keys that the caller may invalidate. Elasticsearch's privileges do not
// extend to the keys of users with ECE roles, as they do not extend to these users otherwise; those of a platform
// administrator do, and each user may invalidate its own keys. Keys selected by id or by their owner's name are refused
// with fault.PermissionDenied; others are left out.
func withinReach(tx *store.Tx, caller access.Subject, sel Selection, keys []store.APIKey) ([]store.APIKey, error) {
	if reachesAll(caller) {
		return keys, nil
	}
	platform := map[string]bool{caller.User: false}
	for _, key := range keys {
		if _, asked := platform[key.UserName]; asked {
			continue
		}
		owner, err := tx.Users.Find(key.UserName)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		platform[key.UserName] = identity.HoldsPlatformRole(owner.Roles)
	}
	beyond := func(key store.APIKey) bool { return platform[key.UserName] }
	if named := sel.IDs != nil || sel.UserName != ""; named && slices.ContainsFunc(keys, beyond) {
		return nil, outOfReach(caller)
	}
	return slices.DeleteFunc(keys, beyond), nil
}

// reachesAll reports whether a caller may invalidate keys of users with ECE roles.
func reachesAll(caller access.Subject) bool {
	return caller.By.IsPlatformAdmin() && caller.By.Method != identity.RunAs
}

func outOfReach(caller access.Subject) error {
	return fault.New(fault.PermissionDenied,
		"user ["+caller.By.User+"] may not invalidate API keys of users with platform roles: holders of the role ["+
			string(identity.PlatformAdmin)+"] and the owners may")
}
