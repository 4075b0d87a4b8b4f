package apikey

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// RejectedError is the reason for rejecting a credential. Elasticsearch's operations show it to the caller.
type RejectedError struct {
	why   string
	cause *outcome.RefusalError
}

// Error implements error.
func (e RejectedError) Error() string { return e.why }

// Why returns the reason in Elasticsearch's words.
func (e RejectedError) Why() string { return e.why }

// Unwrap returns the refusal, for metrics and the log.
func (e RejectedError) Unwrap() error { return e.cause }

// reject returns fault.CredentialsInvalid with a reason for the log and one for the caller. The user is the owner of a
// key that exists.
func reject(result outcome.Result, reason, userName, why string) error {
	cause := &outcome.RefusalError{Result: result, Reason: reason, User: userName}
	return fault.Wrap(fault.CredentialsInvalid, RejectedError{why, cause}, "the API key is not valid, or no longer")
}

func malformedKey() error {
	return reject(outcome.Refused, "malformed API key", "", "invalid ApiKey value")
}

func unknownKey(id string) error {
	return reject(outcome.Unknown, "unknown API key", "", "unable to find apikey with id "+id)
}

func invalidatedKey(id, userName string) error {
	return reject(outcome.Revoked, "invalidated API key", userName, "api key ["+id+"] has been invalidated")
}

// Verify authenticates an encoded API key and returns it with its owner, with the roles that the key may have. It
// returns fault.CredentialsInvalid with a RejectedError if the credential is malformed, unknown, wrong, invalidated or
// expired, and fault.KeyTypeWrong for a cross-cluster key. It does not check whether the owner is enabled. A caller
// without the secret learns only whether a key exists.
func (s *Service) Verify(ctx context.Context, credential string) (store.APIKey, store.User, error) {
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

// ownedKey is a key with its owner, with the roles that the key may have.
type ownedKey struct {
	key   store.APIKey
	owner store.User
	// used is set when a use was noted, because the key still has the time of an older one.
	used atomic.Bool
}

// maxKnown bounds the cached keys to about 8 MiB of memory, without their metadata.
const maxKnown = 8192

func (s *Service) find(tx *store.Tx, id string) (*ownedKey, error) {
	var found ownedKey
	var err error
	found.key, found.owner, err = tx.Keys.FindWithOwner(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknownKey(id)
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
		return reject(outcome.Refused, "wrong secret of an API key", key.UserName,
			"invalid credentials for API key ["+key.ID+"]")
	case invalidated(key):
		return invalidatedKey(key.ID, key.UserName)
	case crossCluster(key):
		cause := &outcome.RefusalError{Result: outcome.Refused, Reason: "cross-cluster API key", User: key.UserName}
		return fault.Wrap(fault.KeyTypeWrong, cause, fmt.Sprintf(
			"authentication expected API key type of [%s], but API key [%s] has type [%s]", condition.Rest, key.ID, key.Type))
	case expired(key, now):
		return reject(outcome.Expired, "expired API key", key.UserName, "api key is expired")
	}
	return nil
}

// maxID bounds the part of a credential that is repeated in errors, in bytes. No key has a longer id.
const maxID = 64

func parse(credential string) (id, text string, err error) {
	decoded, err := secret.DecodeCredential(credential)
	if err != nil {
		return "", "", malformedKey()
	}
	id, text, ok := strings.Cut(string(decoded), ":")
	if !ok || id == "" || len(id) > maxID || strings.ToValidUTF8(id, "") != id || strings.ContainsRune(id, 0) {
		return "", "", malformedKey()
	}
	return id, text, nil
}

func encode(id, text string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + text))
}
