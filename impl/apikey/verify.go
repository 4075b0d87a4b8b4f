package apikey

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// RejectedError is why a credential is not good. Elasticsearch's operations tell it to the caller.
type RejectedError struct{ why string }

// Error implements error.
func (e RejectedError) Error() string { return e.why }

// Why is the reason in Elasticsearch's words.
func (e RejectedError) Why() string { return e.why }

func reject(why string) error {
	return fault.Wrap(fault.CredentialsInvalid, RejectedError{why}, "the API key is not valid, or no longer")
}

// Verify returns the key that a credential is, and the key's owner, or fault.CredentialsInvalid with a RejectedError if
// it is malformed, unknown, wrong, invalidated or expired. It does not look at whether the owner is enabled. Only who
// knows the secret is told more of a key than that there is one. The owner has those roles only that the key may have.
func (s *Service) Verify(ctx context.Context, credential string) (store.APIKey, store.User, error) {
	if err := s.store.Require(); err != nil {
		return store.APIKey{}, store.User{}, err
	}
	id, text, err := parse(credential)
	if err != nil {
		return store.APIKey{}, store.User{}, err
	}
	found, err := s.known.Read(ctx, id, func(tx *store.Tx) (*ownedKey, error) { return s.find(tx, id) })
	if err != nil {
		return store.APIKey{}, store.User{}, err
	}
	now := s.store.Now()
	if err := check(found.key, text, now); err != nil {
		return store.APIKey{}, store.User{}, err
	}
	found.use(s.usage, now)
	return found.key, found.owner, nil
}

// ownedKey is a key with its owner, who has those roles only that the key may have.
type ownedKey struct {
	key   store.APIKey
	owner store.User
	// used is set once a use is noted, because the key goes on to tell of an older one.
	used atomic.Bool
}

// maxKnown bounds the memory that known keys take, to about 8 MiB, beside their metadata.
const maxKnown = 8192

func (s *Service) find(tx *store.Tx, id string) (*ownedKey, error) {
	var found ownedKey
	var err error
	found.key, found.owner, err = tx.Keys.FindWithOwner(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, reject("unable to find apikey with id " + id)
	}
	if err != nil {
		return nil, err
	}
	found.owner.Roles, err = s.rolesOf(tx, found.key, found.owner)
	return &found, err
}

func (o *ownedKey) use(u *usage, now time.Time) {
	if now.Sub(o.key.LastUsedAt) >= noted && o.used.CompareAndSwap(false, true) {
		u.note(o.key, now)
	}
}

// CacheCounts returns the numbers of hits and misses of the key cache.
func (s *Service) CacheCounts() (hits, misses uint64) { return s.known.Counts() }

func check(key store.APIKey, text string, now time.Time) error {
	switch {
	case !secret.Equal(secret.Digest(text), key.SecretDigest):
		return reject("invalid credentials for API key [" + key.ID + "]")
	case invalidated(key):
		return reject("api key [" + key.ID + "] has been invalidated")
	case expired(key, now):
		return reject("api key is expired")
	}
	return nil
}

// maxID bounds what is repeated of a credential, in bytes. No key has a longer id.
const maxID = 64

func parse(credential string) (id, text string, err error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(credential)
	if err != nil {
		return "", "", reject("invalid ApiKey value")
	}
	id, text, ok := strings.Cut(string(decoded), ":")
	if !ok || id == "" || len(id) > maxID || strings.ToValidUTF8(id, "") != id || strings.ContainsRune(id, 0) {
		return "", "", reject("invalid ApiKey value")
	}
	return id, text, nil
}

func encode(id, text string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + text))
}
