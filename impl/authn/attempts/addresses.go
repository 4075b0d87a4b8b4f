package attempts

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// maxAddresses bounds the memory of an AddressLimiter to about 3 MiB.
const maxAddresses = 8192

// AddressLimiter limits failed sign-ins by client address: a burst of failures, and then one per interval. It stores
// only addresses with failures, and a bounded number of them.
//
// When it is full, it evicts addresses with a single failure before those with several (2Q). So a flood of addresses
// that each fail once does not evict a limited address. That takes about 6,000 other addresses that each fail
// repeatedly while the limited one is idle. Against an attacker with more addresses only the lock of the account
// protects.
//
// Concurrent sign-ins do not see each other's failures, so they may exceed the limit by their number.
//
// A nil *AddressLimiter allows everything. An AddressLimiter is safe for concurrent use.
type AddressLimiter struct {
	burst int
	every time.Duration
	now   func() time.Time

	// mu makes finding and adding a limiter atomic.
	mu      sync.Mutex
	limited *lru.TwoQueueCache[netip.Addr, *rate.Limiter]
}

// NewAddressLimiter returns a limiter of a burst of failures and one more per interval. If either is not positive,
// there is no limit and it returns nil. now is the clock, time.Now except in tests.
func NewAddressLimiter(burst int, every time.Duration, now func() time.Time) *AddressLimiter {
	// New2Q fails only for a size that is not positive.
	limited, err := lru.New2Q[netip.Addr, *rate.Limiter](maxAddresses)
	if err != nil || burst <= 0 || every <= 0 {
		return nil
	}
	return &AddressLimiter{burst: burst, every: every, now: now, limited: limited}
}

// Allowed reports whether a sign-in from the address may be attempted, and if not, after which wait. The address is an
// IP address without a port; for "" everything is allowed.
func (a *AddressLimiter) Allowed(address string) (wait time.Duration, ok bool) {
	if a == nil || address == "" {
		return 0, true
	}

	limiter, found := a.limited.Get(admission.Network(address))
	if !found {
		return 0, true
	}

	// The limiter ignores fractions of a nanosecond, too.
	left := (1 - limiter.TokensAt(a.now())) * float64(a.every)
	if left < 1 {
		return 0, true
	}
	return time.Duration(left), false
}

// Fail counts a failure from the address. Failures of an address that is not allowed are not counted.
func (a *AddressLimiter) Fail(address string) {
	if a == nil || address == "" {
		return
	}
	a.limiter(admission.Network(address)).AllowN(a.now(), 1)
}

// limiter returns the limiter of a network, and creates it if it is missing.
func (a *AddressLimiter) limiter(key netip.Addr) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()

	limiter, found := a.limited.Get(key)
	if !found {
		limiter = rate.NewLimiter(rate.Every(a.every), a.burst)
		a.limited.Add(key, limiter)
	}
	return limiter
}
