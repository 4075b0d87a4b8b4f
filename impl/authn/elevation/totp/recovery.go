package totp

import (
	"encoding/base32"
	"io"
	"strings"
	"unicode"
)

const (
	// RecoveryCodes is the number of recovery codes that a user gets at a time.
	RecoveryCodes = 10

	// recoveryBytes is the entropy of a code: 80 bits cannot be guessed, even from a stolen digest.
	recoveryBytes = 10
	// recoveryLength is the length of a code in characters without dashes, recoveryGroup that of a group between
	// dashes.
	recoveryLength = 16
	recoveryGroup  = 4

	// recoveryAlphabet is base32 (RFC 4648 section 6) in lower case, which lacks 0, 1, 8 and 9.
	recoveryAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var recoveryEncoding = base32.NewEncoding(recoveryAlphabet).WithPadding(base32.NoPadding)

// NewRecoveryCodes returns RecoveryCodes codes of 80 random bits each, such as "abcd-efgh-ijkl-2345", from a source of
// random bytes that never fails. Callers store a digest of the normalized code (NormalizeRecoveryCode).
func NewRecoveryCodes(random io.Reader) []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode(random)
	}
	return codes
}

func newRecoveryCode(random io.Reader) string {
	b := make([]byte, recoveryBytes)
	_, _ = random.Read(b) // never fails

	text := recoveryEncoding.EncodeToString(b)
	groups := make([]string, 0, recoveryLength/recoveryGroup)
	for ; text != ""; text = text[recoveryGroup:] {
		groups = append(groups, text[:recoveryGroup])
	}
	return strings.Join(groups, "-")
}

// NormalizeRecoveryCode returns the 16 characters of a typed code. It ignores case, white space and dashes of any kind.
// It returns false if the text is not a well-formed code.
func NormalizeRecoveryCode(text string) (string, bool) {
	code := make([]byte, 0, recoveryLength)
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.Is(unicode.Dash, r) {
			continue
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		at := strings.IndexRune(recoveryAlphabet, r)
		if at < 0 || len(code) == recoveryLength {
			return "", false
		}
		code = append(code, recoveryAlphabet[at])
	}
	if len(code) != recoveryLength {
		return "", false
	}
	return string(code), true
}
