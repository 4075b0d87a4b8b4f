// Package secret generates, encrypts, hashes and compares secrets: random tokens, sealed values, passwords.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// Text returns n random bytes of crypto/rand in URL-safe base64 without padding.
func Text(n int) string { return Source{}.Text(n) }

// Digest returns the SHA-256 of a text in hexadecimal. It protects only values that cannot be guessed, such as 128
// random bits; use a Hasher for passwords.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Equal reports whether two texts are equal, in a time that depends on their lengths only.
func Equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// DecodeCredential decodes a credential from base64. As in Elasticsearch, the padding may be left out, but not a part
// of it. Otherwise it must be what an encoder makes, unlike in Elasticsearch, so a credential has two forms at most.
func DecodeCredential(text string) ([]byte, error) {
	encoding := base64.RawStdEncoding
	if strings.Contains(text, "=") {
		encoding = base64.StdEncoding
	}
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them
		return nil, errors.New("secret: the credential has more than one line")
	}
	return encoding.Strict().DecodeString(text)
}
