package apikey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/metadata"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Cloning describes a clone of a key.
type Cloning struct {
	// Source is the encoded credential of the key to clone.
	Source, Name string
	// Expires means that Lifetime replaces the expiration of the source: nil stands for none.
	Expires  bool
	Lifetime *time.Duration
	// Metadata replaces that of the source; nil keeps it.
	Metadata map[string]any
}

// clonedFrom is the member of a clone's metadata with the id of its source. No request can have it.
const clonedFrom = "_cloned_from"

// Problems returns what is invalid in the description, for fault.Invalid.
func (c Cloning) Problems() []string {
	var problems fault.Problems
	problems.Add(c.Source == "", "api key credential is required")
	return append(problems, Creation{Name: c.Name, Metadata: c.Metadata}.Problems(privilege.Names{})...)
}

// Clone creates a key with the owner, the role descriptors and the limits of the source. The caller is authorized, and
// the description has no Problems. The clone expires no later than the source. Only the owner and platform
// administrators can clone a key of a user with ECE roles. Unless the owner in person clones it, the clone gains
// nothing by its owner's promotion. It returns fault.CredentialsMalformed and PermissionDenied for an invalid
// credential, fault.KeyInvalidInput, and fault.CredentialsInvalid if the caller's credentials no longer work.
func (s *Service) Clone(ctx context.Context, caller access.Subject, c Cloning) (Key, Credential, error) {
	if _, _, err := parse(c.Source); err != nil {
		return Key{}, Credential{}, fault.New(fault.CredentialsMalformed, "invalid API key credential")
	}
	source, _, err := s.Verify(ctx, c.Source)
	if err != nil {
		return Key{}, Credential{}, notCloned(err)
	}
	near, err := s.quota.near(ctx, source.UserName)
	if err != nil {
		return Key{}, Credential{}, err
	}

	credential := s.newCredential()
	clone, err := store.Write(ctx, s.store, func(tx *store.Tx) (store.APIKey, error) {
		for _, p := range []identity.Principal{caller.By, caller.Principal} {
			if err := tx.RequireCurrent(p); err != nil {
				return store.APIKey{}, err
			}
		}
		owner, err := s.cloneable(tx, caller, c.Source, &source)
		if err != nil {
			return store.APIKey{}, err
		}
		if near {
			if err := s.quota.check(tx, owner.Name); err != nil {
				return store.APIKey{}, err
			}
		}
		if err := purge(ctx, tx); err != nil {
			return store.APIKey{}, err
		}
		return s.insertClone(ctx, tx, caller.Principal, owner, source, c, credential)
	})
	if err == nil {
		s.sweep()
	}
	return keyOf(clone), credential, err
}

// cloneable reads the source again, because it may have been revoked since it was verified, and returns its owner.
func (s *Service) cloneable(
	tx *store.Tx, caller access.Subject, credential string, source *store.APIKey,
) (owner store.User, err error) {
	_, text, err := parse(credential)
	if err != nil {
		return owner, err
	}
	*source, err = tx.Keys.Find(source.ID)
	if errors.Is(err, store.ErrNotFound) {
		return owner, notCloned(unknownKey(source.ID))
	}
	if err != nil {
		return owner, err
	}
	if err := check(*source, text, tx.Now); err != nil {
		return owner, notCloned(err)
	}
	if owner, err = enabledOwner(tx, source.UserName); err != nil {
		return owner, notCloned(err)
	}
	if identity.HoldsPlatformRole(owner.Roles) && owner.Name != caller.User && !reachesAll(caller) {
		err = fault.New(fault.PermissionDenied, "user ["+caller.By.User+"] may not clone API keys of users with "+
			"platform roles: holders of the role ["+string(identity.PlatformAdmin)+"] and the owners may")
	}
	return owner, err
}

// notCloned turns the refusal of a source's credential into fault.PermissionDenied, because the credentials of the
// caller are valid. Other errors stay.
func notCloned(err error) error {
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || refused.Code.Kind != fault.Unauthenticated {
		return err
	}
	reason := refused.Message
	if why, ok := errors.AsType[RejectedError](err); ok {
		reason = why.Why()
	}
	f := fault.New(fault.PermissionDenied, "Failed to clone API key")
	f.CausedBy = fault.New(fault.PermissionDenied, reason)
	return f
}

// insertClone stores a clone, and records its creation.
func (s *Service) insertClone(
	ctx context.Context, tx *store.Tx, p identity.Principal, owner store.User, source store.APIKey, c Cloning,
	credential Credential,
) (store.APIKey, error) {
	clone := store.APIKey{
		ID:           credential.ID,
		UserName:     owner.Name,
		Description:  c.Name,
		SecretDigest: secret.Digest(credential.Secret),
		CreatedAt:    tx.Now,
		Assigned:     source.Assigned,
		Version:      source.Version,
	}
	var err error
	if clone.ExpiresAt, err = s.cloneExpiration(source, c, tx.Now); err != nil {
		return clone, err
	}
	if clone.Metadata, err = c.metadata(source); err != nil {
		return clone, err
	}
	made, err := s.cloneOrigin(tx, p, owner, source)
	if err != nil {
		return clone, err
	}
	clone.LimitedBy, clone.Creator = made.limitedBy, made.creator
	if err := tx.Keys.Insert(clone); err != nil {
		return clone, err
	}
	details := creationDetails(p, clone, made.binding)
	details["cloned_from"] = source.ID
	return clone, audit.Record(ctx, tx, audit.KeyCreated, clone.ID, details)
}

// cloneExpiration returns when a clone expires; zero for never.
func (s *Service) cloneExpiration(source store.APIKey, c Cloning, now time.Time) (time.Time, error) {
	end := source.ExpiresAt
	if c.Expires {
		end = time.Time{}
		if c.Lifetime != nil {
			end = now.Add(c.Lifetime.Truncate(time.Second))
		}
	}
	if !source.ExpiresAt.IsZero() && (end.IsZero() || end.After(source.ExpiresAt)) {
		return end, fault.New(fault.KeyInvalidInput,
			"expiration: a clone expires no later than the API key that it is cloned from", "expiration")
	}
	if most := s.settings.MaxLifetime; most > 0 && (end.IsZero() || end.After(now.Add(most))) {
		if c.Expires && c.Lifetime != nil {
			return end, fault.New(fault.KeyInvalidInput,
				fmt.Sprintf("expiration: on this server API keys live for at most %s", most), "expiration")
		}
		end = now.Add(most)
	}
	return end, nil
}

// metadata returns the metadata of a clone.
func (c Cloning) metadata(source store.APIKey) (string, error) {
	members := c.Metadata
	if members == nil {
		var err error
		if members, err = readMetadata(source.Metadata); err != nil {
			return "", err
		}
	}
	members = maps.Clone(members)
	members[clonedFrom] = source.ID
	return metadata.Text(members)
}

// cloneOrigin returns the documents about the owner of a clone: those of the source, but that a clone is bound unless
// its owner in person makes it.
func (s *Service) cloneOrigin(
	tx *store.Tx, p identity.Principal, owner store.User, source store.APIKey,
) (origin, error) {
	kept, err := s.ceiling(tx, source)
	if err != nil {
		return origin{}, err
	}
	b := kept.binding
	if !b.OnBehalf && p.User != owner.Name {
		b = bindingNow(owner)
	} else if !b.OnBehalf {
		b = bindingBy(p, owner)
	}
	if source.LimitedBy == "" || source.Creator == "" { // from before they were kept
		roles, err := s.rolesOf(tx, source, owner)
		if err != nil {
			return origin{}, err
		}
		return s.putOrigin(tx, tx.Documents, owner, roles, b)
	}

	o := origin{limitedBy: source.LimitedBy, creator: source.Creator, binding: b}
	if b != kept.binding {
		o.creator, err = putCreator(tx.Documents, owner, b)
	}
	return o, err
}
