// Package totp implements time-based one-time codes (RFC 6238) and recovery codes.
package totp

import (
	"crypto/subtle"
	"encoding/base32"
	"io"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// SecretSize is the length of a new secret in bytes, equal to that of an HMAC-SHA-1 (RFC 4226 section 4, R6).
const SecretSize = 20

// Settings holds the parameters of codes and the tolerated clock skew. The algorithm is HMAC-SHA-1, the only one that
// all authenticators support. Settings out of the ranges below, such as the zero value, match no code.
type Settings struct {
	// Digits is the number of digits of a code, 6 to 8 (RFC 4226 section 5.3).
	Digits int
	// Period is the duration of a step in whole seconds, at least 1 s. Steps are counted from the Unix epoch.
	Period time.Duration
	// Skew is the number of steps that a clock may be behind or ahead, 0 to 10. RFC 6238 section 5.2 recommends at most
	// 1.
	Skew int
}

// DefaultSettings holds the values that authenticators assume by default.
var DefaultSettings = Settings{Digits: 6, Period: 30 * time.Second, Skew: 1}

const maxSkew = 10

// NewSecret returns SecretSize bytes of a source of random bytes that never fails.
func NewSecret(random io.Reader) []byte {
	secret := make([]byte, SecretSize)
	_, _ = random.Read(secret) // never fails
	return secret
}

// Match returns the step that a code belongs to, among the current one and Skew steps on either side. If several steps
// have the code, it returns the newest. A code consists of exactly Digits ASCII digits. Match ignores surrounding white
// space and one space between two digits, because authenticators display "123 456". It matches nothing for an empty
// secret or a time before 1970.
//
// A code may be used once only: the caller must refuse a step that is not after the last accepted one (RFC 6238 section
// 5.2).
func (s Settings) Match(secret []byte, code string, now time.Time) (step int64, ok bool) {
	code = trimCode(code)
	if !s.valid() || len(secret) == 0 || len(code) != s.Digits || now.Unix() < 0 {
		return 0, false
	}

	current := s.step(now)
	for candidate := max(0, current-int64(s.Skew)); candidate <= current+int64(s.Skew); candidate++ {
		if subtle.ConstantTimeCompare([]byte(s.code(secret, candidate)), []byte(code)) == 1 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// Code returns the code of the current step.
func (s Settings) Code(secret []byte, now time.Time) string { return s.code(secret, s.step(now)) }

// valid reports whether all settings are within their ranges.
func (s Settings) valid() bool {
	return s.Digits >= 6 && s.Digits <= 8 && s.Period >= time.Second && s.Period%time.Second == 0 && s.Skew >= 0 &&
		s.Skew <= maxSkew
}

// step returns the number of periods since the Unix epoch (RFC 6238 section 4.2).
func (s Settings) step(now time.Time) int64 { return now.Unix() / int64(s.Period/time.Second) }

// code returns a step's code (RFC 4226 section 5.3).
func (s Settings) code(secret []byte, step int64) string {
	text := base32.StdEncoding.EncodeToString(secret)

	options := hotp.ValidateOpts{Digits: otp.Digits(s.Digits), Algorithm: otp.AlgorithmSHA1}
	code, err := hotp.GenerateCodeCustom(text, uint64(step), options) //nolint:gosec // Match passes no negative step
	if err != nil {
		// This cannot happen: the text is base32.
		return ""
	}
	return code
}

// trimCode returns a code without white space around it and one space within, or "" if it has other characters than
// digits.
func trimCode(code string) string {
	code = strings.Replace(strings.TrimSpace(code), " ", "", 1)
	if strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}
