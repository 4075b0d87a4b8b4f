package user

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Names of the users that come with the server, as in ECE.
const (
	Admin    = "admin"
	Readonly = "readonly"
)

var builtins = []store.User{
	{Name: Admin, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformAdmin}, FullName: "Administrator"},
	{Name: Readonly, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformViewer}, FullName: "Read-only administrator"},
}

// Bootstrap makes sure that the built-in users exist and have the passwords that are given by name. One that has none
// and is given none gets a random one; these are returned, by name, and are nowhere else in plain text.
func (s *Service) Bootstrap(ctx context.Context, passwords map[string]string) (map[string]string, error) {
	made := map[string]string{}
	s.unclustered = map[string]store.User{}
	for _, u := range builtins {
		random, err := s.bootstrap(ctx, u, passwords[u.Name])
		if err != nil {
			return nil, err
		}
		if random != "" {
			made[u.Name] = random
		}
	}
	return made, nil
}

func (s *Service) bootstrap(ctx context.Context, u store.User, password string) (random string, err error) {
	old, err := s.lookup(ctx, u.Name)
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		return "", err
	}
	if !missing && password == "" {
		return "", nil
	}
	if !missing {
		if same, err := s.hasher.Verify(ctx, old.PasswordHash, password); err != nil || same {
			return "", err
		}
	}
	if password == "" {
		random = secret.Text(18)
		password = random
	}
	u.PasswordHash, err = s.hashNew(ctx, password)
	if err != nil {
		return "", named(err, u.Name)
	}
	if !s.store.Configured() {
		s.unclustered[u.Name] = u
		return random, nil
	}
	err = s.keepBuiltin(ctx, u, missing)
	if errors.Is(err, store.ErrExists) {
		return "", nil // another process that starts now was faster
	}
	return random, err
}

// named says whose password it is that cannot be used.
func named(err error, name string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.New(f.Code, "the password of the built-in user \""+name+"\": "+f.Message, f.Fields...)
	}
	return err
}

func (s *Service) keepBuiltin(ctx context.Context, u store.User, missing bool) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if missing {
			if err := tx.InsertUser(u); err != nil {
				return err
			}
			return audit.Record(ctx, tx, audit.UserCreated, u.Name, audit.Details{"builtin": true, "roles": u.Roles})
		}
		if err := tx.UpdateUser(u); err != nil {
			return err
		}
		ended, err := tx.DeleteUserSessions(u.Name)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.PasswordChanged, u.Name, audit.Details{"sessions_ended": ended})
	})
}
