package user

import (
	"context"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/mergepatch"
	"github.com/sallyport/sallyport/impl/store"
)

// Patch applies a JSON merge patch (RFC 7396), a value of strictjson.Decode, to a user. Roles take effect at once; a
// new password and disabling end the user's sessions. It returns fault.UserNotFound, UserCannotModify,
// UserRestrictedField for members that the server keeps, UserCannotModifyExternal for members that the user's identity
// provider keeps, UserRolesInvalid, InvalidData, and UserRolesForbidden for a promotion that needs a new password.
//
// An attacker with a user's session or API key must not be able to take over the account. So users change neither their
// own roles nor state (fault.UserRolesForbidden, UserRestrictedField), and their own passwords only with the old one
// (fault.RecentPasswordNeeded) and the second factor, if they have one.
//
// The patch has only ECE roles. It neither shows nor changes the user's Elasticsearch roles.
func (s *Service) Patch(ctx context.Context, by identity.Principal, name string, patch any, proof Proof) (User, error) {
	if by.User == name && !by.Builtin { // the error for a built-in user is another one
		if err := checkSelf(by, patch, proof); err != nil {
			return User{}, err
		}
	}
	return s.patch(ctx, by, name, patch)
}

func checkSelf(by identity.Principal, patch any, proof Proof) error {
	members, _ := patch.(map[string]any)
	security, isObject := members["security"].(map[string]any)
	_, touched := members["security"]
	if _, roles := security["roles"]; roles || touched && !isObject {
		return fault.New(fault.UserRolesForbidden, "security.roles: one's own roles cannot be changed", "security.roles")
	}
	if _, ok := security["enabled"]; ok {
		return restricted("security.enabled")
	}
	if _, ok := security["password"]; !ok || by.SAMLRealm != "" { // the error for a user without a password is another one
		return nil
	}
	return proof.forOwnPassword("security.password")
}

func (s *Service) patch(ctx context.Context, by identity.Principal, name string, patch any) (User, error) {
	c, err := s.readPatch(ctx, name, patch)
	if err != nil {
		return User{}, err
	}
	u, err := s.apply(ctx, by, name, c)
	return OfRecord(u), err
}

// SetEnabled enables or disables a user.
func (s *Service) SetEnabled(ctx context.Context, name string, enabled bool) error {
	_, err := s.patch(ctx, identity.Principal{}, name, map[string]any{"security": map[string]any{"enabled": enabled}})
	return err
}

// SetPassword replaces a user's password.
func (s *Service) SetPassword(ctx context.Context, name, password string) error {
	_, err := s.patch(ctx, identity.Principal{}, name, map[string]any{"security": map[string]any{"password": password}})
	return err
}

// RoleChange adds and removes ECE roles, by their names.
type RoleChange struct{ Add, Remove []string }

// Apply returns a user's ECE roles after the change, or fault.UserRolesInvalid.
func (c RoleChange) Apply(roles []identity.Role) ([]identity.Role, error) {
	for _, name := range c.Remove {
		if _, err := identity.ParseRoles([]string{name}); err != nil {
			return nil, err
		}
	}
	rest := slices.DeleteFunc(identity.Names(roles), func(name string) bool { return slices.Contains(c.Remove, name) })
	return identity.ParseRoles(append(rest, c.Add...))
}

// ChangeRoles adds and removes ECE roles of a user for an operator of the database, and replaces the password unless it
// is "". The change is of the roles that the user has in the same transaction, so that it undoes no other change. It
// returns the errors of Patch.
func (s *Service) ChangeRoles(ctx context.Context, name string, roles RoleChange, password string) (User, error) {
	c := change{roles: &roles}
	if password != "" {
		hash, err := s.hashNew(ctx, name, password)
		if err != nil {
			return User{}, err
		}
		c.hash = hash
	}
	u, err := s.apply(ctx, identity.Principal{}, name, c)
	return OfRecord(u), err
}

// change is a decoded patch without its password, and the hash of that, if there is one.
type change struct {
	patch map[string]any
	hash  string
	// roles is a change of the roles that the user has; nil for none.
	roles *RoleChange
}

// The members that a patch may have, beside the password.
var (
	settable         = []string{"full_name", "email", "security"}
	settableSecurity = []string{"roles", "enabled"}
)

func (s *Service) readPatch(ctx context.Context, name string, patch any) (change, error) {
	members, ok := patch.(map[string]any)
	if !ok {
		return change{}, fault.New(fault.InvalidData, "the patch must be an object", "body")
	}
	c := change{patch: map[string]any{}}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		value := members[member]
		switch {
		case member == "user_name":
			if value != "" && value != name { // clients repeat the name, or send it empty
				return change{}, fault.New(fault.UserRestrictedField, "user_name: a user's name never changes", "user_name")
			}
		case member == "security" && value != nil:
			security, err := s.readSecurity(ctx, name, value, &c)
			if err != nil {
				return change{}, err
			}
			c.patch[member] = security
		case slices.Contains(settable, member):
			c.patch[member] = value
		default:
			return change{}, restricted(member)
		}
	}
	return c, nil
}

// readSecurity returns the security part of a patch without the password, which it hashes.
func (s *Service) readSecurity(ctx context.Context, name string, value any, c *change) (map[string]any, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, fault.New(fault.InvalidData, "security: this must be an object", "security")
	}
	rest := map[string]any{}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		value := members[member]
		switch {
		case member == "password":
			text, ok := value.(string)
			if !ok {
				return nil, fault.New(fault.InvalidData, "security.password: this must be a string", "security.password")
			}
			hash, err := s.hashNew(ctx, name, text)
			if err != nil {
				return nil, err
			}
			c.hash = hash
		case slices.Contains(settableSecurity, member):
			rest[member] = value
		default:
			return nil, restricted("security." + member)
		}
	}
	return rest, nil
}

func restricted(field string) error {
	return fault.New(fault.UserRestrictedField, field+": this cannot be set", field)
}

func (s *Service) apply(ctx context.Context, by identity.Principal, name string, c change) (store.User, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (store.User, error) {
		before, err := modifiable(tx, name)
		if err != nil {
			return before, err
		}
		after, err := merged(before, c)
		if err != nil {
			return before, err
		}
		if err := keepsExternal(before, after); err != nil {
			return before, err
		}
		if err := save(ctx, tx, by, before, after); err != nil {
			return before, err
		}
		return tx.Users.Find(name)
	})
}

// merged applies a change to a user.
func merged(u store.User, c change) (store.User, error) {
	platform, others := identity.SplitRoles(u.Roles)
	document := map[string]any{
		"full_name": u.FullName, "email": u.Email,
		"security": map[string]any{"roles": roleNames(platform), "enabled": u.Enabled},
	}
	before := u
	result, _ := mergepatch.Apply(document, c.patch).(map[string]any)
	security, _ := result["security"].(map[string]any)
	var err error
	u.FullName, err = read(result, "full_name", "")
	if err != nil {
		return u, err
	}
	u.Email, err = read(result, "email", "")
	if err != nil {
		return u, err
	}
	if err := CheckTexts(u.FullName, u.Email); err != nil {
		return u, err
	}
	u.EmptyFullName = u.EmptyFullName && u.FullName == before.FullName
	u.EmptyEmail = u.EmptyEmail && u.Email == before.Email
	u.Enabled, err = read(security, "enabled", true)
	if err != nil {
		return u, err
	}
	if names, ok := security["roles"].([]any); !ok || !slices.Equal(names, roleNames(platform)) { // none may stay none
		platform, err = readRoles(security["roles"])
		u.Roles = slices.Concat(platform, others)
	}
	if c.roles != nil {
		platform, err = c.roles.Apply(platform)
		u.Roles = slices.Concat(platform, others)
	}
	if c.hash != "" {
		u.PasswordHash = c.hash
	}
	return u, err
}

// read returns a member of an object, or a default if it is missing.
func read[T any](members map[string]any, name string, missing T) (T, error) {
	value, present := members[name]
	if !present {
		return missing, nil
	}
	typed, ok := value.(T)
	if !ok {
		return missing, fault.New(fault.InvalidData, name+": this is of another type", name)
	}
	return typed, nil
}

func readRoles(value any) ([]identity.Role, error) {
	elements, _ := value.([]any)
	var names []string
	for _, element := range elements {
		name, _ := element.(string)
		names = append(names, name)
	}
	return identity.ParseRoles(names)
}

func roleNames(roles []identity.Role) []any {
	names := []any{}
	for _, role := range roles {
		names = append(names, string(role))
	}
	return names
}
