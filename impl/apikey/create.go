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
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Creation is a key to be made.
type Creation struct {
	Name string
	// Lifetime counts in whole seconds; nil is for ever. One that is not positive makes a key that has expired.
	Lifetime *time.Duration
	// Assigned are the key's own role descriptors. If there are none the key may do what its owner may.
	Assigned roledescriptor.Set
	// Metadata is nil if none was given.
	Metadata map[string]any

	onBehalf bool
}

// Credential is what the holder of a key sends. Nothing can show it again.
type Credential struct{ ID, Secret string }

// Encoded is what follows "ApiKey " in the Authorization header.
func (c Credential) Encoded() string { return encode(c.ID, c.Secret) }

// Create makes a key of the caller's. It returns fault.RequestInvalid, SecurityDenied, IllegalArgument,
// KeyInvalidInput, and fault.CredentialsInvalid if the owner was disabled meanwhile.
func (s *Service) Create(ctx context.Context, caller access.Subject, c Creation) (Key, Credential, error) {
	if err := fault.Invalid(c.Problems()); err != nil {
		return Key{}, Credential{}, err
	}
	if err := caller.Require(actionCreate); err != nil {
		return Key{}, Credential{}, err
	}
	if caller.Method == identity.APIKey && !derivable(c.Assigned) {
		return Key{}, Credential{}, fault.New(fault.InvalidData,
			"creating derived api keys requires an explicit role descriptor that is empty (has no privileges)")
	}
	return s.create(ctx, caller.Principal, c)
}

// Grant makes a key of another user's, whose credentials the caller was found to have. It returns what Create does.
func (s *Service) Grant(ctx context.Context, owner access.Subject, c Creation) (Key, Credential, error) {
	if err := fault.Invalid(c.Problems()); err != nil {
		return Key{}, Credential{}, err
	}
	c.onBehalf = true
	return s.create(ctx, owner.Principal, c)
}

func (s *Service) create(ctx context.Context, p identity.Principal, c Creation) (Key, Credential, error) {
	if p.Builtin {
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
	return s.insert(ctx, p, c)
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
	return "the built-in user \"" + p.User + "\" cannot own API keys; create them as another user"
}

// maxName counts characters. It is Elasticsearch's limit.
const maxName = 256

// Problems returns everything that is wrong with a key to be made, fit for fault.Invalid.
func (c Creation) Problems() []string {
	var messages []string
	add := func(wrong bool, message string) {
		if wrong {
			messages = append(messages, message)
		}
	}
	add(c.Name == "", "api key name is required")
	add(utf8.RuneCountInString(c.Name) > maxName, "api key name may not be more than 256 characters long")
	add(strings.TrimSpace(c.Name) != c.Name, "api key name may not begin or end with whitespace")
	add(strings.HasPrefix(c.Name, "_"), "api key name may not begin with an underscore")
	add(strings.ContainsFunc(c.Name, unicode.IsControl), "api key name may not contain control characters")
	messages = append(messages, metadataProblems(c.Metadata)...)
	return append(messages, roledescriptor.Validate(c.Assigned)...)
}

// derivable tells whether descriptors are what a key may give to a key: some, and none of them with privileges.
func derivable(set roledescriptor.Set) bool {
	for _, d := range set {
		if !d.Powerless() {
			return false
		}
	}
	return len(set) > 0
}

// insert stores a key of the principal's user, as its owner is at the moment.
func (s *Service) insert(ctx context.Context, p identity.Principal, c Creation) (Key, Credential, error) {
	credential := Credential{ID: secret.Text(idBytes), Secret: secret.Text(secretBytes)}
	key := store.APIKey{
		ID: credential.ID, UserName: p.User, Description: c.Name, SecretDigest: secret.Digest(credential.Secret),
		Version: version,
	}
	metadata, err := metadataText(c.Metadata)
	if err != nil {
		return Key{}, Credential{}, err
	}
	key.Metadata = metadata
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
		made, err := s.complete(ctx, tx, p, owner, c, key)
		if err != nil {
			return key, err
		}
		return made, s.sweep(tx)
	})
	return keyOf(key), credential, err
}

// complete stores a key with what it keeps of its owner, and records it.
func (s *Service) complete(
	ctx context.Context, tx *store.Tx, p identity.Principal, owner store.User, c Creation, key store.APIKey,
) (store.APIKey, error) {
	made, err := s.originOf(tx, p, owner, c)
	if err != nil {
		return key, err
	}
	key.LimitedBy, key.Creator = made.limitedBy, made.creator
	if key.Assigned, err = putAssigned(tx, c.Assigned); err != nil {
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

// stillValid returns fault.CredentialsInvalid if the key or the session that a caller came with was revoked since it
// was authenticated: what a user revokes must not make another key that outlives it.
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
	return details
}

// enabledOwner returns a user who may have keys made, or fault.CredentialsInvalid.
func enabledOwner(tx *store.Tx, name string) (store.User, error) {
	owner, err := tx.Users.Find(name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !owner.Enabled {
		return owner, fault.New(fault.CredentialsInvalid, "the user is disabled")
	}
	return owner, err
}
