package saml

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxTried bounds the memory that tries takes, to about 3 MiB.
const maxTried = 16_384

// tries counts how many answers to one pending sign-in were verified, because verifying one is expensive. Each server
// counts by itself.
type tries struct {
	most int

	mu     sync.Mutex // makes reading a count and writing it one step
	counts *lru.Cache[string, int]
}

func newTries(most int) *tries {
	counts, err := lru.New[string, int](maxTried)
	if err != nil { // for a size that is not positive only
		panic(err)
	}
	return &tries{most: most, counts: counts}
}

// another reports whether one more answer to the sign-in with that RelayState may be verified, and counts it.
func (t *tries) another(relayState string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, _ := t.counts.Get(relayState)
	t.counts.Add(relayState, n+1)
	return n < t.most
}
