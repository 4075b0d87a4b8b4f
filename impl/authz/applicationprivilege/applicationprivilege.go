// Package applicationprivilege manages application privileges: named sets of an application's actions, which roles
// grant by name.
package applicationprivilege

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
)

// Privilege is the definition of an application privilege.
type Privilege struct {
	// Actions holds patterns of the application's actions.
	Actions []string
	// Metadata is free JSON, of the values that strictjson.Decode returns; nil if there is none.
	Metadata map[string]any
}

// Set maps applications and privilege names to privileges.
type Set map[string]map[string]Privilege

// Outcome reports by application and privilege name whether the privilege was created, or whether it existed and was
// removed.
type Outcome map[string]map[string]bool

// Service adds, lists and removes application privileges. It does not authorize callers.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

// Put adds or replaces privileges in one transaction, and reports which were added. It returns the errors of Check.
func (s *Service) Put(ctx context.Context, set Set) (Outcome, error) {
	if err := Check(set); err != nil {
		return nil, err
	}

	return store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		created := Outcome{}
		for _, application := range slices.Sorted(maps.Keys(set)) {
			if len(set[application]) > 0 {
				created[application] = map[string]bool{}
			}

			for _, name := range slices.Sorted(maps.Keys(set[application])) {
				added, err := put(ctx, tx, application, name, set[application][name])
				if err != nil {
					return nil, err
				}
				created[application][name] = added
			}
		}
		return created, nil
	})
}

func put(ctx context.Context, tx *store.Tx, application, name string, p Privilege) (created bool, err error) {
	record := store.ApplicationPrivilege{Application: application, Name: name, Actions: p.Actions}
	if len(p.Metadata) > 0 {
		if record.Metadata, err = metadata.Text(p.Metadata); err != nil {
			return false, err
		}
	}

	if created, err = tx.ApplicationPrivileges.Put(record); err != nil {
		return false, err
	}
	return created, audit.Record(ctx, tx, audit.ApplicationPrivilegePut, auditSubject(application, name),
		audit.Details{"created": created})
}

// auditSubject names a privilege in the audit trail. Neither part can contain a space.
func auditSubject(application, name string) string { return application + " " + name }

// Delete removes privileges of an application, and reports which of them existed.
func (s *Service) Delete(ctx context.Context, application string, names []string) (Outcome, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (Outcome, error) {
		found := map[string]bool{}
		for _, name := range names {
			if _, done := found[name]; done {
				continue
			}

			removed, err := tx.ApplicationPrivileges.Delete(application, name)
			if err != nil {
				return nil, err
			}
			if found[name] = removed; !removed {
				continue
			}

			subject := auditSubject(application, name)
			if err := audit.Record(ctx, tx, audit.ApplicationPrivilegeDeleted, subject, nil); err != nil {
				return nil, err
			}
		}
		return Outcome{application: found}, nil
	})
}

// Get returns the privileges of an application with the given names, or all if no name is given. The application can be
// a prefix followed by *, and "" selects all applications.
func (s *Service) Get(ctx context.Context, application string, names []string) (Set, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (Set, error) {
		records, err := tx.ApplicationPrivileges.All()
		if err != nil {
			return nil, err
		}

		set := Set{}
		for _, r := range records {
			if !matchesApplication(application, r.Application) || len(names) > 0 && !slices.Contains(names, r.Name) {
				continue
			}
			if err := set.add(r); err != nil {
				return nil, err
			}
		}
		return set, nil
	})
}

// matchesApplication reports whether a name is selected by the application argument of Get.
func matchesApplication(application, name string) bool {
	if prefix, found := strings.CutSuffix(application, "*"); found {
		return strings.HasPrefix(name, prefix)
	}
	return application == "" || application == name
}

// add decodes a stored privilege into the set.
func (s Set) add(r store.ApplicationPrivilege) error {
	p := Privilege{Actions: r.Actions}
	if r.Metadata != "" {
		value, err := strictjson.DecodeStored([]byte(r.Metadata))
		if err != nil {
			return fault.Wrap(fault.ServerFailed, err, "a stored application privilege cannot be decoded")
		}
		p.Metadata, _ = value.(map[string]any)
	}

	if s[r.Application] == nil {
		s[r.Application] = map[string]Privilege{}
	}
	s[r.Application][r.Name] = p
	return nil
}

// Registry returns all application privileges in the form that privilege checks need.
func Registry(tx *store.Tx) (*privilege.Registry, error) {
	records, err := tx.ApplicationPrivileges.All()
	if err != nil {
		return nil, err
	}

	registered := map[string]map[string][]string{}
	for _, r := range records {
		if registered[r.Application] == nil {
			registered[r.Application] = map[string][]string{}
		}
		registered[r.Application][r.Name] = r.Actions
	}
	return privilege.NewRegistry(registered), nil
}
