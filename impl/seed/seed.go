// Package seed adds the users, roles and API keys of a YAML file to a temporary server, with passwords, keys and second
// factors that its author chose, so that a test knows them.
package seed

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/password"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// Seed is what a file describes.
type Seed struct {
	Roles []Role
	Users []User
	Keys  []Key
}

// Role is an Elasticsearch role.
type Role struct {
	Name       string
	Descriptor roledescriptor.Descriptor
}

// User is a native user.
type User struct {
	Name string
	user.Native
	// TOTP is the key of a confirmed second factor; nil for none.
	TOTP []byte
}

// Key is an API key.
type Key struct {
	User string
	apikey.Creation
	apikey.Credential
}

// Read reads a file. It returns all errors, one per line, each with the line of the file.
func Read(text []byte) (Seed, error) {
	top, err := strictyaml.Read(text, "roles", "users", "keys")
	if err != nil {
		return Seed{}, err
	}

	var s Seed
	for section := range top.Sections("roles", "name", "descriptor") {
		s.Roles = append(s.Roles, readRole(section))
	}
	for section := range top.Sections("users", "name", "password", "roles", "full_name", "email", "metadata", "disabled",
		"totp") {
		s.Users = append(s.Users, s.readUser(section))
	}
	for section := range top.Sections("keys", "user", "name", "id", "secret", "expires_in", "role_descriptors",
		"metadata") {
		s.Keys = append(s.Keys, s.readKey(section))
	}
	return s, top.Err()
}

// builtin are the built-in roles that a seed can name.
var builtin role.Builtin

func readRole(section strictyaml.Section) Role {
	r := Role{Name: section.Required("name")}
	options := roledescriptor.Options{AllowDescription: true, AllowDataSources: true}
	d, err := roledescriptor.Parse(r.Name, section.Object("descriptor"), options)
	if err == nil {
		err = builtin.Check(r.Name, d, privilege.Names{})
	}
	if err != nil && r.Name != "" {
		report(section, "descriptor", err)
	}
	r.Descriptor = d
	return r
}

func (s Seed) readUser(section strictyaml.Section) User {
	given := section.Required("password")
	u := User{Name: section.Required("name"), Native: user.Native{
		Password: &given,
		Roles:    s.readRoles(section),
		FullName: optional(section, "full_name"),
		Email:    optional(section, "email"),
		Metadata: section.Object("metadata"),
		Enabled:  !section.Boolean("disabled", false),
	}}
	if u.Name != "" && given != "" {
		if err := password.Check(given, u.Name); err != nil {
			report(section, "password", err)
		} else if err := u.Check(u.Name); err != nil {
			report(section, "name", err)
		}
	}
	if section.Given("totp") {
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(section.Text("totp"))
		if err != nil || len(key) < minTOTP {
			section.Bad("totp", "this must be at least %d bytes in base32 without padding, such as %s", minTOTP,
				strings.Repeat("JBSWY3DP", 4))
		}
		u.TOTP = key
	}
	return u
}

// minTOTP is the minimum size of a second factor's key in bytes (RFC 4226, section 4).
const minTOTP = 16

// readRoles reads the roles of a user, which must exist: an unknown role would have no privileges.
func (s Seed) readRoles(section strictyaml.Section) []string {
	if !section.Given("roles") {
		section.Bad("roles", "this is missing")
		return []string{}
	}
	names := append([]string{}, section.Texts("roles")...) // not nil: a user may have no roles
	for _, name := range names {
		defined := func(r Role) bool { return r.Name == name }
		if !slices.ContainsFunc(s.Roles, defined) && !builtin.Reserved(name) &&
			!slices.Contains(identity.Roles, identity.Role(name)) {
			section.Bad("roles", "there is no role %q, neither in this file nor built in", name)
		}
	}
	return names
}

func (s Seed) readKey(section strictyaml.Section) Key {
	k := Key{
		User:       section.Required("user"),
		Creation:   apikey.Creation{Name: section.Required("name"), Metadata: section.Object("metadata")},
		Credential: apikey.Credential{ID: section.Required("id"), Secret: section.Required("secret")},
	}
	owned := func(u User) bool { return u.Name == k.User }
	if k.User != "" && !slices.ContainsFunc(s.Users, owned) {
		section.Bad("user", "there is no user %q in this file", k.User)
	}
	if section.Given("expires_in") {
		lifetime := section.Duration("expires_in", time.Hour, time.Second, 100*365*24*time.Hour)
		k.Lifetime = &lifetime
	}

	var err error
	if section.Given("role_descriptors") {
		read := roledescriptor.Field(&k.Assigned, roledescriptor.Options{AllowRestriction: true, AllowDataSources: true})
		if err = read(section.Object("role_descriptors")); err != nil {
			report(section, "role_descriptors", err)
		}
	}
	if k.ID != "" && k.Secret != "" {
		if err = k.Check(); err != nil {
			report(section, "id", err)
		}
	}
	for _, problem := range k.Problems(privilege.Names{}) {
		if k.Name != "" {
			section.Bad("name", "%s", problem)
		}
	}
	return k
}

// report records an error of the domain at the member that it names, or else at the given one.
func report(section strictyaml.Section, member string, err error) {
	text := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok {
		text = f.Message
		if len(f.Fields) == 1 && section.Given(f.Fields[0]) {
			member = f.Fields[0]
		}
	}
	section.Bad(member, "%s", text)
}

// optional returns a text, or nil if it is missing.
func optional(section strictyaml.Section, name string) *string {
	if !section.Given(name) {
		return nil
	}
	text := section.Text(name)
	return &text
}

// Apply adds what the seed describes. The audit trail names the built-in administrator. The first error ends it; an
// error names the part that could not be added.
func (s Seed) Apply(ctx context.Context, a *app.App) error {
	for _, r := range s.Roles {
		if _, err := a.Roles.Put(ctx, r.Name, r.Descriptor); err != nil {
			return fmt.Errorf("role %q: %w", r.Name, err)
		}
	}

	by := identity.Principal{User: user.Admin, Builtin: true, Roles: []identity.Role{identity.PlatformAdmin}}
	for _, u := range s.Users {
		if _, err := a.Users.PutNative(ctx, by, u.Name, u.Native, user.Proof{}); err != nil {
			return fmt.Errorf("user %q: %w", u.Name, err)
		}
		if u.TOTP == nil {
			continue
		}
		if err := a.Elevation.Import(ctx, u.Name, u.TOTP); err != nil {
			return fmt.Errorf("second factor of user %q: %w", u.Name, err)
		}
	}

	for _, k := range s.Keys {
		if err := a.Keys.Import(ctx, k.User, k.Creation, k.Credential); err != nil {
			return fmt.Errorf("API key %q: %w", k.Name, err)
		}
	}
	return nil
}
