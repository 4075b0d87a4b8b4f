package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
)

// Subject is a caller with its privileges.
type Subject struct {
	// Principal is the user that the caller acts as; for an API key it is the key's owner, with the key.
	identity.Principal
	// By is the authenticated principal, which differs from Principal if the caller acts as another user.
	By identity.Principal
	rights
}

// rights are what a subject may do. Subjects share them, so they are never changed.
type rights struct {
	// Defined holds the user's defined roles, with their descriptions.
	Defined roledescriptor.Set
	// Assigned holds the descriptors that were assigned to an API key; nil if there are none.
	Assigned   roledescriptor.Set
	Privileges privilege.Effective

	// limitedBy holds the descriptors that limit the subject: the last snapshot of an API key's owner, and otherwise
	// Roles.
	limitedBy roledescriptor.Set
}

// Require returns fault.PermissionDenied, with the privileges that would suffice, unless the subject may perform an
// action on any object.
func (s Subject) Require(action string) error {
	if s.Privileges.AllowsCluster(action) {
		return nil
	}
	return s.Deny(action, privilege.GrantedBy(action))
}

// RequireOwning is Require for a request that concerns only the subject's own API keys.
func (s Subject) RequireOwning(action string) error {
	if s.Privileges.AllowsForOwnKeys(action) {
		return nil
	}
	return s.Deny(action, privilege.GrantedForOwnKeys(action))
}

// Deny returns fault.PermissionDenied for an action, with the cluster privileges that grant it (Elasticsearch's text).
func (s Subject) Deny(action string, grantedBy []string) error {
	return s.denied(action, "this action is granted by the cluster privileges ["+strings.Join(grantedBy, ",")+"]")
}

func (s Subject) denied(action, why string) error {
	return fault.New(fault.PermissionDenied,
		fmt.Sprintf("action [%s] is unauthorized for %s, %s", action, s.displayName(), why))
}

// RequireEndpoint returns fault.PermissionDenied for an API key that is restricted to workflows without the requested
// endpoint.
func (s Subject) RequireEndpoint(method, path string) error {
	if s.Privileges.AllowsEndpoint(method, path) {
		return nil
	}
	return fault.New(fault.PermissionDenied,
		fmt.Sprintf("access restricted by workflow: %s is for other requests only", s.shortName()))
}

// displayName describes the subject in refusals (Elasticsearch's text).
func (s Subject) displayName() string {
	if s.Method == identity.APIKey || s.Method == identity.ServiceToken {
		return s.shortName()
	}

	text := s.shortName()
	if s.Method == identity.RunAs {
		text += " run by [" + s.By.User + "]"
	}
	text += " with effective roles [" + strings.Join(slices.Sorted(maps.Keys(s.Defined)), ",") + "]"
	if missing := role.Missing(s.Defined, s.RoleNames()); len(missing) > 0 {
		text += " (assigned roles [" + strings.Join(missing, ",") + "] were not found)"
	}
	return text
}

func (s Subject) shortName() string {
	if s.Method == identity.APIKey {
		return fmt.Sprintf("API key id [%s] of user [%s]", s.Key.ID, s.User)
	}
	if s.Method == identity.ServiceToken {
		return "service account [" + s.User + "]"
	}
	return "user [" + s.User + "]"
}
