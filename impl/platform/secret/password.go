package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// MaxPassword is the maximum length of a password in bytes. Longer passwords are refused, not truncated.
const MaxPassword = 1024

// Cost holds the cost parameters of argon2id. The zero value is invalid.
type Cost struct {
	// Memory is the memory size in KiB.
	Memory uint32
	// Passes is the number of passes over the memory.
	Passes uint32
	// Threads is the degree of parallelism.
	Threads uint8
}

// DefaultCost takes about 25 ms of one core (OWASP's first recommendation for argon2id).
var DefaultCost = Cost{Memory: 19 * 1024, Passes: 2, Threads: 1}

const (
	saltSize = 16
	hashSize = 32
)

// Hasher hashes passwords with argon2id (RFC 9106). It has one work slot per processor and a bounded queue, and refuses
// requests beyond it, so that a flood of sign-ins cannot exhaust memory. It is safe for concurrent use.
type Hasher struct {
	cost   Cost
	bound  *admission.Bound
	random Source
	// dummy is verified for users without a password. It is random: no known password has this hash.
	dummy string
}

// NewHasher returns a hasher that creates hashes of the given cost. It verifies hashes of any cost.
func NewHasher(cost Cost) *Hasher { return NewHasherFrom(Source{}, cost) }

// NewHasherFrom is NewHasher with salts of a source.
func NewHasherFrom(random Source, cost Cost) *Hasher {
	random = random.Of("salts")
	// Random bytes instead of a hash take the same time to verify, and need no hashing at the start.
	dummy := phc{cost, random.Bytes(saltSize), random.Bytes(hashSize)}
	return &Hasher{cost: cost, bound: admission.PerProcessor(), random: random, dummy: dummy.String()}
}

// Hash returns the hash of a password as a PHC string, which includes the salt and the cost. It returns
// fault.ServerBusy if the queue is full or the wait takes too long, and the context's error if it is canceled while the
// request is queued.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.bound.Acquire(ctx); err != nil {
		return "", err
	}
	defer h.bound.Release()
	return h.hash(password), nil
}

// Verify reports whether a hash is that of the password. An empty hash stands for an unknown user or one without a
// password: Verify takes the same time as for others, and reports false. It returns the errors of Hash, and an error
// for a hash that is not a PHC string of argon2id.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	hasPassword := hash != ""
	if !hasPassword {
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

	length := uint32(len(phc.sum)) //nolint:gosec // a sum is 32 bytes
	got := argon2.IDKey([]byte(password), phc.salt, phc.cost.Passes, phc.cost.Memory, phc.cost.Threads, length)
	return Equal(string(got), string(phc.sum)) && hasPassword, nil
}

// Outdated reports whether the cost of a hash differs from this hasher's.
func (h *Hasher) Outdated(hash string) bool {
	phc, err := parsePHC(hash)
	return err == nil && phc.cost != h.cost
}

// Bound returns the admission limit on concurrent hashing.
func (h *Hasher) Bound() *admission.Bound { return h.bound }

func (h *Hasher) hash(password string) string {
	salt := h.random.Bytes(saltSize)
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

// Limits on imported hashes. Their cost is paid at each sign-in, so an expensive hash could be used to exhaust the
// server.
const (
	maxForeignMemory = 64 * 1024
	maxForeignPasses = 10
	minForeignSalt   = 8
	maxForeignSalt   = 64
)

// CheckHash returns an error unless an imported password hash is acceptable: a PHC string of argon2id, spelled as by
// Hash, with 32 bytes of hash, 8 to 64 bytes of salt, at most 64 MiB of memory, at most 10 passes, and at least 8 KiB
// of memory per thread (RFC 9106 section 3.1).
func CheckHash(hash string) error {
	p, err := parsePHC(hash)
	if err != nil {
		return err
	}

	c := p.cost
	switch {
	case p.String() != hash: // another spelling may be read differently by other programs
		return errNotPHC
	case c.Memory > maxForeignMemory || c.Passes > maxForeignPasses || c.Memory < 8*uint32(c.Threads):
		return errHashCost
	case len(p.salt) < minForeignSalt || len(p.salt) > maxForeignSalt:
		return errHashSalt
	}
	return nil
}

var (
	errHashCost = errors.New("secret: the cost of the hash exceeds the limits of this server")
	errHashSalt = errors.New("secret: the salt of the hash is too short or too long")
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
