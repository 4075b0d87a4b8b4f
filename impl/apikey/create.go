package apikey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// Creation describes a key to create.
type Creation struct {
	Name string
	// Lifetime counts in whole seconds; a key without one does not expire. A lifetime that is not positive creates an
	// expired key.
	Lifetime *time.Duration
	// Assigned holds the key's own role descriptors. A key without any has its owner's privileges.
	Assigned roledescriptor.Set
	// Metadata is nil if none was given.
	Metadata map[string]any

	onBehalf     bool
	crossCluster bool
	// certificateIdentity is empty for none.
	certificateIdentity string
}

// Credential is what the holder of a key sends. It cannot be shown again.
type Credential struct{ ID, Secret string }

// Encoded returns the text after "ApiKey " in the Authorization header.
func (c Credential) Encoded() string { return encode(c.ID, c.Secret) }

// Create creates a key of the caller, which is authorized; the creation has no Problems. It returns fault.InvalidData,
// KeyInvalidInput, and fault.CredentialsInvalid if the owner was disabled meanwhile.
func (s *Service) Create(ctx context.Context, caller access.Subject, c Creation) (Key, Credential, error) {
	if caller.Method == identity.APIKey && !derivable(c.Assigned) {
		return Key{}, Credential{}, fault.New(fault.InvalidData,
			"creating derived api keys requires an explicit role descriptor that is empty (has no privileges)")
	}
	return s.create(ctx, caller.Principal, c)
}

// Grant creates a key of another user, after the caller has presented its credentials. It returns the errors of Create.
func (s *Service) Grant(ctx context.Context, owner access.Subject, c Creation) (Key, Credential, error) {
	c.onBehalf = true
	return s.create(ctx, owner.Principal, c)
}

// newCredential returns a credential that cannot be guessed.
func (s *Service) newCredential() Credential {
	random := s.store.Random()
	return Credential{ID: random.Text(idBytes), Secret: random.Text(secretBytes)}
}

func (s *Service) create(ctx context.Context, p identity.Principal, c Creation) (Key, Credential, error) {
	return s.createAs(ctx, p, c, s.newCredential())
}

// createAs is create with a given credential.
func (s *Service) createAs(
	ctx context.Context, p identity.Principal, c Creation, credential Credential,
) (Key, Credential, error) {
	if p.Builtin || p.Method == identity.ServiceToken {
		return Key{}, Credential{}, fault.New(fault.KeyInvalidInput, cannotOwn(p))
	}
	if err := roledescriptor.CheckRestrictions(c.Assigned); err != nil {
		return Key{}, Credential{}, err
	}
	if c.Lifetime != nil {
		whole := c.Lifetime.Truncate(time.Second)
		c.Lifetime = &whole
	}
	lifetime, err := s.limit(c.Lifetime)
	if err != nil {
		return Key{}, Credential{}, err
	}
	c.Lifetime = lifetime
	return s.insert(ctx, p, c, credential)
}

// limit applies the maximum lifetime.
func (s *Service) limit(lifetime *time.Duration) (*time.Duration, error) {
	most := s.settings.MaxLifetime
	switch {
	case most == 0:
		return lifetime, nil
	case lifetime == nil:
		return &most, nil
	case *lifetime > most:
		return nil, fault.New(fault.KeyInvalidInput,
			fmt.Sprintf("expiration: on this server API keys live for at most %s", most), "expiration")
	}
	return lifetime, nil
}

func cannotOwn(p identity.Principal) string {
	if p.Method == identity.ServiceToken {
		return "the service account \"" + p.User + "\" cannot own API keys on this server; create them as a user"
	}
	return "the built-in user \"" + p.User + "\" cannot own API keys; create them as another user"
}

// maxName is Elasticsearch's limit in characters.
const maxName = 256

// Problems returns all errors of the description, as messages for fault.Invalid. Privileges must have one of the names.
func (c Creation) Problems(names privilege.Names) []string {
	var problems fault.Problems
	problems.Add(c.Name == "", "api key name is required")
	problems.Add(utf8.RuneCountInString(c.Name) > maxName, "api key name may not be more than 256 characters long")
	problems.Add(strings.TrimSpace(c.Name) != c.Name, "api key name may not begin or end with whitespace")
	problems.Add(strings.HasPrefix(c.Name, "_"), "api key name may not begin with an underscore")
	problems.Add(strings.ContainsFunc(c.Name, unicode.IsControl), "api key name may not contain control characters")
	problems = append(problems, metadataProblems(c.Metadata)...)
	return append(problems, roledescriptor.Validate(c.Assigned, names)...)
}

// derivable reports whether a key may create a key with these descriptors: there are some, and none has privileges.
func derivable(set roledescriptor.Set) bool {
	for _, d := range set {
		if !d.Powerless() {
			return false
		}
	}
	return len(set) > 0
}

// insert stores a key of the principal's user, with a snapshot of the user's current roles.
func (s *Service) insert(
	ctx context.Context, p identity.Principal, c Creation, credential Credential,
) (Key, Credential, error) {
	key := store.APIKey{
		ID: credential.ID, UserName: p.User, Description: c.Name, SecretDigest: secret.Digest(credential.Secret),
		Version: version,
	}
	if c.crossCluster {
		key.Type, key.CertificateIdentity = condition.CrossCluster, c.certificateIdentity
	}
	var err error
	if key.Metadata, err = metadata.Text(c.Metadata); err != nil {
		return Key{}, Credential{}, err
	}
	near, err := s.quota.near(ctx, p.User)
	if err != nil {
		return Key{}, Credential{}, err
	}
	key, err = store.Write(ctx, s.store, func(tx *store.Tx) (store.APIKey, error) {
		owner, err := enabledOwner(tx, p.User)
		if err != nil {
			return key, err
		}
		if err := stillValid(tx, p); err != nil {
			return key, err
		}
		if near {
			if err := s.quota.check(tx, owner.Name); err != nil {
				return key, err
			}
		}
		if err := purge(ctx, tx); err != nil {
			return key, err
		}
		return s.complete(ctx, tx, p, owner, c, key)
	})
	if err == nil {
		s.sweep()
	}
	return keyOf(key), credential, err
}

// complete stores a key with the snapshot of its owner, and records the creation.
func (s *Service) complete(
	ctx context.Context, tx *store.Tx, p identity.Principal, owner store.User, c Creation, key store.APIKey,
) (store.APIKey, error) {
	if c.crossCluster {
		owner.Roles = nil // the key captures no permissions of its owner
	}
	made, err := s.originOf(tx, p, owner, c)
	if err != nil {
		return key, err
	}
	key.LimitedBy, key.Creator = made.limitedBy, made.creator
	if key.Assigned, err = putAssigned(tx.Documents, c.Assigned); err != nil {
		return key, err
	}

	key.CreatedAt = tx.Now
	if c.Lifetime != nil {
		key.ExpiresAt = tx.Now.Add(*c.Lifetime)
	}
	if err := tx.Keys.Insert(key); err != nil {
		return key, err
	}
	return key, audit.Record(ctx, tx, audit.KeyCreated, key.ID, creationDetails(p, key, made.binding))
}

// stillValid returns fault.CredentialsInvalid if the caller's key or session was revoked since it was authenticated:
// revoked credentials must not create a key that outlives them.
func stillValid(tx *store.Tx, p identity.Principal) error {
	var err error
	switch {
	case p.Key.ID != "":
		var key store.APIKey
		if key, err = tx.Keys.Find(p.Key.ID); err == nil && invalidated(key) {
			err = store.ErrNotFound
		}
	case p.SessionID != "":
		_, _, err = tx.Sessions.Find(p.SessionID)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = fault.New(fault.CredentialsInvalid, "the credentials were revoked while the request was under way")
	}
	return err
}

func creationDetails(p identity.Principal, key store.APIKey, b binding) audit.Details {
	details := audit.Details{"user": key.UserName, "binding": b.text()}
	if p.Method == identity.APIKey {
		details["made_by_key"] = p.Key.ID
	}
	if !key.ExpiresAt.IsZero() {
		details["expires_at"] = key.ExpiresAt
	}
	if key.Assigned != "" {
		details["role_descriptors"] = key.Assigned
	}
	if crossCluster(key) {
		details["type"] = key.Type
	}
	return details
}

// enabledOwner returns a user that may own new keys, or fault.CredentialsInvalid.
func enabledOwner(tx *store.Tx, name string) (store.User, error) {
	owner, err := tx.Users.Find(name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !owner.Enabled {
		return owner, fault.New(fault.CredentialsInvalid, "the user is disabled")
	}
	return owner, err
}
