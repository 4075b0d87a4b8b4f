package user

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// A right password is cached for a short time, because clients that authenticate by Basic send it with every request.
// The cache key includes the user's hash, so a new password evicts the old one.
const (
	provenPasswords = 4096
	provenTime      = time.Minute
)

// proven caches right passwords, as keyed hashes that are of no use outside of this process.
type proven struct {
	key    []byte
	hashes *expirable.LRU[[sha256.Size]byte, struct{}]
	// hits and misses count the lookups.
	hits, misses atomic.Uint64
}

func newProven() *proven {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return &proven{key: key, hashes: expirable.NewLRU[[sha256.Size]byte, struct{}](provenPasswords, nil, provenTime)}
}

func (p *proven) has(u store.User, password string) bool {
	if p.hashes.Contains(p.hash(u, password)) {
		p.hits.Add(1)
		return true
	}
	p.misses.Add(1)
	return false
}

// CacheCounts returns the numbers of hits and misses of the password cache.
func (s *Service) CacheCounts() (hits, misses uint64) {
	return s.proven.hits.Load(), s.proven.misses.Load()
}

func (p *proven) add(u store.User, password string) { p.hashes.Add(p.hash(u, password), struct{}{}) }

func (p *proven) hash(u store.User, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, p.key)
	for _, part := range []string{u.Name, u.PasswordHash, password} {
		mac.Write([]byte(secret.Digest(part)))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}
