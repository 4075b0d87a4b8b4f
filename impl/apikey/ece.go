package apikey

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/duration"
)

// CreatePlain creates a key with the principal's privileges, as ECE does: its name is a description, and without an
// expiration it does not expire. It returns fault.KeyInvalidInput, and fault.CredentialsInvalid if the principal's user
// was disabled meanwhile.
func (s *Service) CreatePlain(
	ctx context.Context, p identity.Principal, description string, expiration *string,
) (Key, Credential, error) {
	if p.Builtin {
		return Key{}, Credential{}, fault.New(fault.KeyInvalidInput, cannotOwn(p))
	}
	if err := checkDescription(description); err != nil {
		return Key{}, Credential{}, err
	}
	lifetime, err := parseExpiration(expiration)
	if err != nil {
		return Key{}, Credential{}, err
	}
	if lifetime, err = s.limit(lifetime); err != nil {
		return Key{}, Credential{}, err
	}
	return s.insert(ctx, p, Creation{Name: description, Lifetime: lifetime}, s.newCredential())
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
	case utf8.RuneCountInString(text) > maxName:
		return bad("must have at most 256 characters")
	case strings.HasPrefix(text, "_"):
		return bad("must not begin with an underscore")
	case strings.ContainsFunc(text, unicode.IsControl):
		return bad("must not contain control characters")
	}
	return nil
}

// parseExpiration returns a lifetime in milliseconds, or nil for a key that does not expire.
func parseExpiration(text *string) (*time.Duration, error) {
	if text == nil {
		return nil, nil
	}
	lifetime, err := duration.Parse(*text)
	lifetime = lifetime.Truncate(time.Millisecond)
	if err != nil {
		return nil, fault.New(fault.KeyInvalidInput, "expiration must be a duration such as 30m, 12h or 90d: "+err.Error(),
			"expiration")
	}
	if lifetime <= 0 {
		return nil, fault.New(fault.KeyInvalidInput, "expiration must be in the future", "expiration")
	}
	return &lifetime, nil
}
