package user

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

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
	key []byte
	now func() time.Time
	// hashes are cached with the times at which the passwords were verified.
	hashes *lru.Cache[[sha256.Size]byte, time.Time]
	// hits and misses count the lookups.
	hits, misses atomic.Uint64
}

func newProven(now func() time.Time) *proven {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead

	// This fails for a size that is not positive only.
	hashes, _ := lru.New[[sha256.Size]byte, time.Time](provenPasswords)
	return &proven{key: key, now: now, hashes: hashes}
}

func (p *proven) has(u store.User, password string) bool {
	verified, cached := p.hashes.Peek(p.hash(u, password))
	// The age is negative after the clock was set back.
	if age := p.now().Sub(verified); cached && age >= 0 && age < provenTime {
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

func (p *proven) add(u store.User, password string) { p.hashes.Add(p.hash(u, password), p.now()) }

func (p *proven) hash(u store.User, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, p.key)
	for _, part := range []string{u.Name, u.PasswordHash, password} {
		mac.Write([]byte(secret.Digest(part)))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}
