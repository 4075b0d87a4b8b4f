// Package secret generates, encrypts, hashes and compares secrets: random tokens, sealed values, passwords.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
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
