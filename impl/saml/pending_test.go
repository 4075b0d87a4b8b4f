package saml

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

func newTickets(t *testing.T, key byte) tickets {
	t.Helper()
	sealer, err := secret.NewSealer(bytes.Repeat([]byte{key}, secret.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return tickets{sealer}
}

// Ensures that a pending sign-in comes back as it was, and only with its own RelayState, its own place, the key that
// sealed it, and in the one spelling that it was given in.
func TestTickets(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	ours, others := newTickets(t, 1), newTickets(t, 2)
	relayState := ours.sealRelay(relay{createdAt: now, inCookie: true})
	p := pending{ID: "_1", Realm: "staff", State: "/a\nb\x00ü", CreatedAt: now}
	cookie, id := ours.sealCookie(p, relayState), ours.sealID(p, relayState)

	t.Run("comes back", func(t *testing.T) {
		given, ok := ours.openRelay(relayState)
		if !ok || given != (relay{createdAt: now, inCookie: true}) || len(relayState) > 80 {
			t.Errorf("the RelayState %q is %+v, %t", relayState, given, ok)
		}
		if opened, ok := ours.openCookie(cookie, relayState, false); !ok || opened != p {
			t.Errorf("the cookie is %+v, %t", opened, ok)
		}
		want := p
		want.ID = id
		if opened, ok := ours.openID(id, relayState, false); !ok || opened != want {
			t.Errorf("the ID is %+v, %t", opened, ok)
		}
	})
	t.Run("comes back with a return URL", func(t *testing.T) {
		relayState := ours.sealRelay(relay{now, true, true})
		p := p
		p.Return = Return{URL: "https://app.example/", Challenge: "c"}
		cookie, id := ours.sealCookie(p, relayState), ours.sealID(p, relayState)
		if given, ok := ours.openRelay(relayState); !ok || given != (relay{now, true, true}) {
			t.Errorf("the RelayState is %+v, %t", given, ok)
		}
		if opened, ok := ours.openCookie(cookie, relayState, true); !ok || opened != p {
			t.Errorf("the cookie is %+v, %t", opened, ok)
		}
		p.ID = id
		if opened, ok := ours.openID(id, relayState, true); !ok || opened != p {
			t.Errorf("the ID is %+v, %t", opened, ok)
		}
	})
	for name, c := range map[string]struct{ relay, cookie, id string }{
		"another's RelayState": {ours.sealRelay(relay{createdAt: now, inCookie: true}), cookie, id},
		"without an end":       {relayState[1:], cookie[:len(cookie)-1], id[:len(id)-1]},
		"the other's place": {strings.TrimPrefix(id, "_"), "1." + strings.TrimPrefix(id, "_"),
			"_" + strings.SplitN(cookie, ".", 2)[1]},
		"a line break": {relayState + "\n", cookie + "\n", id + "\n"},
		"nothing":      {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := ours.openRelay(c.relay); ok && name != "another's RelayState" {
				t.Error("the RelayState is taken")
			}
			with := relayState
			if name == "another's RelayState" {
				with = c.relay
			}
			if _, ok := ours.openCookie(c.cookie, with, false); ok {
				t.Error("the cookie is taken")
			}
			if _, ok := ours.openID(c.id, with, false); ok {
				t.Error("the ID is taken")
			}
		})
	}
	t.Run("another key", func(t *testing.T) {
		_, relayOpens := others.openRelay(relayState)
		_, cookieOpens := others.openCookie(cookie, relayState, false)
		_, idOpens := others.openID(id, relayState, false)
		if relayOpens || cookieOpens || idOpens {
			t.Error("it opens")
		}
	})
	t.Run("another last letter", func(t *testing.T) { // base64 leaves its last bits unused
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		taken := 0
		for _, letter := range letters {
			if _, ok := ours.openRelay(relayState[:len(relayState)-1] + string(letter)); ok {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("%d spellings are taken", taken)
		}
	})
}

// Ensures that a browser keeps at most five sign-ins, of 4 KiB in all, and loses the oldest first; and never more than
// five cookies even if it begins many at the same moment.
func TestCookies(t *testing.T) {
	tk, now := newTickets(t, 1), start
	begin := func(c *Cookies, state string) string {
		now = now.Add(time.Second)
		relayState := tk.sealRelay(relay{createdAt: now, inCookie: true})
		cookie := tk.sealCookie(pending{ID: "_1", Realm: "staff", State: state, CreatedAt: now}, relayState)
		c.change(c.add(cookie, now, rand.Reader))
		return relayState
	}
	holds := func(c Cookies, relayState string) bool {
		for _, value := range c {
			if _, ok := tk.openCookie(value, relayState, false); ok {
				return true
			}
		}
		return false
	}
	size := func(c Cookies) (n, bytes int) {
		for _, value := range c {
			if value != "" {
				n, bytes = n+1, bytes+len(value)+cookieOverhead
			}
		}
		return n, bytes
	}
	for name, c := range map[string]struct {
		state string
		kept  int
	}{"short states": {"/x", 5}, "long states": {strings.Repeat("s", maxState), 2}} {
		t.Run(name, func(t *testing.T) {
			var browser Cookies
			var begun []string
			for i := range 12 {
				begun = append(begun, begin(&browser, c.state))
				n, bytes := size(browser)
				if n != min(i+1, c.kept) || bytes > 4096 {
					t.Fatalf("after %d: %d cookies of %d bytes", i+1, n, bytes)
				}
				for j, relayState := range begun {
					if holds(browser, relayState) != (j > i-c.kept) {
						t.Fatalf("after %d, the sign-in %d is held: %t", i+1, j, j <= i-c.kept)
					}
				}
			}
		})
	}
	t.Run("a long one displaces several short ones", func(t *testing.T) {
		var browser Cookies
		for range 2 {
			begin(&browser, strings.Repeat("s", maxState))
		}
		for range 3 {
			begin(&browser, "/x")
		}
		last := begin(&browser, strings.Repeat("s", maxState))
		if n, bytes := size(browser); bytes > 4096 || n < 2 || !holds(browser, last) {
			t.Errorf("%d cookies of %d bytes", n, bytes)
		}
	})
	t.Run("expired and malformed ones go first", func(t *testing.T) {
		var browser Cookies
		begin(&browser, "/x")
		now = now.Add(PendingTime)
		fresh := begin(&browser, "/x")
		if n, _ := size(browser); n != 1 || !holds(browser, fresh) {
			t.Errorf("%d cookies", n)
		}
		browser = Cookies{"junk", "x.y", "", "1.", "."}
		begin(&browser, "/x")
		if n, _ := size(browser); n != 1 {
			t.Errorf("%d cookies beside junk", n)
		}
	})
	t.Run("at the same moment", func(t *testing.T) {
		var browser Cookies
		for range 50 {
			var seen Cookies // each request left before any answer came
			begin(&seen, strings.Repeat("s", maxState))
			for slot, value := range seen {
				if value != "" {
					browser[slot] = value
				}
			}
		}
		if _, bytes := size(browser); bytes > 8<<10 {
			t.Errorf("%d bytes", bytes)
		}
	})
}

// Ensures that sign-ins of others, however many, do not evict one that is pending, whether a cookie or the request
// holds it; and that both end after ten minutes, and are answered once.
func TestPending_Flood(t *testing.T) {
	for name, binding := range map[string]bool{"in a cookie": true, "in the request": false} {
		t.Run(name, func(t *testing.T) {
			var c clock
			f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm {
				realm := staff(t, idp)
				realm.BrowserBinding = binding
				return []Realm{realm}
			})
			request, mine := f.begin("staff")
			for range 10_050 {
				if _, err := f.Begin(t.Context(), Wish{Realm: "staff"}, Cookies{}); err != nil {
					t.Fatal(err)
				}
			}
			mine.Response = f.idp.Answer(request)
			if signedIn, err := f.Finish(t.Context(), mine); err != nil || signedIn.State != "/next" {
				t.Errorf("%+v, %v", signedIn, err)
			}
			again := mine
			again.Response = f.idp.Answer(request)
			f.fails(t.Context(), again)

			_, late := f.begin("staff")
			c.wait(PendingTime)
			request.ID, request.Now = "", c.now()
			late.Response = f.idp.Answer(request)
			f.fails(t.Context(), late)
		})
	}
}

// Ensures that the answers to one sign-in that are verified are bounded, and that those to others go on.
func TestPending_Answers(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm { return []Realm{staff(t, idp)} })
	request, mine := f.begin("staff")
	wrong := request
	wrong.ACS = "https://elsewhere.example"
	mine.Response = f.idp.Answer(wrong)
	for range DefaultLimits.Answers {
		f.fails(t.Context(), mine)
	}
	mine.Response = f.idp.Answer(request)
	f.fails(t.Context(), mine)
	if own, _, err := f.Refusals(t.Context()); err != nil ||
		own[0].Reason != "too many answers to this sign-in were refused" {
		t.Errorf("%+v, %v", own, err)
	}
	f.signIn("staff")
}
