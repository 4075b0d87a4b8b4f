// Package secret makes, hides and compares what must not be known: random tokens, sealed values, password hashes.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// Text returns n random bytes in URL-safe base64 without padding.
func Text(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// Digest returns the SHA-256 of a text in hexadecimal. It hides only what cannot be guessed, such as 128 random bits;
// passwords go through a Hasher.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Equal compares two texts in a time that depends on their lengths only.
func Equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
