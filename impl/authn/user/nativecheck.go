package user

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/password"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// problems collects the errors of a request.
type problems struct{ fault.Problems }

// failure adds the message of an error.
func (p *problems) failure(err error) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		p.Add(true, f.Message)
	}
}

// Check returns fault.RequestInvalid with all errors of the description of a user with that name, or fault.InvalidData
// for an unacceptable password hash.
func (n Native) Check(name string) error {
	var p problems
	p.failure(CheckName(name))
	p.Add(n.Roles == nil, "roles are missing")
	p.roles(n.Roles)
	p.Add(metadata.HasReservedKey(n.Metadata), "metadata keys may not start with [_]")
	p.failure(CheckTexts(text(n.FullName), text(n.Email)))
	given := Secret{n.Password, n.PasswordHash}
	p.secret(name, given)
	if err := fault.Invalid(p.Problems); err != nil {
		return err
	}
	return given.checkHash()
}

// Check returns the errors of Native's Check for a password of a user with that name.
func (s Secret) Check(name string) error {
	var p problems
	p.Add(s.Password == nil && s.PasswordHash == nil, "one of [password, password_hash] is required")
	p.secret(name, s)
	if err := fault.Invalid(p.Problems); err != nil {
		return err
	}
	return s.checkHash()
}

func (p *problems) secret(name string, s Secret) {
	p.Add(s.Password != nil && s.PasswordHash != nil, "only one of [password, password_hash] can be given")
	if s.Password == nil {
		return
	}
	p.failure(password.Check(*s.Password, name))
}

// maxRoles bounds the roles that are looked up per request of a user.
const maxRoles = 1000

// roles checks the names of Elasticsearch roles, and that the ECE roles can be combined.
func (p *problems) roles(names []string) {
	if len(names) > maxRoles {
		p.Add(true, fmt.Sprintf("a user can have at most [%d] roles", maxRoles))
		return
	}
	var platform []string
	for _, name := range names {
		p.Add(!identity.RoleNameFits(name),
			fmt.Sprintf("the role name [%s] must have 1 to 507 characters of printable ASCII and no blank at either end", name))
		if identity.HoldsPlatformRole([]identity.Role{identity.Role(name)}) {
			platform = append(platform, name)
		}
	}
	if len(platform) > 0 {
		_, err := identity.ParseRoles(platform)
		p.failure(err)
	}
}

func (s Secret) checkHash() error {
	if s.PasswordHash == nil {
		return nil
	}
	if err := secret.CheckHash(*s.PasswordHash); err != nil {
		return fault.Wrap(fault.InvalidData, err,
			"The provided password hash is not a hash or it could not be resolved to a supported hash algorithm. The supported "+
				"password hash algorithms are [argon2id], as a PHC string of at most 64 MiB and 10 passes, with 8 to 64 bytes of "+
				"salt and 32 of hash")
	}
	return nil
}
