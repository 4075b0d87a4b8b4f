// Package applicationprivilege keeps what applications call the sets of their actions, so that roles can give these by name.
package applicationprivilege

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/privilege"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/strictjson"
)

// Privilege is what a name stands for.
type Privilege struct {
	// Actions are patterns of the application's actions.
	Actions []string
	// Metadata is free JSON, made of strictjson.Decode's values; nil if there is none.
	Metadata map[string]any
}

// Set has privileges by application and by name.
type Set map[string]map[string]Privilege

// Outcome tells of privileges, by application and by name, whether they were made, or were there to be removed.
type Outcome map[string]map[string]bool

// Service adds, lists and removes privileges of applications. Who may is for its caller to know.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

// Put adds or replaces privileges, all or none, and tells which were added. It returns what Check does.
func (s *Service) Put(ctx context.Context, set Set) (Outcome, error) {
	if err := Check(set); err != nil {
		return nil, err
	}
	var created Outcome
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		created = Outcome{}
		for _, application := range slices.Sorted(maps.Keys(set)) {
			if len(set[application]) > 0 {
				created[application] = map[string]bool{}
			}
			for _, name := range slices.Sorted(maps.Keys(set[application])) {
				added, err := put(ctx, tx, application, name, set[application][name])
				if err != nil {
					return err
				}
				created[application][name] = added
			}
		}
		return nil
	})
	return created, err
}

func put(ctx context.Context, tx *store.Tx, application, name string, p Privilege) (created bool, err error) {
	record := store.ApplicationPrivilege{Application: application, Name: name, Actions: p.Actions}
	if len(p.Metadata) > 0 {
		text, err := json.Marshal(p.Metadata)
		if err != nil {
			return false, fault.Wrap(fault.ServerFailed, err, "the metadata cannot be written")
		}
		record.Metadata = string(text)
	}
	if created, err = tx.PutApplicationPrivilege(record); err != nil {
		return false, err
	}
	return created, audit.Record(ctx, tx, audit.ApplicationPrivilegePut, subject(application, name), audit.Details{"created": created})
}

// subject is how the audit trail calls a privilege. Neither part can have a blank.
func subject(application, name string) string { return application + " " + name }

// Delete removes privileges of an application, and tells which there were.
func (s *Service) Delete(ctx context.Context, application string, names []string) (Outcome, error) {
	var found map[string]bool
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		found = map[string]bool{}
		for _, name := range names {
			if _, done := found[name]; done {
				continue
			}
			removed, err := tx.DeleteApplicationPrivilege(application, name)
			if err != nil {
				return err
			}
			if found[name] = removed; !removed {
				continue
			}
			if err := audit.Record(ctx, tx, audit.ApplicationPrivilegeDeleted, subject(application, name), nil); err != nil {
				return err
			}
		}
		return nil
	})
	return Outcome{application: found}, err
}

// Get returns the privileges of an application that have one of the names; all of its if there are no names. The name of
// the application can be the beginning of names, followed by *, and "" stands for all of them.
func (s *Service) Get(ctx context.Context, application string, names []string) (Set, error) {
	set := Set{}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		records, err := tx.ApplicationPrivileges()
		if err != nil {
			return err
		}
		for _, r := range records {
			if !selects(application, r.Application) || len(names) > 0 && !slices.Contains(names, r.Name) {
				continue
			}
			if err := set.add(r); err != nil {
				return err
			}
		}
		return nil
	})
	return set, err
}

func selects(application, name string) bool {
	if beginning, open := strings.CutSuffix(application, "*"); open {
		return strings.HasPrefix(name, beginning)
	}
	return application == "" || application == name
}

func (s Set) add(r store.ApplicationPrivilege) error {
	p := Privilege{Actions: r.Actions}
	if r.Metadata != "" {
		value, err := strictjson.DecodeStored([]byte(r.Metadata))
		if err != nil {
			return fault.Wrap(fault.ServerFailed, err, "a stored application privilege cannot be read")
		}
		p.Metadata, _ = value.(map[string]any)
	}
	if s[r.Application] == nil {
		s[r.Application] = map[string]Privilege{}
	}
	s[r.Application][r.Name] = p
	return nil
}

// Registry returns all privileges as the checks of privileges need them.
func Registry(tx *store.Tx) (*privilege.Registry, error) {
	records, err := tx.ApplicationPrivileges()
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
