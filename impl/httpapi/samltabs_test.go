package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml/hostile"
	"github.com/sallyport/sallyport/impl/secret"
)

// browser is the cookies of one browser, whose tabs share them.
type browser map[string]string

func (b browser) header() string {
	var pairs []string
	for name, value := range b {
		pairs = append(pairs, name+"="+value)
	}
	return strings.Join(pairs, "; ")
}

// take does what a response says of cookies.
func (b browser) take(response *http.Response) {
	for _, cookie := range response.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie.Value
		}
	}
}

// beginIn begins a sign-in in a tab of a browser, which brings all of its cookies and those of other services.
func (w samlWorld) beginIn(b browser, query string) waiting {
	w.Helper()
	response, body := w.do(http.MethodGet, samlPath+"_init?"+query, "", bringing(b.header()))
	if response.StatusCode != http.StatusFound {
		w.Fatalf("_init: %d %s", response.StatusCode, body)
	}
	b.take(response)
	return w.begunBy(response)
}

// finishIn brings the identity provider's answer, and returns the session's token; none if it is refused.
func (w samlWorld) finishIn(b browser, begun waiting) string {
	w.Helper()
	begun.cookie = b.header()
	response, _ := w.post(begun, w.idp.Answer(w.request(begun)))
	b.take(response)
	session, _ := token(response)
	return session
}

// Ensures that sign-ins in several tabs of one browser do not disturb each other, in whatever order they end; that a sixth
// replaces the oldest; and that the cookies never take more than 4 KiB.
func TestSAML_Tabs(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	t.Run("two", func(t *testing.T) {
		for _, order := range [][]int{{0, 1}, {1, 0}} {
			b := browser{"other": "x"}
			tabs := []waiting{w.beginIn(b, ""), w.beginIn(b, "")}
			for _, i := range order {
				if session := w.finishIn(b, tabs[i]); session == "" || !w.alive(bearer(session)) {
					t.Errorf("in the order %v, tab %d is not signed in: %s", order, i, asJSON(w.refusals()[:1]))
				}
			}
			if len(b) != 1 {
				t.Errorf("the browser keeps %v", b)
			}
		}
	})
	t.Run("seven", func(t *testing.T) {
		b := browser{}
		var tabs []waiting
		for range 7 {
			w.clock.advance(1_000_000) // a millisecond
			tabs = append(tabs, w.beginIn(b, "state=/x"))
		}
		if len(b) != 5 || len(b.header()) > 4096 {
			t.Fatalf("the browser keeps %d cookies of %d bytes", len(b), len(b.header()))
		}
		for i, tab := range tabs {
			if session := w.finishIn(b, tab); (session != "") != (i >= 2) {
				t.Errorf("tab %d is signed in: %t", i, session != "")
			}
		}
	})
	t.Run("long states", func(t *testing.T) {
		b := browser{}
		var last waiting
		for range 7 {
			w.clock.advance(1_000_000)
			last = w.beginIn(b, "state="+strings.Repeat("s", 1024))
			if len(b.header()) > 4096 {
				t.Fatalf("the cookies have %d bytes", len(b.header()))
			}
		}
		if w.finishIn(b, last) == "" {
			t.Error("the last one is not signed in")
		}
	})
	t.Run("a state over 1 KiB", func(t *testing.T) {
		response, body := w.do(http.MethodGet, samlPath+"_init?state="+strings.Repeat("%C3%BC", 513), "")
		w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "state")
	})
}

// Ensures that a sign-in that a page of another site embeds is refused, sets no cookie and takes nothing off what the
// address may begin; and that links, and programs, still begin one.
func TestSAML_Embedded(t *testing.T) {
	t.Parallel()
	idp := hostile.New(noon)
	w := samlWorld{world: openTuned(t, func(s *app.Settings) {
		s.Realms, s.SignOn.AddressSignIns = realms(t, idp, realm("corporate", viewers)), 4
	}), idp: idp}
	from := func(site, destination string) *http.Response {
		response, _ := w.do(http.MethodGet, samlPath+"_init", "", func(_ context.Context, r *http.Request) error {
			r.Header.Set("Sec-Fetch-Site", site)
			r.Header.Set("Sec-Fetch-Dest", destination)
			return nil
		})
		return response
	}
	for _, destination := range []string{"image", "iframe", "empty", "script"} {
		for range 3 {
			if response := from("cross-site", destination); response.StatusCode != http.StatusForbidden || response.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d, %s", destination, response.StatusCode, response.Header.Get("Set-Cookie"))
			}
		}
	}
	for name, c := range map[string][2]string{"a link": {"cross-site", "document"}, "our own page": {"same-origin", "empty"}, "typed": {"none", "document"}} {
		if response := from(c[0], c[1]); response.StatusCode != http.StatusFound {
			t.Errorf("%s: %d", name, response.StatusCode)
		}
	}
	w.begin("")
}

// Ensures that a sign-in that one server began ends at another, whether a cookie or the request holds it; that after the
// key-encryption key was replaced it is refused with a reason that says so, and a new one works; and that one that a server
// before this release began, in the store, is refused.
func TestSAML_PendingAtAnotherServer(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{"bound": "browser_binding: true", "free": "browser_binding: false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := hostile.New(noon)
			known := realms(t, idp, realm("corporate", viewers, own))
			time := &clock{now: noon}
			at := func(dsn string, key byte) samlWorld {
				w := samlWorld{world: openWith(t, dsn, io.Discard, func(s *app.Settings) {
					s.Realms, s.KeyEncryptionKey, s.Now = known, bytes.Repeat([]byte{key}, secret.KeySize), time.Now
				}), idp: idp}
				w.clock = time
				return w
			}
			dsn := newDSN(t)
			first, second, rotated := at(dsn, 1), at(dsn, 1), at(newDSN(t), 2)
			begun := first.begin("state=/x")
			answer := idp.Answer(first.request(begun))
			rotated.refuses("with another key", begun, answer)
			if last := rotated.refusals()[0]; !strings.Contains(last.Reason, "the key-encryption key was rotated") {
				t.Errorf("the reason is %q", last.Reason)
			}
			second.accepts("at the other server", begun, answer, "%2Fx")
			first.refuses("again at the first", begun, answer)
			rotated.signIn("", "carol@example.com", nil)

			former := first.begin("")
			first.sql(`INSERT INTO saml_requests (id, realm, relay_digest, browser_digest, state, created_at, expires_at) VALUES
				('_former', 'corporate', '` + secret.Digest("relay") + `', '', '', 0, 9999999999999)`)
			former.id, former.relay = "_former", "relay"
			first.refuses("of a former release", former, idp.Answer(first.request(former)))
		})
	}
}

// Ensures that the answer to a sign-in whose browser brings another cookie, none or a changed one is refused, and names the
// reason, before its XML is read.
func TestSAML_SealedCookie(t *testing.T) {
	t.Parallel()
	w := newSAMLWorld(t, realm("corporate", viewers))
	begun := w.begin("")
	name, sealed, _ := strings.Cut(begun.cookie, "=")
	for why, cookie := range map[string]string{
		"none": "", "changed": name + "=" + sealed[:len(sealed)-2] + "xx", "half": name + "=" + sealed[:len(sealed)/2], "of the time only": name + "=" + cmp.Or(strings.SplitN(sealed, ".", 2)[0], "x") + ".",
		"under the former name": strings.TrimSuffix(binding, "-") + "=" + sealed,
	} {
		wrong := begun
		wrong.cookie = cookie
		w.refuses(why, wrong, "this is no XML")
		if last := w.refusals()[0]; last.Reason != "another browser began the sign-in, or this one did not keep its cookie" {
			t.Errorf("%s: %q", why, last.Reason)
		}
	}
	moved := begun
	moved.cookie = binding + "5=" + sealed
	if strings.HasPrefix(begun.cookie, binding+"5") {
		moved.cookie = binding + "4=" + sealed
	}
	response, body := w.post(moved, w.idp.Answer(w.request(begun)))
	if session, _ := token(response); session == "" {
		t.Errorf("in another slot: %d %s", response.StatusCode, body)
	}
}
