// Package access authorizes callers of Elasticsearch operations by the role descriptors of a user or of an API key.
package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/authz/serviceaccount"
	"github.com/sallyport/sallyport/impl/store"
)

// maxRights bounds the cached rights. They are shared by callers with the same roles and descriptors.
const maxRights = 1024

// Service resolves the privileges of callers, and caches them and compiled role descriptors.
type Service struct {
	store *store.Store
	// names are those of the privileges that checks can ask for.
	names    privilege.Names
	builtin  role.Builtin
	compiled *compiledCache
	known    *store.Cache[grounds, *rights]
}

// NewService returns a service on a store; it adds the built-in roles to those in it. Checks can ask for privileges
// of these names.
func NewService(st *store.Store, names privilege.Names, builtin role.Builtin) (*Service, error) {
	compiled, err := newCompiledCache()
	if err != nil {
		return nil, err
	}
	known, err := store.NewCache[grounds, *rights](st, maxRights)
	return &Service{st, names, builtin, compiled, known}, err
}

// CacheCounts returns the numbers of hits and misses of the cache of rights.
func (s *Service) CacheCounts() (hits, misses uint64) { return s.known.Counts() }

// grounds is what the rights of a principal follow from, together with the definitions of its roles.
type grounds struct {
	byKey bool
	// service is the name of a service account; empty for a user.
	service string
	// key has the documents of the key, and no more.
	key   identity.Key
	roles string
}

func groundsOf(p identity.Principal) grounds {
	documents := identity.Key{Assigned: p.Key.Assigned, LimitedBy: p.Key.LimitedBy}
	g := grounds{byKey: p.Method == identity.APIKey, key: documents}
	if p.Method == identity.ServiceToken {
		g.service = p.User
	}
	if len(p.Roles) == 1 {
		g.roles = string(p.Roles[0])
	} else {
		g.roles = strings.Join(p.RoleNames(), "\x00") // no name has this character
	}
	return g
}

// Subject returns a principal with its privileges. It returns an error if the descriptors of an API key cannot be read.
func (s *Service) Subject(ctx context.Context, p identity.Principal) (Subject, error) {
	r, err := s.known.Read(ctx, groundsOf(p), func(tx *store.Tx) (*rights, error) { return s.resolve(tx, p) })
	if err != nil {
		return Subject{}, err
	}
	return Subject{Principal: p, By: p, rights: *r}, nil
}

// resolve returns a principal's roles, descriptors and privileges.
func (s *Service) resolve(tx *store.Tx, p identity.Principal) (*rights, error) {
	if p.Method == identity.ServiceToken {
		return s.resolveService(p.User)
	}
	var r rights
	var err error
	if r.Defined, err = s.builtin.Resolve(tx, p.RoleNames()); err != nil {
		return nil, err
	}

	owner := r.Defined
	if p.Method == identity.APIKey {
		if r.Assigned, err = loadDescriptors(tx, p.Key.Assigned); err != nil {
			return nil, err
		}

		// A key without a snapshot, made by an old version, is limited by its owner's current roles.
		if p.Key.LimitedBy != "" {
			if owner, err = loadDescriptors(tx, p.Key.LimitedBy); err != nil {
				return nil, err
			}
			owner = role.Narrow(owner, p.Roles)
		}
	}

	r.limitedBy = owner
	limit, err := s.compile(owner)
	if err != nil {
		return nil, err
	}
	r.Privileges = privilege.Unlimited(limit)

	if r.Assigned != nil {
		assigned, err := s.compile(r.Assigned)
		if err != nil {
			return nil, err
		}
		r.Privileges = privilege.Limit(assigned, limit)
	}
	return &r, nil
}

// resolveService returns the descriptor and the privileges of a service account; none for an unknown account.
func (s *Service) resolveService(account string) (*rights, error) {
	descriptors, _ := serviceaccount.Find(account)
	compiled, err := s.compile(descriptors)
	if err != nil {
		return nil, err
	}
	return &rights{limitedBy: descriptors, Privileges: privilege.Unlimited(compiled)}, nil
}

// loadDescriptors returns the descriptors in a document that an API key refers to; nil for an empty id.
func loadDescriptors(tx *store.Tx, id string) (roledescriptor.Set, error) {
	if id == "" {
		return nil, nil
	}
	body, err := tx.Documents.Get(id)
	if err != nil {
		return nil, fmt.Errorf("access: API key role descriptors %s: %w", id, err)
	}
	return roledescriptor.ReadSet(body)
}

// compile returns the privileges of a set, from the cache if possible.
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

// RunAs returns the subject acting as another user. It returns fault.PermissionDenied, which names the action, if the
// subject lacks the privilege, or if the user does not exist or is disabled. Only platform administrators may act as
// users with ECE roles, because Elasticsearch roles must never lead to those of ECE.
func (s *Service) RunAs(ctx context.Context, subject Subject, name, action string) (Subject, error) {
	denied := subject.denied(action, fmt.Sprintf("because %s is unauthorized to run as [%s]", subject.shortName(), name))
	if !subject.Privileges.AllowsRunAs(name) {
		return Subject{}, denied
	}

	return store.Read(ctx, s.store, func(tx *store.Tx) (Subject, error) {
		u, err := tx.Users.Find(name)
		if errors.Is(err, store.ErrNotFound) || err == nil && !u.Enabled {
			return Subject{}, denied
		}
		if err != nil {
			return Subject{}, err
		}
		if identity.HoldsPlatformRole(u.Roles) && !subject.By.IsPlatformAdmin() {
			return Subject{}, denied
		}

		other := identity.Principal{
			User:       u.Name,
			Roles:      u.Roles,
			Promotions: u.Tenure.Promotions,
			Builtin:    u.Builtin,
			SAMLRealm:  u.Realm,
			Method:     identity.RunAs,
		}
		r, err := s.resolve(tx, other)
		if err != nil {
			return Subject{}, err
		}
		return Subject{Principal: other, By: subject.By, rights: *r}, nil
	})
}
