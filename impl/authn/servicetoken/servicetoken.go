// Package servicetoken manages the tokens that authenticate service accounts.
package servicetoken

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/serviceaccount"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// ID identifies a token.
type ID struct{ Account, Name string }

// String returns the id as Elasticsearch writes it.
func (id ID) String() string { return id.Account + "/" + id.Name }

const (
	secretBytes = 16 // 128 bits: nothing to guess, so a plain digest is enough
	nameBytes   = 15
	// maxKnown bounds the cached tokens.
	maxKnown = 1024
	// maxPerAccount bounds the stored tokens.
	maxPerAccount = 1000
	// maxToken bounds an encoded token in bytes. The longest name has 256 characters.
	maxToken = 1024
)

// Service manages tokens.
type Service struct {
	store *store.Store
	known *store.Cache[ID, store.ServiceToken]
}

// NewService returns a service on a store.
func NewService(st *store.Store) *Service {
	known, _ := store.NewCache[ID, store.ServiceToken](st, maxKnown) // it fails for a size that is not positive only
	return &Service{st, known}
}

// validName are the names of tokens that Elasticsearch accepts.
var validName = regexp.MustCompile(`^[a-zA-Z0-9-][a-zA-Z0-9_-]{0,255}$`)

// CheckName returns fault.RequestInvalid for a name that no token can have.
func CheckName(name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return fault.Invalid([]string{"invalid service token name [" + name + "]. service account token name must have at " +
		"least 1 character and at most 256 characters that are alphanumeric (A-Z, a-z, 0-9) or hyphen (-) or underscore " +
		"(_). It must not begin with an underscore (_)."})
}

// Create creates a token and returns it with its encoded value, which cannot be shown again. An empty name is replaced
// with a new one. The caller is authorized, and the name is valid. Create returns fault.InvalidData for an unknown
// account or one with too many tokens, fault.ServiceTokenConflict, and fault.CredentialsInvalid if the caller's
// credentials no longer work.
func (s *Service) Create(ctx context.Context, caller []identity.Principal, id ID) (ID, string, error) {
	if _, found := serviceaccount.Find(id.Account); !found {
		return id, "", fault.New(fault.InvalidData, "service account ["+id.Account+"] does not exist")
	}
	random := s.store.Random()
	if id.Name == "" {
		id.Name = "token-" + random.Text(nameBytes)
	}
	text := random.Text(secretBytes)

	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := requireCurrent(tx, caller); err != nil {
			return err
		}
		names, err := tx.ServiceTokens.Names(id.Account)
		if err != nil {
			return err
		}
		if len(names) >= maxPerAccount {
			return fault.New(fault.InvalidData, fmt.Sprintf(
				"service account [%s] has [%d] tokens, the maximum on this server; delete some first", id.Account, len(names)))
		}
		err = tx.ServiceTokens.Insert(store.ServiceToken{
			Account:      id.Account,
			Name:         id.Name,
			SecretDigest: secret.Digest(text),
		})
		if errors.Is(err, store.ErrExists) {
			return fault.New(fault.ServiceTokenConflict,
				"[service_account_token-"+id.String()+"]: version conflict, document already exists (current version [1])")
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ServiceTokenCreated, id.String(), nil)
	})
	return id, encode(id, text), err
}

// Delete deletes a token, which stops working at once, and reports whether there was one.
func (s *Service) Delete(ctx context.Context, caller []identity.Principal, id ID) (bool, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (bool, error) {
		if err := requireCurrent(tx, caller); err != nil {
			return false, err
		}
		deleted, err := tx.ServiceTokens.Delete(id.Account, id.Name)
		if err != nil || !deleted {
			return false, err
		}
		return true, audit.Record(ctx, tx, audit.ServiceTokenDeleted, id.String(), nil)
	})
}

// requireCurrent returns fault.CredentialsInvalid unless all principals of a request could still be authenticated.
func requireCurrent(tx *store.Tx, caller []identity.Principal) error {
	for _, p := range caller {
		if err := tx.RequireCurrent(p); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the sorted names of an account's tokens.
func (s *Service) Names(ctx context.Context, account string) ([]string, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) { return tx.ServiceTokens.Names(account) })
}

// prefix begins each token before its encoding (Elasticsearch's format).
const prefix = "\x00\x01\x00\x01"

func encode(id ID, text string) string {
	return base64.RawStdEncoding.EncodeToString([]byte(prefix + id.String() + ":" + text))
}

// Is reports whether a bearer token has the form of a service account's token. No session's token has it.
func Is(bearer string) bool {
	const encoded = "AAEAA" // the first 30 of the prefix's 32 bits
	return strings.HasPrefix(bearer, encoded)
}

// Verify authenticates an encoded token and returns it. It returns fault.CredentialsInvalid for a malformed one, and
// fault.ServiceTokenInvalid for one that is unknown, wrong or deleted, or of an unknown account.
func (s *Service) Verify(ctx context.Context, bearer string) (store.ServiceToken, error) {
	id, text, ok := parse(bearer)
	if !ok {
		cause := &outcome.RefusalError{Result: outcome.Refused, Reason: "malformed service account token"}
		return store.ServiceToken{}, fault.Wrap(fault.CredentialsInvalid, cause, "the service account token is malformed",
			"Authorization")
	}
	refused := func(reason string) error {
		return fault.Wrap(fault.ServiceTokenInvalid, &outcome.RefusalError{Result: outcome.Refused, Reason: reason},
			"failed to authenticate service account ["+id.Account+"] with token name ["+id.Name+"]")
	}
	if _, found := serviceaccount.Find(id.Account); !found {
		return store.ServiceToken{}, refused("unknown service account")
	}

	token, err := s.known.Read(ctx, id,
		func(tx *store.Tx) (store.ServiceToken, error) { return tx.ServiceTokens.Find(id.Account, id.Name) })
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.ServiceToken{}, refused("unknown service account token")
	case err != nil:
		return store.ServiceToken{}, err
	case !secret.Equal(secret.Digest(text), token.SecretDigest):
		return store.ServiceToken{}, refused("wrong secret of a service account token")
	}
	return token, nil
}

// parse decodes a token. Elasticsearch issues tokens without padding.
func parse(bearer string) (id ID, text string, ok bool) {
	if len(bearer) > maxToken {
		return id, "", false
	}
	decoded, err := secret.DecodeCredential(bearer)
	if err != nil {
		return id, "", false
	}
	content, ok := strings.CutPrefix(string(decoded), prefix)
	qualified, text, separated := strings.Cut(content, ":")
	parts := strings.Split(qualified, "/")
	if !ok || !separated || len(parts) != 3 || !validName.MatchString(parts[2]) || !printable(qualified) {
		return id, "", false
	}
	return ID{parts[0] + "/" + parts[1], parts[2]}, text, true
}

// printable reports whether a text is printable ASCII, so that a refusal can repeat it.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
