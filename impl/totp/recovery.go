package totp

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
	"unicode"
)

const (
	// RecoveryCodes is how many recovery codes somebody gets at a time.
	RecoveryCodes = 10

	recoveryBytes  = 10 // 80 bits: too many to guess, even from a stolen digest
	recoveryLength = 16 // characters, without the dashes
	recoveryGroup  = 4

	recoveryAlphabet = "abcdefghijklmnopqrstuvwxyz234567" // base32 (RFC 4648 section 6) in lower case: no 0, 1, 8 and 9
)

var recoveryEncoding = base32.NewEncoding(recoveryAlphabet).WithPadding(base32.NoPadding)

// NewRecoveryCodes returns RecoveryCodes codes of 80 random bits each, such as "abcd-efgh-ijkl-2345". NormalizeRecoveryCode
// turns one into what to keep a digest of.
func NewRecoveryCodes() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode()
	}
	return codes
}

func newRecoveryCode() string {
	b := make([]byte, recoveryBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	text := recoveryEncoding.EncodeToString(b)
	groups := make([]string, 0, recoveryLength/recoveryGroup)
	for ; text != ""; text = text[recoveryGroup:] {
		groups = append(groups, text[:recoveryGroup])
	}
	return strings.Join(groups, "-")
}

// NormalizeRecoveryCode turns what people type into a code's 16 characters: case, white space and dashes of any kind do
// not matter. It returns false if the text cannot be a code.
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
