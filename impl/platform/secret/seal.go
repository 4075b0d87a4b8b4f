package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
)

// KeySize is the length of a key-encryption key in bytes.
const KeySize = 32

// ErrUnsealable means that a sealed value was sealed with another key or for another place, or was modified.
var ErrUnsealable = errors.New("secret: the sealed value does not open with this key in this place")

// Sealer encrypts secrets in the store with AES-256-GCM. It is safe for concurrent use.
type Sealer struct {
	aead cipher.AEAD
	// predictable seals with the nonces of random; nil if the nonces are those of crypto/rand.
	predictable cipher.AEAD
	random      Source
}

// NewSealer returns a sealer with a key-encryption key of KeySize bytes.
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
	return &Sealer{aead: aead}, nil
}

// NewSealerFrom is NewSealer with nonces of a source.
func NewSealerFrom(random Source, key []byte) (*Sealer, error) {
	s, err := NewSealer(key)
	if err != nil || !random.Predictable() {
		return s, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	s.random = random.Of("nonces")
	s.predictable, err = cipher.NewGCM(block)
	return s, err
}

// Seal encrypts a value for a place, such as "signing_keys:KEY ID:seed", which is authenticated with it. A value that
// is moved to another place does not open.
func (s *Sealer) Seal(plain []byte, place string) string {
	if s.predictable != nil {
		nonce := s.random.Bytes(s.predictable.NonceSize())
		return base64.RawStdEncoding.EncodeToString(s.predictable.Seal(nonce, nonce, plain, []byte(place)))
	}
	//nolint:gosec // this AEAD generates a random nonce and prepends it
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, []byte(place)))
}

// Open decrypts a value that Seal returned for the same place. It returns ErrUnsealable.
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
func NewKey() []byte { return Source{}.Bytes(KeySize) }
