package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/privilege"
	"github.com/sallyport/sallyport/impl/role"
	"github.com/sallyport/sallyport/impl/roledescriptor"
)

// Subject is a caller with what it may do.
type Subject struct {
	// Principal is whom the caller acts as; for an API key that is the key's owner, with the key.
	identity.Principal
	// By is who authenticated: another user if one acts as somebody else.
	By identity.Principal
	// Roles are those of the user that are defined, with their descriptions.
	Roles roledescriptor.Set
	// Assigned are the descriptors of an API key that were assigned to it; nil if none were.
	Assigned   roledescriptor.Set
	Privileges privilege.Effective

	// limit are the descriptors that bound the subject: those of an API key's owner as they were last kept, and otherwise
	// Roles.
	limit roledescriptor.Set
}

// Require returns fault.SecurityDenied, with the privileges that would do, unless the subject may take an action whatever
// it is about.
func (s Subject) Require(action string) error {
	if s.Privileges.AllowsCluster(action) {
		return nil
	}
	return s.Deny(action, privilege.GrantedBy(action))
}

// RequireOwning is Require for a request about API keys of the subject's own.
func (s Subject) RequireOwning(action string) error {
	if s.Privileges.AllowsOwning(action) {
		return nil
	}
	return s.Deny(action, privilege.GrantedByOwning(action))
}

// Deny returns the refusal of an action, with the cluster privileges that grant it (Elasticsearch's text).
func (s Subject) Deny(action string, grantedBy []string) error {
	return s.denied(action, "this action is granted by the cluster privileges ["+strings.Join(grantedBy, ",")+"]")
}

func (s Subject) denied(action, why string) error {
	return fault.New(fault.SecurityDenied, fmt.Sprintf("action [%s] is unauthorized for %s, %s", action, s.name(), why))
}

// RequireEndpoint returns fault.SecurityDenied to an API key that is restricted to workflows which the request is no part
// of.
func (s Subject) RequireEndpoint(method, path string) error {
	if s.Privileges.AllowsEndpoint(method, path) {
		return nil
	}
	return fault.New(fault.SecurityDenied, fmt.Sprintf("access restricted by workflow: %s is for other requests only", s.bareName()))
}

// name is how refusals call the subject.
func (s Subject) name() string {
	if s.Method == identity.APIKey {
		return s.bareName()
	}
	text := s.bareName()
	if s.Method == identity.RunAs {
		text += " run by [" + s.By.User + "]"
	}
	text += " with effective roles [" + strings.Join(slices.Sorted(maps.Keys(s.Roles)), ",") + "]"
	if missing := role.Missing(s.Roles, s.RoleNames()); len(missing) > 0 {
		text += " (assigned roles [" + strings.Join(missing, ",") + "] were not found)"
	}
	return text
}

func (s Subject) bareName() string {
	if s.Method == identity.APIKey {
		return fmt.Sprintf("API key id [%s] of user [%s]", s.Key.ID, s.User)
	}
	return "user [" + s.User + "]"
}
