package http_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// browser holds the cookies of one browser. Its tabs share them.
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

// Ensures that a sign-in that a page of another site embeds is refused, sets no cookie and takes nothing off what the
// address may begin; and that links, and programs, still begin one.
func TestSAML_Embedded(t *testing.T) {
	t.Parallel()
	idp := samltest.New(noon)
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
			if response := from("cross-site", destination); response.StatusCode != http.StatusForbidden ||
				response.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d, %s", destination, response.StatusCode, response.Header.Get("Set-Cookie"))
			}
		}
	}
	for name, c := range map[string][2]string{
		"a link": {"cross-site", "document"}, "our own page": {"same-origin", "empty"}, "typed": {"none", "document"},
	} {
		if response := from(c[0], c[1]); response.StatusCode != http.StatusFound {
			t.Errorf("%s: %d", name, response.StatusCode)
		}
	}
	w.begin("")
}

// Ensures that a sign-in that one server began ends at another, whether a cookie or the request holds it; that after
// the key-encryption key was replaced it is refused with a reason that says so, and a new one works; and that one that
// a server before this release began, in the store, is refused.
func TestSAML_PendingAtAnotherServer(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{"bound": "browser_binding: true", "free": "browser_binding: false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := samltest.New(noon)
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
