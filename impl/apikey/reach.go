package apikey

import (
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// withinReach returns those of the selected keys that a caller may invalidate. Elasticsearch's privileges do not reach
// the keys of users with roles of ECE, as they reach nothing else of these users; a platform admin's do, and each
// user's reach the user's own. Keys that the selection names, or whose owner it names, are refused with
// fault.PermissionDenied; others are passed over.
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

// reachesAll reports whether a caller may invalidate keys of users with roles of ECE.
func reachesAll(caller access.Subject) bool {
	return caller.By.IsPlatformAdmin() && caller.By.Method != identity.RunAs
}

func outOfReach(caller access.Subject) error {
	return fault.New(fault.PermissionDenied,
		"user ["+caller.By.User+"] may not invalidate API keys of users with roles of ECE: holders of the role ["+
			string(identity.PlatformAdmin)+"] and the owners may")
}
