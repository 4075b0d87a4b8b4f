// Package access decides what callers of Elasticsearch's operations may do, by the role descriptors of a user or of an API
// key.
package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/privilege"
	"github.com/sallyport/sallyport/impl/role"
	"github.com/sallyport/sallyport/impl/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
)

// Service finds out what callers may do.
type Service struct {
	store    *store.Store
	compiled *compiledSets
}

// NewService returns a service on a store.
func NewService(st *store.Store) (*Service, error) {
	compiled, err := newCompiledSets()
	return &Service{st, compiled}, err
}

// Subject returns a principal with what it may do. A key whose descriptors cannot be read may do nothing.
func (s *Service) Subject(ctx context.Context, p identity.Principal) (Subject, error) {
	subject := Subject{Principal: p, By: p}
	err := s.store.View(ctx, func(tx *store.Tx) error { return s.fill(tx, &subject) })
	return subject, err
}

func (s *Service) fill(tx *store.Tx, subject *Subject) (err error) {
	p := subject.Principal
	if subject.Roles, err = role.Resolve(tx, p.RoleNames()); err != nil {
		return err
	}
	owner := subject.Roles
	if p.Method == identity.APIKey {
		if subject.Assigned, err = document(tx, p.Key.Assigned); err != nil {
			return err
		}
		if p.Key.LimitedBy != "" { // a key from before there were snapshots is bounded by its owner's roles as they are
			if owner, err = document(tx, p.Key.LimitedBy); err != nil {
				return err
			}
			owner = role.Narrow(owner, p.Roles)
		}
	}
	subject.limit = owner
	limit, err := s.compile(owner)
	if err != nil {
		return err
	}
	subject.Privileges = privilege.Of(limit)
	if subject.Assigned != nil {
		assigned, err := s.compile(subject.Assigned)
		if err != nil {
			return err
		}
		subject.Privileges = privilege.Limit(assigned, limit)
	}
	return nil
}

// document reads descriptors that a key refers to; nil if it refers to none.
func document(tx *store.Tx, id string) (roledescriptor.Set, error) {
	if id == "" {
		return nil, nil
	}
	body, err := tx.Document(id)
	if err != nil {
		return nil, fmt.Errorf("access: the descriptors %s of a key: %w", id, err)
	}
	return roledescriptor.ReadSet(body)
}

func (s *Service) compile(set roledescriptor.Set) (*privilege.Set, error) {
	hash := sha256.Sum256(roledescriptor.Canonical(set))
	if compiled, ok := s.compiled.get(hash); ok {
		return compiled, nil
	}
	compiled, err := set.Compile()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	s.compiled.add(hash, compiled)
	return compiled, nil
}

// RunAs returns the subject as another user for whom it may act. It returns fault.SecurityDenied, which names the action,
// if it may not, or there is no such user who is enabled. For users with roles of ECE only ECE's administrators act:
// Elasticsearch's roles never lead to those of ECE.
func (s *Service) RunAs(ctx context.Context, subject Subject, name, action string) (Subject, error) {
	denied := subject.denied(action, fmt.Sprintf("because %s is unauthorized to run as [%s]", subject.bareName(), name))
	if !subject.Privileges.AllowsRunAs(name) {
		return Subject{}, denied
	}
	other := Subject{By: subject.By}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		u, err := tx.User(name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !u.Enabled {
			return denied
		}
		if err != nil {
			return err
		}
		if identity.HoldsPlatformRole(u.Roles) && !subject.By.IsPlatformAdmin() {
			return denied
		}
		other.Principal = identity.Principal{
			User: u.Name, Roles: u.Roles, Promotions: u.Tenure.Promotions, Builtin: u.Builtin, SAMLRealm: u.Realm, Method: identity.RunAs,
		}
		return s.fill(tx, &other)
	})
	return other, err
}
