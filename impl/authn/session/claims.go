package session

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxNames is the maximum number of Settings.Issuers and of Settings.Audiences.
const MaxNames = 8

// maxName is the maximum length of an issuer or audience in bytes, so that tokens stay small.
const maxName = 256

// CheckName returns an error for a text that cannot be an issuer or an audience: a StringOrURI of RFC 7519, in ASCII.
func CheckName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("a name has 1 to %d characters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }):
		return errors.New("a name is ASCII without blanks, quotes and backslashes")
	}
	if strings.Contains(name, ":") {
		if parsed, err := url.Parse(name); err != nil || parsed.Scheme == "" {
			return errors.New("a name with a colon is a URI, such as https://sallyport.example")
		}
	}
	return nil
}

// Claims are claims of a token that are not in the store.
type Claims struct {
	Issuer string
	// Audience is empty for a token of an earlier version.
	Audience string
	IssuedAt time.Time
}

// claims holds the claims of a token that the server uses.
type claims struct {
	Claims

	tokenID, keyID string
}

// unaddressedPeriod is the time after its start in which a server accepts tokens without an audience. Earlier versions
// issued them, and replicas that are replaced one by one still do. The period is longer than that takes, and than a
// session lasts by default.
const unaddressedPeriod = 24 * time.Hour

// claimsOf returns the claims of a token with a valid signature, and reports whether the token is from and for this
// installation. Other installations have other keys; but one that was restored from this one's backup has the same.
func (s *Service) claimsOf(token *jwt.RegisteredClaims) (claims, bool) {
	c := claims{tokenID: token.ID}
	if token.IssuedAt != nil {
		c.IssuedAt = token.IssuedAt.Time
	}
	if len(token.Audience) == 0 {
		c.Issuer = DefaultName
		return c, token.Issuer == DefaultName
	}

	// The strings are those of the settings, so that cached claims do not keep a token's.
	issuer := slices.Index(s.settings.Issuers, token.Issuer)
	audience := slices.IndexFunc(s.settings.Audiences,
		func(name string) bool { return slices.Contains(token.Audience, name) })
	if issuer < 0 || audience < 0 {
		return claims{}, false
	}
	c.Issuer, c.Audience = s.settings.Issuers[issuer], s.settings.Audiences[audience]
	return c, true
}

// checkAddressed returns fault.CredentialsInvalid for a token without an audience after the period for such tokens.
func (s *Service) checkAddressed(c claims) error {
	if c.Audience == "" && !s.store.Now().Before(s.unaddressedUntil) {
		return unauthorized()
	}
	return nil
}
