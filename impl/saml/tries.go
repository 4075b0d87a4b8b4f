package saml

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/fault"
)

// maxTried bounds the memory that tries takes, to about 3 MiB.
const maxTried = 16_384

// tries counts how many answers to one pending sign-in were verified, because verifying one is expensive. Each server
// counts by itself.
type tries struct {
	mu     sync.Mutex // makes reading a count and writing it one step
	counts *lru.Cache[string, int]
}

func newTries() *tries {
	counts, err := lru.New[string, int](maxTried)
	if err != nil { // for a size that is not positive only
		panic(err)
	}
	return &tries{counts: counts}
}

// add counts one more answer to the sign-in with that RelayState, and returns how many there were.
func (t *tries) add(relayState string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, _ := t.counts.Get(relayState)
	t.counts.Add(relayState, n+1)
	return n + 1
}

// admitAnswer limits the answers to one sign-in. The first is free, because the limit of begun sign-ins covers it; the
// others count against the address too, with a limit that only they have.
func (s *Service) admitAnswer(ctx context.Context, relayState string) error {
	n := s.tries.add(relayState)
	if n > s.answers {
		return refuse("too many answers to this sign-in were refused")
	}
	if n == 1 {
		return nil
	}
	return take(ctx, s.retried, "too many answers to sign-ins came from this address; try again later")
}

// take uses up one of what the caller's address may do, or returns fault.TooManyFailures.
func take(ctx context.Context, from *attempts.AddressLimiter, message string) error {
	address := audit.OriginOf(ctx).Address
	later, ok := from.Allowed(address)
	if ok {
		from.Fail(address)
		return nil
	}
	f := fault.New(fault.TooManyFailures, message)
	f.RetryAfter = later
	return f
}
