package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/client"
)

// directory is the users of a database, or of a server.
type directory interface {
	list(context.Context) ([]listedUser, error)
	get(ctx context.Context, name string) (listedUser, error)
	add(context.Context, user.New) error
	remove(ctx context.Context, name string) error
	// setRoles replaces the platform roles of a user, and the password unless it is "".
	setRoles(ctx context.Context, name string, roles []string, password string) error
	// changeRoles is setRoles for a change of the platform roles that the user has, and returns those after it.
	changeRoles(ctx context.Context, name string, change user.RoleChange, password string) ([]identity.Role, error)
	setEnabled(ctx context.Context, name string, enabled bool) error
	setPassword(ctx context.Context, name, password string) error
	unlock(ctx context.Context, name string) error
}

var directories = targetOf[directory]{
	database: func(r records) (directory, func()) { return databaseUsers{r.users()}, func() {} },
	server:   func(c *client.Client) directory { return remoteUsers{c} },
}

// listedUser is a user as commands show it.
type listedUser struct {
	Name    string   `json:"name"`
	Enabled bool     `json:"enabled"`
	Builtin bool     `json:"builtin"`
	Roles   []string `json:"roles"`
	// HasTOTP is nil if the source does not say whether the user has a second factor.
	HasTOTP    *bool      `json:"second_factor,omitempty"`
	Realm      string     `json:"realm,omitempty"`
	FullName   string     `json:"full_name,omitempty"`
	Email      string     `json:"email,omitempty"`
	Created    *time.Time `json:"created,omitempty"`
	LastSignIn *time.Time `json:"last_sign_in,omitempty"`
}

// secondFactor returns the text of HasTOTP for a table.
func (u listedUser) secondFactor() string {
	if u.HasTOTP == nil {
		return "-"
	}
	return strconv.FormatBool(*u.HasTOTP)
}

// timeOrNil returns a time for JSON; nil for the zero time.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

// optionalTime formats a time that may be missing, for a table.
func optionalTime(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return formatTime(*t)
}

// databaseUsers are the users of a database.
type databaseUsers struct{ users *user.Service }

func (s databaseUsers) list(ctx context.Context) ([]listedUser, error) {
	users, err := s.users.List(ctx, true)
	shown := make([]listedUser, len(users))
	for i, u := range users {
		shown[i] = userOfRecord(u)
	}
	return shown, err
}

func (s databaseUsers) get(ctx context.Context, name string) (listedUser, error) {
	u, err := s.users.Get(ctx, name)
	return userOfRecord(u), err
}

func userOfRecord(u user.User) listedUser {
	return listedUser{
		Name:       u.Name,
		Enabled:    u.Enabled,
		Builtin:    u.Builtin,
		Roles:      orEmpty(identity.Names(u.Roles)),
		HasTOTP:    &u.HasTOTP,
		Realm:      cmp.Or(u.SAMLRealm, u.HomeRealm().Type),
		FullName:   u.FullName,
		Email:      u.Email,
		Created:    timeOrNil(u.CreatedAt),
		LastSignIn: timeOrNil(u.LastLoginAt),
	}
}

func (s databaseUsers) add(ctx context.Context, n user.New) error {
	_, err := s.users.Add(ctx, n)
	return err
}

func (s databaseUsers) remove(ctx context.Context, name string) error {
	return s.users.Delete(ctx, identity.Principal{}, name)
}

func (s databaseUsers) setRoles(ctx context.Context, name string, roles []string, password string) error {
	names := make([]any, len(roles))
	for i, role := range roles {
		names[i] = role
	}
	security := map[string]any{"roles": names}
	if password != "" {
		security["password"] = password
	}
	_, err := s.users.Patch(ctx, identity.Principal{}, name, map[string]any{"security": security}, user.Proof{})
	return err
}

func (s databaseUsers) changeRoles(
	ctx context.Context, name string, change user.RoleChange, password string,
) ([]identity.Role, error) {
	u, err := s.users.ChangeRoles(ctx, name, change, password)
	platform, _ := identity.SplitRoles(u.Roles)
	return platform, err
}

func (s databaseUsers) setEnabled(ctx context.Context, name string, enabled bool) error {
	return s.users.SetEnabled(ctx, name, enabled)
}

func (s databaseUsers) setPassword(ctx context.Context, name, password string) error {
	return s.users.SetPassword(ctx, name, password)
}

func (s databaseUsers) unlock(ctx context.Context, name string) error {
	return s.users.Unlock(ctx, identity.Principal{}, name)
}

// remoteUsers are the users of a server.
type remoteUsers struct{ client *client.Client }

func (s remoteUsers) list(ctx context.Context) ([]listedUser, error) {
	var shown []listedUser
	for u, err := range s.client.Users(ctx) {
		if err != nil {
			return nil, err
		}
		shown = append(shown, userOfServer(u))
	}
	return shown, nil
}

func (s remoteUsers) get(ctx context.Context, name string) (listedUser, error) {
	u, err := s.client.User(ctx, name)
	return userOfServer(u), err
}

func userOfServer(u gen.User) listedUser {
	shown := listedUser{
		Name:     u.UserName,
		Enabled:  u.Security.Enabled == nil || *u.Security.Enabled,
		Builtin:  valueOf(u.Builtin),
		Roles:    orEmpty(valueOf(u.Security.Roles)),
		FullName: valueOf(u.FullName),
		Email:    valueOf(u.Email),
	}
	if realm := u.Security.SecurityRealm; realm != nil {
		shown.Realm = realm.ID
	}
	if m := u.Metadata; m != nil {
		shown.Created, shown.LastSignIn = m.CreatedAt, m.LastLoginAt
	}
	return shown
}

// valueOf returns what a pointer points to, or the zero value for nil.
func valueOf[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}

// textOrNil returns a text of a request; nil for none.
func textOrNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s remoteUsers) add(ctx context.Context, n user.New) error {
	_, err := s.client.API().CreateUserWithResponse(ctx, gen.CreateUserRequest{
		UserName: n.Name,
		FullName: textOrNil(n.FullName),
		Email:    textOrNil(n.Email),
		Security: gen.CreateUserSecurity{Password: &n.Password, Roles: new(orEmpty(n.Roles))},
	})
	return err
}

func (s remoteUsers) remove(ctx context.Context, name string) error {
	return s.client.DeleteUser(ctx, name)
}

func (s remoteUsers) patch(ctx context.Context, name string, security gen.UserSecurityPatch) error {
	_, err := s.client.UpdateUser(ctx, name, gen.UserPatch{Security: &security})
	return err
}

func (s remoteUsers) setRoles(ctx context.Context, name string, roles []string, password string) error {
	return s.patch(ctx, name, gen.UserSecurityPatch{Roles: &roles, Password: textOrNil(password)})
}

// changeRoles reads the roles and replaces them, because no operation of a server adds or removes some. It then reads
// them again, and so finds most changes of others meanwhile, but not all.
func (s remoteUsers) changeRoles(
	ctx context.Context, name string, change user.RoleChange, password string,
) ([]identity.Role, error) {
	before, err := s.platformRoles(ctx, name)
	if err != nil {
		return nil, err
	}
	want, err := change.Apply(before)
	if err != nil {
		return nil, err
	}
	if err := s.setRoles(ctx, name, identity.Names(want), password); err != nil {
		return nil, err
	}
	after, err := s.platformRoles(ctx, name)
	if err == nil && !slices.Equal(slices.Sorted(slices.Values(after)), want) {
		err = fmt.Errorf("another command changed the user %s meanwhile: its platform roles are %s, and not %s", name,
			joinRoles(after), joinRoles(want))
	}
	return after, err
}

func (s remoteUsers) platformRoles(ctx context.Context, name string) ([]identity.Role, error) {
	u, err := s.get(ctx, name)
	var roles []identity.Role
	for _, role := range u.Roles {
		roles = append(roles, identity.Role(role))
	}
	platform, _ := identity.SplitRoles(roles)
	return platform, err
}

func (s remoteUsers) setEnabled(ctx context.Context, name string, enabled bool) error {
	return s.patch(ctx, name, gen.UserSecurityPatch{Enabled: &enabled})
}

func (s remoteUsers) setPassword(ctx context.Context, name, password string) error {
	caller, err := s.client.Caller(ctx)
	if err != nil {
		return err
	}
	if caller.UserName == name {
		return s.client.SetPassword(ctx, password)
	}
	return s.patch(ctx, name, gen.UserSecurityPatch{Password: &password})
}

func (s remoteUsers) unlock(ctx context.Context, name string) error {
	if name == "" {
		return errors.New("the user has no name")
	}
	_, err := s.client.API().UnlockUserWithResponse(ctx, name)
	return err
}
