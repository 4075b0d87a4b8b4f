// Package totp has time-based one-time codes (RFC 6238) and recovery codes.
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// SecretSize is the length of a new secret in bytes: that of an HMAC-SHA-1 (RFC 4226 section 4, R6).
const SecretSize = 20

// Settings tell how codes are made and how exact a clock must be. The algorithm is HMAC-SHA-1, the only one that all
// authenticators know. Settings out of the ranges below, such as the zero value, match nothing.
type Settings struct {
	// Digits of a code, 6 to 8 (RFC 4226 section 5.3).
	Digits int
	// Period is how long a step takes, in whole seconds from 1. Steps are counted from the beginning of 1970.
	Period time.Duration
	// Skew is how many steps a clock may be behind or ahead, 0 to 10. RFC 6238 section 5.2 recommends at most 1.
	Skew int
}

// DefaultSettings are what authenticators take when they are told nothing.
var DefaultSettings = Settings{Digits: 6, Period: 30 * time.Second, Skew: 1}

const maxSkew = 10

// NewSecret returns SecretSize random bytes.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return secret
}

// Match returns the step whose code this is, out of the current one and Skew steps on either side; of several steps with
// this code, the newest. A code is exactly Digits ASCII digits. White space around it is ignored, and so is one blank
// between two digits, wherever it stands, because authenticators show "123 456". Nothing matches an empty secret, and
// nothing matches before 1970.
//
// A code is good once: the caller must refuse a step that is not after the last one it took (RFC 6238 section 5.2).
func (s Settings) Match(secret []byte, code string, now time.Time) (step int64, ok bool) {
	code = digits(code)
	if !s.usable() || len(secret) == 0 || len(code) != s.Digits || now.Unix() < 0 {
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

func (s Settings) usable() bool {
	return s.Digits >= 6 && s.Digits <= 8 && s.Period >= time.Second && s.Period%time.Second == 0 && s.Skew >= 0 && s.Skew <= maxSkew
}

// step counts the periods since the beginning of 1970 (RFC 6238 section 4.2).
func (s Settings) step(now time.Time) int64 { return now.Unix() / int64(s.Period/time.Second) }

// code returns a step's code (RFC 4226 section 5.3), or "" if there is none.
func (s Settings) code(secret []byte, step int64) string {
	text := base32.StdEncoding.EncodeToString(secret)
	options := hotp.ValidateOpts{Digits: otp.Digits(s.Digits), Algorithm: otp.AlgorithmSHA1}
	code, err := hotp.GenerateCodeCustom(text, uint64(step), options) //nolint:gosec // Match asks for no step below zero
	if err != nil {
		return "" // never: the text is base32
	}
	return code
}

// digits returns a code without the blanks that people type, or "" if anything else is in it.
func digits(code string) string {
	code = strings.Replace(strings.TrimSpace(code), " ", "", 1)
	if strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}
