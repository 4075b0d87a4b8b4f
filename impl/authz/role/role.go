// Package role manages Elasticsearch roles: the built-in ones and those that administrators define.
package role

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
)

// Service adds, lists and removes roles. It does not authorize callers.
type Service struct {
	store   *store.Store
	builtin Builtin
}

// NewService returns a service on a store; it adds the built-in roles to those in it.
func NewService(st *store.Store, builtin Builtin) *Service { return &Service{st, builtin} }

// Check validates a role before Put. It returns fault.RequestInvalid with all errors, or fault.ParseFailed for the
// first invalid query. Privileges must have one of the names.
func (s *Service) Check(name string, d roledescriptor.Descriptor, names privilege.Names) error {
	return s.builtin.Check(name, d, names)
}

// Check is Service's Check.
func (b Builtin) Check(name string, d roledescriptor.Descriptor, names privilege.Names) error {
	return b.check(name, d, names, math.MaxInt)
}

// check is Check with a limit of the errors in fault.RequestInvalid.
func (b Builtin) check(name string, d roledescriptor.Descriptor, names privilege.Names, limit int) error {
	if err := checkQueries(d); err != nil {
		return err
	}
	messages := roledescriptor.ValidateUpTo(limit, roledescriptor.Set{name: d}, names)
	if b.Reserved(name) {
		messages = append(messages, "Role ["+name+"] is reserved and may not be used.")
	}
	return fault.Invalid(messages[:min(len(messages), limit)])
}

// checkQueries returns fault.ParseFailed for the first query that is not a JSON object. Nothing else here reads
// queries, so an invalid one would never be noticed.
func checkQueries(d roledescriptor.Descriptor) error {
	for i, p := range d.Indices {
		if p.Query == "" {
			continue
		}

		value, err := strictjson.Decode([]byte(p.Query))
		if _, object := value.(map[string]any); err != nil || !object {
			return fault.New(fault.ParseFailed,
				fmt.Sprintf("failed to parse field 'query' for indices [%s] at index privilege [%d] of role descriptor: it is "+
					"not a JSON object",
					strings.Join(p.Names, ","), i))
		}
	}
	return nil
}

// Put adds or replaces a role, and reports whether it was added. It returns the errors of Check with
// the names of all versions.
func (s *Service) Put(ctx context.Context, name string, d roledescriptor.Descriptor) (added bool, err error) {
	if err := s.Check(name, d, privilege.Names{}); err != nil {
		return false, err
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		become, err := write(ctx, tx, name, d)
		return become == created, err
	})
}

// change is what putting a role does.
type change int

const (
	unchanged change = iota
	created
	updated
)

// write stores a valid role, unless it is stored already.
func write(ctx context.Context, tx *store.Tx, name string, d roledescriptor.Descriptor) (change, error) {
	text := string(roledescriptor.Canonical(roledescriptor.Set{name: d}))
	stored, err := tx.Roles.Find(name)
	become := updated
	switch {
	case errors.Is(err, store.ErrNotFound):
		become = created
	case err != nil:
		return unchanged, err
	case metadata.Same(stored.Descriptor, text):
		return unchanged, nil
	}

	if _, err := tx.Roles.Put(store.Role{Name: name, Descriptor: text}); err != nil {
		return unchanged, err
	}
	return become, audit.Record(ctx, tx, audit.RolePut, name, audit.Details{"created": become == created})
}

// Delete removes a role, and reports whether it existed. It returns fault.InvalidData for a reserved role, unless there
// is a stored role in its place: without that the built-in role is in effect.
func (s *Service) Delete(ctx context.Context, name string) (found bool, err error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) { return s.remove(ctx, tx, name) })
}

// remove is Delete in a transaction. It changes nothing if it returns fault.InvalidData.
func (s *Service) remove(ctx context.Context, tx *store.Tx, name string) (found bool, err error) {
	if !roledescriptor.ValidName(name) { // not every database takes it
		return false, nil
	}

	if !isFixed(name) {
		if found, err = tx.Roles.Delete(name); err != nil {
			return false, err
		}
	}
	switch {
	case found:
		return true, audit.Record(ctx, tx, audit.RoleDeleted, name, nil)
	case s.builtin.Reserved(name):
		return false, fault.New(fault.InvalidData, "role ["+name+"] is reserved and cannot be deleted")
	}
	return false, nil
}

// Get returns the roles with the given names that exist, or all roles if no name is given.
func (s *Service) Get(ctx context.Context, names []string) (roledescriptor.Set, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (roledescriptor.Set, error) {
		if len(names) > 0 {
			return s.builtin.Resolve(tx, names)
		}

		roles, err := tx.Roles.All()
		if err != nil {
			return nil, err
		}
		set, err := decodeRoles(roles)
		if err != nil {
			return nil, err
		}
		for name := range s.builtin.roles() {
			s.builtin.define(set, name)
		}
		maps.Copy(set, fixed)
		return set, nil
	})
}

// Replaced returns the sorted names of the stored roles that are in effect in place of built-in ones.
func (s *Service) Replaced(ctx context.Context) ([]string, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (names []string, err error) {
		roles, err := tx.Roles.ByNames(slices.Sorted(maps.Keys(s.builtin.roles())))
		for _, role := range roles {
			names = append(names, role.Name)
		}
		return names, err
	})
}

// Narrow returns a snapshot of a user's roles, limited to the ECE roles that the user still has. An API key must not
// keep the privileges of a platform role that its owner has lost. Elasticsearch roles stay as in the snapshot
// (Elasticsearch's rule).
func Narrow(snapshot roledescriptor.Set, now []identity.Role) roledescriptor.Set {
	var kept []identity.Role
	for name := range snapshot {
		kept = append(kept, identity.Role(name))
	}

	platform, _ := identity.SplitRoles(kept)
	if common := identity.CommonRoles(platform, now); !slices.Equal(slices.Sorted(slices.Values(platform)), common) {
		return replacePlatformRoles(snapshot, platform, common)
	}
	return snapshot
}

// replacePlatformRoles returns a copy of the snapshot with the common platform roles in place of the others.
func replacePlatformRoles(snapshot roledescriptor.Set, platform, common []identity.Role) roledescriptor.Set {
	set := maps.Clone(snapshot)
	for _, lost := range platform {
		if !slices.Contains(common, lost) {
			delete(set, string(lost))
		}
	}

	for _, role := range common {
		if _, found := set[string(role)]; !found {
			set[string(role)] = fixed[string(role)]
		}
	}
	return set
}

// Missing returns the names that are not in the set, sorted.
func Missing(set roledescriptor.Set, names []string) []string {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, found := set[name]
		return found
	})
	slices.Sort(missing)
	return missing
}

var errStoredRole = errors.New("role: stored role cannot be decoded")

// decodeRoles decodes stored roles. The set is never nil; on an error it holds the roles decoded before.
func decodeRoles(roles []store.Role) (roledescriptor.Set, error) {
	set := roledescriptor.Set{}
	for _, r := range roles {
		one, err := roledescriptor.ReadSet([]byte(r.Descriptor))
		if err != nil {
			return set, errors.Join(errStoredRole, err)
		}
		maps.Copy(set, one)
	}
	return set, nil
}
