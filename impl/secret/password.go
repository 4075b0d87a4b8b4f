package secret

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/sallyport/sallyport/impl/overload"
)

// MaxPassword is the longest password in bytes. What is longer is refused, not cut.
const MaxPassword = 1024

// Cost is what one password hash takes. The zero value is not usable.
type Cost struct {
	// Memory is in KiB.
	Memory uint32
	// Passes over the memory.
	Passes uint32
	// Threads that work on one hash.
	Threads uint8
}

// DefaultCost takes about 25 ms of one core (OWASP's first recommendation for argon2id).
var DefaultCost = Cost{Memory: 19 * 1024, Passes: 2, Threads: 1}

const (
	saltSize = 16
	hashSize = 32
)

// Hasher hashes passwords with argon2id (RFC 9106). It works on as many at a time as there are processors, keeps a
// bounded queue, and turns away what does not fit, so that a flood of sign-ins cannot exhaust memory.
type Hasher struct {
	cost  Cost
	bound *overload.Bound
	dummy string
}

// NewHasher returns a hasher that makes hashes of the given cost, and verifies those of any.
func NewHasher(cost Cost) *Hasher {
	h := &Hasher{cost: cost, bound: overload.PerProcessor()}
	h.dummy = h.hash(Text(saltSize))
	return h
}

// Hash returns a password's hash as a PHC string, which holds the salt and the cost. It returns fault.ServerBusy when
// too many wait or the wait takes too long, and ctx's error when ctx is cancelled before its turn.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.bound.Acquire(ctx); err != nil {
		return "", err
	}
	defer h.bound.Release()
	return h.hash(password), nil
}

// Verify tells whether the password is the one that was hashed. An empty hash stands for a user who does not exist or
// has no password: it takes as long as any other and is never right. The errors are those of Hash, and one for a hash
// that is not a PHC string of argon2id.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	phc, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	if err := h.bound.Acquire(ctx); err != nil {
		return false, err
	}
	defer h.bound.Release()
	got := argon2.IDKey([]byte(password), phc.salt, phc.cost.Passes, phc.cost.Memory, phc.cost.Threads, uint32(len(phc.sum))) //nolint:gosec // a sum is 32 bytes
	return Equal(string(got), string(phc.sum)) && known, nil
}

// Outdated tells whether a hash was made at another cost than this hasher's.
func (h *Hasher) Outdated(hash string) bool {
	phc, err := parsePHC(hash)
	return err == nil && phc.cost != h.cost
}

// Bound is that of the passwords that are hashed at once.
func (h *Hasher) Bound() *overload.Bound { return h.bound }

func (h *Hasher) hash(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	sum := argon2.IDKey([]byte(password), salt, h.cost.Passes, h.cost.Memory, h.cost.Threads, hashSize)
	return phc{h.cost, salt, sum}.String()
}

// phc is a hash in the Password Hashing Competition's string format: $argon2id$v=19$m=…,t=…,p=…$salt$sum.
type phc struct {
	cost Cost
	salt []byte
	sum  []byte
}

// String implements fmt.Stringer.
func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.cost.Memory, p.cost.Passes, p.cost.Threads, b64(p.salt), b64(p.sum))
}

// Limits of a hash that somebody else made. What it costs is paid at each sign-in, so nobody must be able to make that dear.
const (
	maxForeignMemory = 64 * 1024
	maxForeignPasses = 10
	minForeignSalt   = 8
	maxForeignSalt   = 64
)

// CheckHash tells whether a password's hash that was made elsewhere can be used here: a PHC string of argon2id, as Hash
// writes it, with 32 bytes of hash, 8 to 64 bytes of salt, at most 64 MiB of memory, 10 passes, and no more threads than
// memory allows (RFC 9106 section 3.1: 8 KiB for each).
func CheckHash(hash string) error {
	p, err := parsePHC(hash)
	if err != nil {
		return err
	}
	c := p.cost
	switch {
	case p.String() != hash: // not the only spelling, so perhaps not what its maker meant
		return errNotPHC
	case c.Memory > maxForeignMemory || c.Passes > maxForeignPasses || c.Memory < 8*uint32(c.Threads):
		return errHashCost
	case len(p.salt) < minForeignSalt || len(p.salt) > maxForeignSalt:
		return errHashSalt
	}
	return nil
}

var (
	errHashCost = errors.New("secret: the hash has a cost that this server does not take")
	errHashSalt = errors.New("secret: the hash has a salt that is too short or too long")
)

var errNotPHC = errors.New("secret: not a PHC string of argon2id")

func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errNotPHC
	}
	var p phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Passes, &p.cost.Threads); err != nil {
		return phc{}, errNotPHC
	}
	var saltErr, sumErr error
	p.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	p.sum, sumErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || sumErr != nil || len(p.sum) != hashSize || p.cost.Passes == 0 || p.cost.Threads == 0 {
		return phc{}, errNotPHC
	}
	return p, nil
}
