// Package role keeps Elasticsearch's roles: those that come with the server, and those that administrators define.
package role

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/strictjson"
)

// Service adds, lists and removes roles. Who may is for its caller to know.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

// Check refuses a role that cannot be put, with everything that is wrong with it (fault.RequestInvalid), or with
// the first of its queries that is none (fault.ParseFailed).
func Check(name string, d roledescriptor.Descriptor) error {
	if err := checkQueries(d); err != nil {
		return err
	}
	messages := roledescriptor.Validate(roledescriptor.Set{name: d})
	if Reserved(name) {
		messages = append(messages, "Role ["+name+"] is reserved and may not be used.")
	}
	return fault.Invalid(messages)
}

// checkQueries refuses what cannot be a query for documents (fault.ParseFailed): here it would never be noticed.
func checkQueries(d roledescriptor.Descriptor) error {
	for i, p := range d.Indices {
		if p.Query == "" {
			continue
		}
		value, err := strictjson.Decode([]byte(p.Query))
		if _, object := value.(map[string]any); err != nil || !object {
			return fault.New(fault.ParseFailed, fmt.Sprintf("failed to parse field 'query' for indices [%s] at index privilege [%d] of role descriptor: it is no JSON object",
				strings.Join(p.Names, ","), i))
		}
	}
	return nil
}

// Reserved tells whether a role comes with the server.
func Reserved(name string) bool {
	_, found := reserved[name]
	return found
}

// Put adds or replaces a role, and tells whether it was added. It returns what Check does.
func (s *Service) Put(ctx context.Context, name string, d roledescriptor.Descriptor) (created bool, err error) {
	if err := Check(name, d); err != nil {
		return false, err
	}
	text := string(roledescriptor.Canonical(roledescriptor.Set{name: d}))
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if created, err = tx.PutRole(store.Role{Name: name, Descriptor: text}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.RolePut, name, audit.Details{"created": created})
	})
	return created, err
}

// Delete removes a role, and tells whether there was one. It returns fault.RequestInvalid for a reserved one.
func (s *Service) Delete(ctx context.Context, name string) (found bool, err error) {
	if Reserved(name) {
		return false, fault.Invalid([]string{"role [" + name + "] is reserved and cannot be deleted"})
	}
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if found, err = tx.DeleteRole(name); err != nil || !found {
			return err
		}
		return audit.Record(ctx, tx, audit.RoleDeleted, name, nil)
	})
	return found, err
}

// Get returns the roles of these names that exist; all if no name is given.
func (s *Service) Get(ctx context.Context, names []string) (roledescriptor.Set, error) {
	var set roledescriptor.Set
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if len(names) > 0 {
			set, err = Resolve(tx, names)
			return err
		}
		roles, err := tx.Roles()
		if err != nil {
			return err
		}
		set, err = read(roles)
		maps.Copy(set, reserved)
		return err
	})
	return set, err
}

// Resolve returns the roles of these names that are defined. A name that is not defined gives nothing.
func Resolve(tx *store.Tx, names []string) (roledescriptor.Set, error) {
	var others []string
	for _, name := range names {
		if !Reserved(name) {
			others = append(others, name)
		}
	}
	var roles []store.Role
	if len(others) > 0 {
		var err error
		if roles, err = tx.RolesByNames(others); err != nil {
			return nil, err
		}
	}
	set, err := read(roles)
	for _, name := range names {
		if d, found := reserved[name]; found {
			set[name] = d
		}
	}
	return set, err
}

// Snapshot is Resolve without the roles' descriptions: what an API key keeps of its owner's roles.
func Snapshot(tx *store.Tx, names []string) (roledescriptor.Set, error) {
	set, err := Resolve(tx, names)
	for name, d := range set {
		d.Description = ""
		set[name] = d
	}
	return set, err
}

// Narrow returns a snapshot of a user's roles with no more of ECE's roles than the user has now: an API key must not keep
// what a platform role gave once its owner has lost it. Elasticsearch's roles stay as they were kept (Elasticsearch's rule).
func Narrow(snapshot roledescriptor.Set, now []identity.Role) roledescriptor.Set {
	var kept []identity.Role
	for name := range snapshot {
		kept = append(kept, identity.Role(name))
	}
	platform, _ := identity.SplitRoles(kept)
	if common := identity.CommonRoles(platform, now); !slices.Equal(slices.Sorted(slices.Values(platform)), common) {
		return narrowed(snapshot, platform, common)
	}
	return snapshot
}

func narrowed(snapshot roledescriptor.Set, platform, common []identity.Role) roledescriptor.Set {
	set := maps.Clone(snapshot)
	for _, lost := range platform {
		if !slices.Contains(common, lost) {
			delete(set, string(lost))
		}
	}
	for _, role := range common {
		if _, found := set[string(role)]; !found {
			set[string(role)] = reserved[string(role)]
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

var errRole = errors.New("role: a stored role cannot be read")

func read(roles []store.Role) (roledescriptor.Set, error) {
	set := roledescriptor.Set{}
	for _, r := range roles {
		one, err := roledescriptor.ReadSet([]byte(r.Descriptor))
		if err != nil {
			return set, errors.Join(errRole, err)
		}
		maps.Copy(set, one)
	}
	return set, nil
}
