package apikey

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// RejectedError is why a credential is not good. Elasticsearch's operations tell it to the caller.
type RejectedError struct{ why string }

// Error implements error.
func (e RejectedError) Error() string { return e.why }

// Why is the reason in Elasticsearch's words.
func (e RejectedError) Why() string { return e.why }

func reject(why string) error {
	return fault.Wrap(fault.Unauthorized, RejectedError{why}, "the API key is not valid, or no longer")
}

// Verify returns the key that a credential is, and the key's owner, or fault.Unauthorized with a RejectedError if it is
// malformed, unknown, wrong, invalidated or expired. It does not look at whether the owner is enabled. Only who knows the
// secret is told more of a key than that there is one. The owner has those roles only that the
// key may have.
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
			return reject("unable to find apikey with id " + id)
		}
		if err != nil {
			return err
		}
		if err := check(tx, key, text); err != nil {
			return err
		}
		s.usage.note(key, tx.Now)
		owner.Roles, err = s.rolesOf(tx, key, owner)
		return err
	})
	return key, owner, err
}

func check(tx *store.Tx, key store.APIKey, text string) error {
	switch {
	case !secret.Equal(secret.Digest(text), key.SecretDigest):
		return reject("invalid credentials for API key [" + key.ID + "]")
	case Invalidated(key):
		return reject("api key [" + key.ID + "] has been invalidated")
	case Expired(key, tx.Now):
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
