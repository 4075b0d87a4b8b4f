package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// KeySize is the length of a key-encryption key in bytes.
const KeySize = 32

// ErrUnsealable means that a sealed value was made with another key, for another place, or was changed.
var ErrUnsealable = errors.New("secret: the sealed value does not open with this key in this place")

// Sealer encrypts what the store keeps and must be able to read again, with AES-256-GCM.
type Sealer struct{ aead cipher.AEAD }

// NewSealer takes a key-encryption key of KeySize bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key-encryption key has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead}, nil
}

// Seal encrypts for one place, such as "signing_keys:KEY ID:private_key". A value moved elsewhere does not open.
func (s *Sealer) Seal(plain []byte, place string) string {
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(place))) //nolint:gosec // this AEAD makes a random nonce and puts it in front
}

// Open reverses Seal. It returns ErrUnsealable.
func (s *Sealer) Open(sealed, place string) ([]byte, error) {
	data, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrUnsealable
	}
	plain, err := s.aead.Open(nil, nil, data, []byte(place))
	if err != nil {
		return nil, ErrUnsealable
	}
	return plain, nil
}

// NewKey returns a random key-encryption key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return key
}
