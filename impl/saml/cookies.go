package saml

import (
	"io"
	"slices"
	"strings"
	"time"
)

// Bounds of the cookies that one browser keeps for its pending sign-ins. Their names are a fixed set of slots, so that
// even a page that begins many sign-ins at once cannot make a browser keep more of them, and fill the header of its
// requests.
const (
	MaxCookies     = 5
	maxCookieBytes = 4 << 10
	// cookieOverhead is what a cookie's name and its separators add to its value in the header, in bytes.
	cookieOverhead = len("__Host-sallyport-saml-1=; ")
)

// Cookies are the values of a browser's cookies that hold pending sign-ins, by slot; empty for a slot without one.
type Cookies [MaxCookies]string

// CookieChange sets the cookie of a slot, or removes it if the value is empty.
type CookieChange struct {
	Slot  int
	Value string
}

// add returns how to put one more sign-in into the browser's cookies: expired and malformed ones go, then the oldest
// until all that is left fits, and the new one takes a free slot. The slot is random, because two tabs may begin at the
// same moment, each without seeing the other's. random is a source of random bytes that never fails.
func (c Cookies) add(value string, now time.Time, random io.Reader) []CookieChange {
	kept, size := []int{}, len(value)+cookieOverhead
	for slot, held := range c {
		at, ok := cookieTime(held)
		if ok && now.Before(at.Add(PendingTime)) {
			kept, size = append(kept, slot), size+len(held)+cookieOverhead
		}
	}
	slices.SortFunc(kept, func(a, b int) int {
		first, _ := cookieTime(c[a])
		second, _ := cookieTime(c[b])
		return first.Compare(second)
	})
	for len(kept) > 0 && (len(kept) >= MaxCookies || size > maxCookieBytes) {
		size -= len(c[kept[0]]) + cookieOverhead
		kept = kept[1:]
	}

	return c.replace(kept, value, random)
}

// replace puts a value into a slot that is not kept, and removes the cookies of the other such slots.
func (c Cookies) replace(kept []int, value string, random io.Reader) []CookieChange {
	var free []int
	for slot := range c {
		if !slices.Contains(kept, slot) {
			free = append(free, slot)
		}
	}
	// That some slots are chosen a little more often does not matter.
	var drawn [1]byte
	_, _ = random.Read(drawn[:]) // never fails
	chosen := free[int(drawn[0])%len(free)]
	changes := []CookieChange{{chosen, value}}
	for _, slot := range free {
		if slot != chosen && c[slot] != "" {
			changes = append(changes, CookieChange{Slot: slot})
		}
	}
	return changes
}

// cookieTime returns when the sign-in of a cookie was begun, by its own word: it orders the cookies of one browser
// only.
func cookieTime(value string) (time.Time, bool) {
	at, _, found := strings.Cut(value, ".")
	if !found {
		return time.Time{}, false
	}
	return fromMillis(at)
}
