package apikey

import (
	"context"
	"fmt"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// CreateCrossCluster creates a key of the caller for another cluster, with the role descriptor of
// roledescriptor.Access in Assigned. Its owner's privileges do not limit it, and it does not authenticate requests. It
// returns the errors of Create.
func (s *Service) CreateCrossCluster(
	ctx context.Context, caller access.Subject, c Creation, certificateIdentity string,
) (Key, Credential, error) {
	if caller.Method == identity.APIKey {
		return Key{}, Credential{}, fault.New(fault.InvalidData, "authentication via API key not supported: "+
			"An API key cannot be used to create a cross-cluster API key")
	}
	c.crossCluster, c.certificateIdentity = true, certificateIdentity
	return s.create(ctx, caller.Principal, c)
}

// UpdateCrossCluster is Update for a cross-cluster key. An empty certificate identity removes that of the key, and nil
// keeps it.
func (s *Service) UpdateCrossCluster(
	ctx context.Context, caller access.Subject, id string, u Update, certificateIdentity *string,
) (bool, error) {
	u.crossCluster, u.certificateIdentity = true, certificateIdentity
	return s.Update(ctx, caller, id, u)
}

// crossCluster reports whether a key is for another cluster.
func crossCluster(key store.APIKey) bool { return key.Type == condition.CrossCluster }

// typeOf returns the type of a key that is for another cluster, or not.
func typeOf(crossCluster bool) string {
	if crossCluster {
		return condition.CrossCluster
	}
	return condition.Rest
}

// maxIdentity bounds a certificate identity in characters.
const maxIdentity = 1000

// CheckIdentity returns fault.InvalidData unless a certificate identity is a regular expression of at most 1,000
// characters, in Perl's syntax without what RE2 lacks.
func CheckIdentity(pattern string) error {
	if utf8.RuneCountInString(pattern) > maxIdentity {
		return fault.New(fault.InvalidData,
			fmt.Sprintf("certificate_identity may not be more than %d characters long", maxIdentity))
	}
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return fault.New(fault.InvalidData,
			"Invalid certificate_identity format: ["+pattern+"]. Must be a valid regex.")
	}
	return nil
}
