// Package user manages users, and checks their passwords.
package user

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/password"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission"
	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Service adds, lists and changes users, and checks passwords.
type Service struct {
	store  *store.Store
	hasher *secret.Hasher
	// looking bounds the concurrent lookups of users that sign in.
	looking  *admission.Bound
	attempts *attempts.Counter
	proven   *proven
	// shown caches users for Profile.
	shown *store.Cache[string, User]
	// sweeping is the background sweep of what revocations left behind.
	sweeping *background.Loop
}

// NewService returns a service on a store.
func NewService(st *store.Store, hasher *secret.Hasher, a *attempts.Counter) *Service {
	shown, _ := store.NewCache[string, User](st, maxShown) // this fails for a size that is not positive only
	return &Service{
		store: st, hasher: hasher, attempts: a, proven: newProven(st.Now), shown: shown,
		looking: admission.NewBound(max(1, runtime.GOMAXPROCS(0)/2), admission.Many),
	}
}

// LookingUp returns the bound of concurrent lookups of users that sign in.
func (s *Service) LookingUp() *admission.Bound { return s.looking }

// New describes a user to add.
type New struct {
	Name     string
	Roles    []string
	Password string
	FullName string
	Email    string
	// Disabled users cannot sign in until they are enabled.
	Disabled bool
	// By is the caller; the zero Principal for a command.
	By identity.Principal
}

// Check returns the errors of Add that do not depend on records.
func (n New) Check() error {
	if err := CheckName(n.Name); err != nil {
		return err
	}
	if err := checkUnreserved(n.Name); err != nil {
		return err
	}
	if err := checkNewName(n.Name); err != nil {
		return err
	}
	if _, err := identity.ParseRoles(n.Roles); err != nil {
		return err
	}
	if err := CheckTexts(n.FullName, n.Email); err != nil {
		return err
	}
	return password.Check(n.Password, n.Name)
}

// Add adds a user that is not built in. It returns fault.UserNameInvalid, UserNameConflict, UserRolesInvalid or
// InvalidData.
func (s *Service) Add(ctx context.Context, n New) (User, error) {
	if err := n.Check(); err != nil {
		return User{}, err
	}
	roles, err := identity.ParseRoles(n.Roles)
	if err != nil {
		return User{}, err
	}
	hash, err := s.hasher.Hash(ctx, n.Password)
	if err != nil {
		return User{}, err
	}
	added, err := store.Write(ctx, s.store, func(tx *store.Tx) (store.User, error) {
		err := add(ctx, tx, n.By, store.User{
			Name: n.Name, Enabled: !n.Disabled, Roles: roles, FullName: n.FullName, Email: n.Email, PasswordHash: hash,
		})
		if errors.Is(err, store.ErrExists) {
			return store.User{}, fault.New(fault.UserNameConflict, "there is a user \""+n.Name+"\" already", "user_name")
		}
		if err != nil {
			return store.User{}, err
		}
		return tx.Users.Find(n.Name)
	})
	return OfRecord(added), err
}

// Get returns a user, or fault.UserNotFound.
func (s *Service) Get(ctx context.Context, name string) (User, error) {
	u, err := s.find(ctx, name)
	if err == nil && u.Name == "" {
		return User{}, notFound(name)
	}
	return OfRecord(u.User), err
}

// maxShown bounds the cached users.
const maxShown = 8192

// Profile is Get, but the times of sign-ins may be outdated.
func (s *Service) Profile(ctx context.Context, name string) (User, error) {
	return s.shown.Read(ctx, name, func(tx *store.Tx) (User, error) {
		u, err := tx.Users.Find(name)
		if errors.Is(err, store.ErrNotFound) {
			return User{}, notFound(name)
		}
		return OfRecord(u), err
	})
}

// ProfileCounts returns the numbers of hits and misses of the cache of Profile.
func (s *Service) ProfileCounts() (hits, misses uint64) { return s.shown.Counts() }

// List returns users by name, disabled ones only if requested.
func (s *Service) List(ctx context.Context, disabled bool) ([]User, error) {
	users, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.User, error) { return tx.Users.All() })
	if !disabled {
		users = slices.DeleteFunc(users, func(u store.User) bool { return !u.Enabled })
	}
	return ofRecords(users), err
}

// Delete deletes a user with all its records. It returns fault.UserNotFound, UserCannotModify,
// UserCannotModifyExternal, and UserRestrictedDeletion to a caller that deletes itself.
func (s *Service) Delete(ctx context.Context, by identity.Principal, name string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := modifiable(tx, name)
		if err != nil {
			return err
		}
		if name == by.User {
			return deletesOneself()
		}
		if u.External() {
			return external(name)
		}
		return remove(ctx, tx, by, name)
	})
}

// Unlock resets the failed attempts of another user; to a caller that unlocks itself it returns fault.PermissionDenied.
// It returns fault.UserNotFound.
func (s *Service) Unlock(ctx context.Context, by identity.Principal, name string) error {
	if name == by.User {
		return fault.New(fault.PermissionDenied,
			"users cannot unlock themselves; another administrator can, or sallyport user unlock", "user_name")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Users.Find(name); errors.Is(err, store.ErrNotFound) {
			return notFound(name)
		} else if err != nil {
			return err
		}
		return s.attempts.Unlock(ctx, tx, name)
	})
}

func deletesOneself() error {
	return fault.New(fault.UserRestrictedDeletion, "users cannot delete themselves", "user_name")
}

// modifiable returns a user that can be changed, or fault.UserNotFound or UserCannotModify.
func modifiable(tx *store.Tx, name string) (store.User, error) {
	u, err := tx.Users.Find(name)
	if errors.Is(err, store.ErrNotFound) {
		return u, notFound(name)
	}
	if err == nil && u.Builtin {
		return u, fault.New(fault.UserCannotModify,
			"\""+name+"\" is a built-in user and cannot be changed; its password comes from the configuration", "user_name")
	}
	return u, err
}

func notFound(name string) error {
	return fault.New(fault.UserNotFound, "there is no user \""+name+"\"", "user_name")
}

func (s *Service) hashNew(ctx context.Context, name, text string) (string, error) {
	if err := password.Check(text, name); err != nil {
		return "", err
	}
	return s.hasher.Hash(ctx, text)
}
