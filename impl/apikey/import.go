package apikey

import (
	"context"
	"regexp"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
)

// importable matches an id and a secret that Import accepts. A secret is as long as a generated one, 128 bits.
var (
	importableID     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	importableSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{22,128}$`)
)

// Check returns fault.KeyInvalidInput for a credential that Import does not accept.
func (c Credential) Check() error {
	if !importableID.MatchString(c.ID) {
		return fault.New(fault.KeyInvalidInput, "an id has 1 to 64 of the characters A-Z, a-z, 0-9, - and _", "id")
	}
	if !importableSecret.MatchString(c.Secret) {
		return fault.New(fault.KeyInvalidInput, "a secret has 22 to 128 of the characters A-Z, a-z, 0-9, - and _",
			"secret")
	}
	return nil
}

// Import creates a key of a user with a credential that the caller chose, for the data that a temporary server starts
// with; no request leads here. It returns the errors of Create and Credential's Check.
func (s *Service) Import(ctx context.Context, owner string, c Creation, credential Credential) error {
	if err := credential.Check(); err != nil {
		return err
	}
	_, _, err := s.createAs(ctx, identity.Principal{User: owner}, c, credential)
	return err
}
