package session

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/store"
)

// KeySetMaxAge is the time for which others may cache a KeySet. A new key is published for the overlap before it signs,
// so no token is signed with a key that a cache lacks; and a leaked key that was deleted is trusted for at most that
// time.
const KeySetMaxAge = time.Minute

// KeySet is the set of public keys that verify tokens, for those that verify them without this server.
type KeySet struct {
	// Document is a JWK Set (RFC 7517) in JSON. It must not be modified.
	Document []byte
	// ETag is a strong entity tag of the document (RFC 9110 section 8.8.3).
	ETag string
}

// publicKey is a JWK of an Ed25519 key (RFC 8037 section 2).
type publicKey struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

// publish returns the public keys of those records that could be opened, the newest first.
func publish(records []store.SigningKey, keys privateKeys) (*KeySet, error) {
	set := struct {
		Keys []publicKey `json:"keys"`
	}{[]publicKey{}}
	for _, record := range records {
		if key, ok := keys[record.ID]; ok {
			set.Keys = append(set.Keys, publicKey{
				KeyType:   "OKP",
				Curve:     "Ed25519",
				X:         base64.RawURLEncoding.EncodeToString(key[ed25519.SeedSize:]),
				ID:        record.ID,
				Use:       "sig",
				Algorithm: jwt.SigningMethodEdDSA.Alg(),
			})
		}
	}

	document, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(document)
	return &KeySet{document, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}, nil
}

// KeySet returns the public keys as of the last load from the store. It reads memory only.
func (s *Service) KeySet() *KeySet { return s.keys.published.Load() }
