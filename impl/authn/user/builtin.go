package user

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Names of the built-in users, as in ECE.
const (
	Admin    = "admin"
	Readonly = "readonly"
)

var builtins = []store.User{
	{Name: Admin, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformAdmin}, FullName: "Administrator"},
	{Name: Readonly, Builtin: true, Enabled: true, Roles: []identity.Role{identity.PlatformViewer},
		FullName: "Read-only administrator"},
}

// Bootstrap configures the built-in users at the start of a server.
type Bootstrap struct {
	// Passwords maps names to configured passwords. A password that differs from the user's replaces it. A user without
	// a configured password keeps the old one, or gets a random one.
	Passwords map[string]string
	// Keep stores the random passwords, by name, before they are in effect: there is no other copy in plain text, and a
	// server that crashes must not have users with unknown passwords. A later call replaces what an earlier one stored.
	Keep func(map[string]string) error
	// Changed is called with the name of each user that got the configured password instead of another one; nil if
	// there is no need.
	Changed func(name string)
}

// plan is the pending change of a built-in user.
type plan struct {
	user   store.User
	random string
	// exists reports whether the user existed when the plan was made.
	exists bool
}

// errOutdated means that another process that starts now was faster, so that plans must be made again.
var errOutdated = errors.New("user: another process changed the built-in users")

// Bootstrap ensures that the built-in users exist and have their passwords. It returns fault.InvalidData for an
// unacceptable password.
func (s *Service) Bootstrap(ctx context.Context, b Bootstrap) error {
	err := s.bootstrap(ctx, b)
	if errors.Is(err, errOutdated) || errors.Is(err, store.ErrExists) {
		err = s.bootstrap(ctx, b) // they exist now, and are never deleted
	}
	return err
}

func (s *Service) bootstrap(ctx context.Context, b Bootstrap) error {
	plans, err := s.plans(ctx, b)
	if err != nil || len(plans) == 0 {
		return err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
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
		reportChanged(b, plans)
	}
	return err
}

func reportChanged(b Bootstrap, plans []plan) {
	for _, p := range plans {
		if p.exists && b.Changed != nil {
			b.Changed(p.user.Name)
		}
	}
}

func keep(b Bootstrap, made map[string]string) error {
	if len(made) == 0 {
		return nil
	}
	return b.Keep(made)
}

// plans returns the pending changes of the built-in users. Their passwords are hashed one after the other: two hashes
// at once need twice the memory, which a new process does not have yet, and take longer.
func (s *Service) plans(ctx context.Context, b Bootstrap) ([]plan, error) {
	var names []string
	for _, u := range builtins {
		names = append(names, u.Name)
	}
	stored, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]store.User, error) { return tx.Users.ByNames(names) })
	if err != nil {
		return nil, err
	}
	var plans []plan
	for _, u := range builtins {
		var old store.User
		if i := slices.IndexFunc(stored, func(s store.User) bool { return s.Name == u.Name }); i >= 0 {
			old = stored[i]
		}
		p, due, err := s.plan(ctx, u, old, b.Passwords[u.Name])
		if err != nil {
			return nil, err
		}
		if due {
			plans = append(plans, p)
		}
	}
	return plans, nil
}

// plan determines whether a user must be changed, and hashes the password outside of any transaction. The old user is
// the zero value if there is none.
func (s *Service) plan(ctx context.Context, u, old store.User, password string) (_ plan, due bool, err error) {
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
		// The plans of several users are made at the same time.
		p.random = s.store.Random().Of("password of " + u.Name).Text(18)
		password = p.random
	}
	p.user.PasswordHash, err = s.hashNew(ctx, u.Name, password)
	return p, true, named(err, u.Name)
}

// named adds to an error the user with the unacceptable password.
func named(err error, name string) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(f.Code, "the password of the built-in user \""+name+"\": "+f.Message, f.Fields...)
	}
	return err
}

// carryOut applies a plan.
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
