package lockout

import (
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxAddresses bounds the memory that Addresses take, to about 3 MiB.
const maxAddresses = 8192

// Addresses limit how often sign-ins from one client address may fail: so many times at once, and then once an interval.
// Only addresses that fail are remembered, and a bounded number of them.
//
// To make room, an address that failed once goes before one that came back. So a flood of addresses that each fail once
// does not clear one that is limited. That takes some 6,000 others which each come back too, while the limited one keeps
// quiet. Against somebody who has more, this limit does not hold, and the lock of the account does.
//
// Sign-ins that are under way together do not see each other fail, so the limit may be exceeded by as many as those.
//
// A nil *Addresses allows everything. Addresses are safe for concurrent use.
type Addresses struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu      sync.Mutex // makes looking for a limiter and adding it one step
	limited *lru.TwoQueueCache[netip.Addr, *rate.Limiter]
}

// NewAddresses returns a limit of burst failures at once and one more each interval. If either is not positive there is
// no limit, and NewAddresses returns nil. The clock is time.Now, or a test's.
func NewAddresses(burst int, every time.Duration, now func() time.Time) *Addresses {
	limited, err := lru.New2Q[netip.Addr, *rate.Limiter](maxAddresses)
	if err != nil || burst <= 0 || every <= 0 { // the error is for a size that is not positive
		return nil
	}
	return &Addresses{burst: burst, every: every, now: now, limited: limited}
}

// Allowed tells whether a sign-in from the address may be tried, and if not, when the next one may. The address is an IP
// address without a port; without one ("") everything is allowed.
func (a *Addresses) Allowed(address string) (wait time.Duration, ok bool) {
	if a == nil || address == "" {
		return 0, true
	}
	limiter, found := a.limited.Get(group(address))
	if !found {
		return 0, true
	}
	left := (1 - limiter.TokensAt(a.now())) * float64(a.every)
	if left < 1 { // the limiter does not count parts of a nanosecond either
		return 0, true
	}
	return time.Duration(left), false
}

// Fail counts one failure from the address. What fails although it is not allowed changes nothing.
func (a *Addresses) Fail(address string) {
	if a == nil || address == "" {
		return
	}
	a.limiter(group(address)).AllowN(a.now(), 1)
}

// limiter returns a group's limiter, a new one if there is none.
func (a *Addresses) limiter(key netip.Addr) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	limiter, found := a.limited.Get(key)
	if !found {
		limiter = rate.NewLimiter(rate.Every(a.every), a.burst)
		a.limited.Add(key, limiter)
	}
	return limiter
}

// subnetBits is the length of an IPv6 subnet's prefix (RFC 4291 section 2.5.1). The other bits are a host's to choose.
const subnetBits = 64

// group returns what stands for all addresses that are limited together: an IPv4 address alone, also one mapped into
// IPv6 (RFC 4291 section 2.5.5.2), an IPv6 address with all of its /64, and everything that is not an address.
func group(address string) netip.Addr {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip
	}
	return netip.PrefixFrom(ip, subnetBits).Masked().Addr()
}
