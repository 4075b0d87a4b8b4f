package user

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Names of the users that come with the server, as in ECE.
const (
	Admin    = "admin"
	Readonly = "readonly"
)

var builtins = []store.User{
	{Name: Admin, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformAdmin}, FullName: "Administrator"},
	{Name: Readonly, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformViewer},
		FullName: "Read-only administrator"},
}

// Bootstrap is what a server needs to know of its built-in users when it starts.
type Bootstrap struct {
	// Passwords are the configured ones, by name. One that differs from the user's replaces it; a user for whom none is
	// configured keeps the old one, or gets a random one.
	Passwords map[string]string
	// Keep is given the random passwords, by name, before they count: they are nowhere else in plain text, so a server
	// that dies must not have users with passwords that nobody was told. A later call replaces what an earlier one
	// kept.
	Keep func(map[string]string) error
	// Changed is told whose password was replaced by the configured one; nil if nobody wants to know.
	Changed func(name string)
}

// plan is what is to be done about one built-in user.
type plan struct {
	user   store.User
	random string
	// exists tells whether the user existed when the plan was made.
	exists bool
}

// errOutdated means that another process that starts now was faster, so that plans have to be made anew.
var errOutdated = errors.New("user: another process changed the built-in users")

// Bootstrap makes sure that the built-in users exist and have their passwords. It returns fault.InvalidData for a
// password that cannot be used.
func (s *Service) Bootstrap(ctx context.Context, b Bootstrap) error {
	err := s.bootstrap(ctx, b)
	if errors.Is(err, errOutdated) || errors.Is(err, store.ErrExists) {
		err = s.bootstrap(ctx, b) // they exist now, and are not taken away again
	}
	return err
}

func (s *Service) bootstrap(ctx context.Context, b Bootstrap) error {
	var plans []plan
	for _, u := range builtins {
		p, due, err := s.plan(ctx, u, b.Passwords[u.Name])
		if err != nil {
			return err
		}
		if due {
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 {
		return nil
	}
	if !s.store.Configured() {
		return s.bootstrapUnclustered(plans, b)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		made := map[string]string{}
		for _, p := range plans {
			if err := carryOut(ctx, tx, p); err != nil {
				return err
			}
			if p.random != "" {
				made[p.user.Name] = p.random
			}
		}
		return keep(b, made)
	})
	if err == nil {
		tellChanged(b, plans)
	}
	return err
}

func tellChanged(b Bootstrap, plans []plan) {
	for _, p := range plans {
		if p.exists && b.Changed != nil {
			b.Changed(p.user.Name)
		}
	}
}

func (s *Service) bootstrapUnclustered(plans []plan, b Bootstrap) error {
	s.unclustered = map[string]store.User{}
	made := map[string]string{}
	for _, p := range plans {
		s.unclustered[p.user.Name] = p.user
		if p.random != "" {
			made[p.user.Name] = p.random
		}
	}
	return keep(b, made)
}

func keep(b Bootstrap, made map[string]string) error {
	if len(made) == 0 {
		return nil
	}
	return b.Keep(made)
}

// plan finds out whether anything is due for a user, and hashes outside of any transaction.
func (s *Service) plan(ctx context.Context, u store.User, password string) (plan, bool, error) {
	old, err := s.find(ctx, u.Name)
	if err != nil {
		return plan{}, false, err
	}
	exists := old.Name != ""
	if exists && password == "" {
		return plan{}, false, nil
	}
	if exists {
		if same, err := s.hasher.Verify(ctx, old.PasswordHash, password); err != nil || same {
			return plan{}, false, err
		}
	}
	p := plan{user: u, exists: exists}
	if password == "" {
		p.random = secret.Text(18)
		password = p.random
	}
	p.user.PasswordHash, err = s.hashNew(ctx, u.Name, password)
	return p, true, named(err, u.Name)
}

// named says whose password it is that cannot be used.
func named(err error, name string) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.New(f.Code, "the password of the built-in user \""+name+"\": "+f.Message, f.Fields...)
	}
	return err
}

// carryOut does what is due.
func carryOut(ctx context.Context, tx *store.Tx, p plan) error {
	before, err := tx.Users.Find(p.user.Name)
	switch found := err == nil; {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case found != p.exists:
		return errOutdated
	case found:
		return save(ctx, tx, identity.Principal{}, before, updated(before, p.user))
	}
	return add(ctx, tx, identity.Principal{}, p.user)
}
