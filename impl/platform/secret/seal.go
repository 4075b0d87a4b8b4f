package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
)

// KeySize is the length of a key-encryption key in bytes.
const KeySize = 32

// ErrUnsealable means that a sealed value was sealed with another key or for another place, or was modified.
var ErrUnsealable = errors.New("secret: the sealed value does not open with this key in this place")

// Sealer encrypts secrets in the store with AES-256-GCM. It is safe for concurrent use.
type Sealer struct {
	current sealingKey
	// fallbacks only decrypt, while the key is rotated.
	fallbacks []sealingKey
	// predictable seals with the nonces of random; nil if the nonces are those of crypto/rand.
	predictable cipher.AEAD
	random      Source
}

// sealingKey is a key-encryption key with its id.
type sealingKey struct {
	id   string
	aead cipher.AEAD
}

// NewSealer returns a sealer that encrypts with a key-encryption key of KeySize bytes. It decrypts what was encrypted
// with that key or with one of the fallbacks.
func NewSealer(key []byte, fallbacks ...[]byte) (*Sealer, error) {
	current, err := newSealingKey(key)
	if err != nil {
		return nil, err
	}

	s := &Sealer{current: current}
	for _, each := range fallbacks {
		fallback, err := newSealingKey(each)
		if err != nil {
			return nil, err
		}
		s.fallbacks = append(s.fallbacks, fallback)
	}
	return s, nil
}

func newSealingKey(key []byte) (sealingKey, error) {
	if len(key) != KeySize {
		return sealingKey{}, fmt.Errorf("the key-encryption key has %d bytes, not %d", len(key), KeySize)
	}

	block, err := aes.NewCipher(key)
	if err != nil {
		return sealingKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealingKey{KeyID(key), aead}, err
}

// KeyID returns the id of a key-encryption key, which names it in the store and in messages. It does not reveal
// anything about the key, because the key is random.
func KeyID(key []byte) string { return Digest("sallyport key-encryption key\n" + string(key))[:16] }

// NewSealerFrom is NewSealer with nonces of a source.
func NewSealerFrom(random Source, key []byte, fallbacks ...[]byte) (*Sealer, error) {
	s, err := NewSealer(key, fallbacks...)
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

// KeyID returns the id of the key that Seal uses.
func (s *Sealer) KeyID() string { return s.current.id }

// Knows reports whether Open decrypts with the key of an id.
func (s *Sealer) Knows(keyID string) bool {
	return s.current.id == keyID ||
		slices.ContainsFunc(s.fallbacks, func(k sealingKey) bool { return k.id == keyID })
}

// Seal encrypts a value for a place, such as "signing_keys:KEY ID:seed", which is authenticated with it. A value that
// is moved to another place does not open.
func (s *Sealer) Seal(plain []byte, place string) string {
	if s.predictable != nil {
		nonce := s.random.Bytes(s.predictable.NonceSize())
		return base64.RawStdEncoding.EncodeToString(s.predictable.Seal(nonce, nonce, plain, []byte(place)))
	}
	//nolint:gosec // this AEAD generates a random nonce and prepends it
	return base64.RawStdEncoding.EncodeToString(s.current.aead.Seal(nil, nil, plain, []byte(place)))
}

// Open decrypts a value that Seal returned for the same place. It returns ErrUnsealable.
func (s *Sealer) Open(sealed, place string) ([]byte, error) {
	plain, _, err := s.open(sealed, place)
	return plain, err
}

// Reseal returns a value encrypted with the current key for the same place, given one that a sealer opens, and reports
// whether it had to be re-encrypted. It returns ErrUnsealable.
func (s *Sealer) Reseal(from *Sealer, sealed, place string) (resealed string, changed bool, err error) {
	plain, key, err := from.open(sealed, place)
	if err != nil || key == s.current.id {
		return sealed, false, err
	}
	return s.Seal(plain, place), true, nil
}

// open also returns the id of the key. Decryption authenticates, so at most one key opens a value.
func (s *Sealer) open(sealed, place string) (plain []byte, keyID string, err error) {
	data, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, "", ErrUnsealable
	}

	if plain, err = s.current.aead.Open(nil, nil, data, []byte(place)); err == nil {
		return plain, s.current.id, nil
	}
	for _, key := range s.fallbacks {
		if plain, err = key.aead.Open(nil, nil, data, []byte(place)); err == nil {
			return plain, key.id, nil
		}
	}
	return nil, "", ErrUnsealable
}

// NewKey returns a random key-encryption key.
func NewKey() []byte { return Source{}.Bytes(KeySize) }
