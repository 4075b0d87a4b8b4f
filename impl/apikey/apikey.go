// Package apikey creates, lists, deletes and verifies API keys.
package apikey

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/duration"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

const (
	idBytes     = 15 // 20 characters, as Elasticsearch's
	secretBytes = 16 // 128 bits: nothing to guess, so a plain digest is enough
	// maxDescription is Elasticsearch's limit for names, in characters: a description is the key's name there.
	maxDescription = 256
)

// Service keeps API keys.
type Service struct{ store *store.Store }

// NewService returns a service on a store.
func NewService(st *store.Store) *Service { return &Service{st} }

// Ref names a key of a user.
type Ref struct{ User, ID string }

// Create makes a key that acts for the principal, and returns it with the credential that follows "ApiKey ", which
// nothing can show again. Without an expiration it lives for ever. It returns fault.KeyInvalidInput, and fault.Unauthorized
// if the principal's user was disabled meanwhile.
func (s *Service) Create(ctx context.Context, p identity.Principal, description string, expiration *string) (store.APIKey, string, error) {
	if err := s.store.Require(); err != nil {
		return store.APIKey{}, "", err
	}
	if p.Builtin {
		return store.APIKey{}, "", fault.New(fault.KeyInvalidInput,
			"the built-in user \""+p.User+"\" cannot own API keys; create them as another user")
	}
	if err := checkDescription(description); err != nil {
		return store.APIKey{}, "", err
	}
	lifetime, err := parseExpiration(expiration)
	if err != nil {
		return store.APIKey{}, "", err
	}
	text := secret.Text(secretBytes)
	key := store.APIKey{ID: secret.Text(idBytes), UserName: p.User, Description: description, SecretDigest: secret.Digest(text)}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		owner, err := tx.User(p.User)
		if errors.Is(err, store.ErrNotFound) || err == nil && !owner.Enabled {
			return fault.New(fault.Unauthorized, "the user is disabled")
		}
		if err != nil {
			return err
		}
		key.CreatedAt = tx.Now
		if lifetime > 0 {
			key.ExpiresAt = tx.Now.Add(lifetime)
		}
		if err := tx.InsertAPIKey(key); err != nil {
			return err
		}
		details := audit.Details{"user": p.User}
		if lifetime > 0 {
			details["expires_at"] = key.ExpiresAt
		}
		return audit.Record(ctx, tx, audit.KeyCreated, key.ID, details)
	})
	return key, base64.StdEncoding.EncodeToString([]byte(key.ID + ":" + text)), err
}

// Get returns a user's key, or fault.KeyNotFound.
func (s *Service) Get(ctx context.Context, ref Ref) (store.APIKey, error) {
	var key store.APIKey
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		key, err = tx.APIKey(ref.User, ref.ID)
		if errors.Is(err, store.ErrNotFound) {
			return notFound(ref)
		}
		return err
	})
	return key, err
}

// List returns the keys of a user, oldest first, or fault.KeyOwnerNotFound.
func (s *Service) List(ctx context.Context, userName string) ([]store.APIKey, error) {
	var keys []store.APIKey
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if err := checkOwner(tx, userName); err != nil {
			return err
		}
		keys, err = tx.APIKeys(userName)
		return err
	})
	return keys, err
}

// ListAll returns everybody's keys, oldest first.
func (s *Service) ListAll(ctx context.Context) ([]store.APIKey, error) {
	var keys []store.APIKey
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		keys, err = tx.AllAPIKeys()
		return err
	})
	return keys, err
}

// Delete removes a user's key, or returns fault.KeyNotFound.
func (s *Service) Delete(ctx context.Context, ref Ref) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		deleted, err := remove(ctx, tx, ref)
		if err == nil && !deleted {
			return notFound(ref)
		}
		return err
	})
}

// DeleteEach removes the keys that exist among those named, all in one step.
func (s *Service) DeleteEach(ctx context.Context, refs []Ref) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for _, ref := range refs {
			if _, err := remove(ctx, tx, ref); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteAll removes all keys of a user, or returns fault.KeyOwnerNotFound.
func (s *Service) DeleteAll(ctx context.Context, userName string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := checkOwner(tx, userName); err != nil {
			return err
		}
		keys, err := tx.APIKeys(userName)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := remove(ctx, tx, Ref{userName, key.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Verify returns the key that a credential is, and the key's owner, or fault.Unauthorized if it is malformed, unknown,
// wrong or expired. It does not look at whether the owner is enabled.
func (s *Service) Verify(ctx context.Context, credential string) (store.APIKey, store.User, error) {
	var key store.APIKey
	var owner store.User
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		id, text, err := parse(credential)
		if err != nil {
			return err
		}
		key, owner, err = tx.APIKeyWithOwner(id)
		if errors.Is(err, store.ErrNotFound) {
			return invalid()
		}
		if err != nil {
			return err
		}
		right := secret.Equal(secret.Digest(text), key.SecretDigest)
		if !right || Expired(key, tx.Now) {
			return invalid()
		}
		return nil
	})
	return key, owner, err
}

// Expired tells whether a key is past its end.
func Expired(key store.APIKey, now time.Time) bool {
	return !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt)
}

func parse(credential string) (id, text string, err error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(credential)
	if err != nil {
		return "", "", invalid()
	}
	id, text, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", invalid()
	}
	return id, text, nil
}

func remove(ctx context.Context, tx *store.Tx, ref Ref) (bool, error) {
	deleted, err := tx.DeleteAPIKey(ref.User, ref.ID)
	if err != nil || !deleted {
		return false, err
	}
	return true, audit.Record(ctx, tx, audit.KeyDeleted, ref.ID, audit.Details{"user": ref.User})
}

func checkOwner(tx *store.Tx, userName string) error {
	_, err := tx.User(userName)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.KeyOwnerNotFound, "there is no user \""+userName+"\"", "user_id")
	}
	return err
}

func checkDescription(text string) error {
	bad := func(why string) error {
		return fault.New(fault.KeyInvalidInput, "the description "+why, "description")
	}
	switch {
	case strings.TrimSpace(text) == "":
		return bad("must not be empty")
	case strings.TrimSpace(text) != text:
		return bad("must not begin or end with a blank")
	case utf8.RuneCountInString(text) > maxDescription:
		return bad("must have at most 256 characters")
	case strings.HasPrefix(text, "_"):
		return bad("must not begin with an underscore")
	case strings.ContainsFunc(text, unicode.IsControl):
		return bad("must not contain control characters")
	}
	return nil
}

// parseExpiration returns 0 for a key that lives for ever. Lifetimes are kept to the millisecond.
func parseExpiration(text *string) (time.Duration, error) {
	if text == nil {
		return 0, nil
	}
	lifetime, err := duration.Parse(*text)
	lifetime = lifetime.Truncate(time.Millisecond)
	if err != nil {
		return 0, fault.New(fault.KeyInvalidInput, "expiration must be a duration such as 30m, 12h or 90d: "+err.Error(), "expiration")
	}
	if lifetime <= 0 {
		return 0, fault.New(fault.KeyInvalidInput, "expiration must be in the future", "expiration")
	}
	return lifetime, nil
}

func invalid() error { return fault.New(fault.Unauthorized, "the API key is not valid, or no longer") }

func notFound(ref Ref) error {
	return fault.New(fault.KeyNotFound, "there is no API key \""+ref.ID+"\"", "api_key_id")
}
