// Package user keeps the people and programs that can sign in.
package user

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Service adds, lists and changes users, and checks passwords.
type Service struct {
	store  *store.Store
	hasher *secret.Hasher
	// unclustered are the built-in users of a server without a store.
	unclustered map[string]store.User
}

// NewService returns a service on a store.
func NewService(st *store.Store, hasher *secret.Hasher) *Service {
	return &Service{store: st, hasher: hasher}
}

// New is a user to be added.
type New struct {
	Name     string
	Roles    []string
	Password string
	FullName string
	Email    string
}

// Add adds a user who is not built in. It returns fault.UserNameInvalid, UserNameConflict, UserRolesInvalid or
// InvalidData.
func (s *Service) Add(ctx context.Context, n New) error {
	if err := checkName(n.Name); err != nil {
		return err
	}
	roles, err := identity.ParseRoles(n.Roles)
	if err != nil {
		return err
	}
	hash, err := s.hashNew(ctx, n.Password)
	if err != nil {
		return err
	}
	u := store.User{Name: n.Name, Enabled: true, Roles: roles, FullName: n.FullName, Email: n.Email, PasswordHash: hash}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		err := tx.InsertUser(u)
		if errors.Is(err, store.ErrExists) {
			return fault.New(fault.UserNameConflict, "there is a user \""+n.Name+"\" already", "user_name")
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.UserCreated, u.Name, audit.Details{"roles": roles})
	})
}

// List returns all users by name.
func (s *Service) List(ctx context.Context) ([]store.User, error) {
	var users []store.User
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		users, err = tx.Users()
		return err
	})
	return users, err
}

// SetEnabled lets a user sign in or not. Disabling ends the user's sessions and stops the API keys. It returns
// fault.UserNotFound or UserCannotModify.
func (s *Service) SetEnabled(ctx context.Context, name string, enabled bool) error {
	event := audit.UserDisabled
	if enabled {
		event = audit.UserEnabled
	}
	return s.change(ctx, name, event, func(u *store.User) { u.Enabled = enabled })
}

// SetPassword gives a user a new password and ends the user's sessions. It returns fault.UserNotFound, UserCannotModify
// or InvalidData.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	hash, err := s.hashNew(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, name, audit.PasswordChanged, func(u *store.User) { u.PasswordHash = hash })
}

// change changes a user who is not built in, and ends the user's sessions: what they were begun with holds no longer.
func (s *Service) change(ctx context.Context, name string, event audit.Event, f func(*store.User)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.User(name)
		if errors.Is(err, store.ErrNotFound) {
			return fault.New(fault.UserNotFound, "there is no user \""+name+"\"", "user_name")
		}
		if err != nil {
			return err
		}
		if u.Builtin {
			return fault.New(fault.UserCannotModify, "\""+name+"\" is a built-in user and cannot be changed; its password comes from the configuration", "user_name")
		}
		f(&u)
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		ended, err := tx.DeleteUserSessions(name)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, event, name, audit.Details{"sessions_ended": ended})
	})
}

// CheckPassword returns the user whose name and password these are, and who may sign in. For everybody else, whatever
// the reason, it returns the same fault.LoginFailed after the same time.
func (s *Service) CheckPassword(ctx context.Context, name, password string) (store.User, error) {
	u, err := s.lookup(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, err
	}
	if len(password) > secret.MaxPassword {
		password, u.PasswordHash = "", "" // never right, and no work for the hasher
	}
	right, err := s.hasher.Verify(ctx, u.PasswordHash, password)
	if err != nil {
		return store.User{}, err
	}
	if !right || !u.Enabled {
		return store.User{}, LoginFailed()
	}
	return u, nil
}

// LoginFailed is the one answer to every sign-in that fails.
func LoginFailed() error {
	return fault.New(fault.LoginFailed, "the user name or the password is wrong")
}

func (s *Service) lookup(ctx context.Context, name string) (store.User, error) {
	if !s.store.Configured() {
		u, ok := s.unclustered[name]
		if !ok {
			return store.User{}, store.ErrNotFound
		}
		return u, nil
	}
	if checkName(name) != nil {
		return store.User{}, store.ErrNotFound // nobody is called that, and not every database takes such a text
	}
	var u store.User
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(name)
		return err
	})
	return u, err
}

// minPassword is in characters, as official clients ask for.
const minPassword = 8

func (s *Service) hashNew(ctx context.Context, password string) (string, error) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return "", fault.New(fault.InvalidData, "a password has at least 8 characters", "security.password")
	case len(password) > secret.MaxPassword:
		return "", fault.New(fault.InvalidData, "a password has at most 1024 bytes", "security.password")
	}
	return s.hasher.Hash(ctx, password)
}

// maxName is Elasticsearch's limit.
const maxName = 507

// checkName refuses names that would not survive their uses: a colon ends the name in Basic credentials (RFC 7617), a
// slash is the end of a path segment, a comma separates names in lists, and /users/auth is a path of its own.
func checkName(name string) error {
	bad := func(why string) error { return fault.New(fault.UserNameInvalid, "the user name "+why, "user_name") }
	switch {
	case name == "" || len(name) > maxName:
		return bad("must have 1 to 507 characters")
	case strings.TrimSpace(name) != name:
		return bad("must not begin or end with a blank")
	case strings.ContainsAny(name, ":/\\,"):
		return bad(`must not contain a colon, a slash, a backslash or a comma`)
	case strings.HasPrefix(name, "_") || name == "auth" || name == "." || name == "..":
		return bad("is reserved: it must not begin with an underscore, and must not be auth, . or ..")
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			return bad("must be printable ASCII")
		}
	}
	return nil
}
