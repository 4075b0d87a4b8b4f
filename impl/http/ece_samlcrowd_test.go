package http_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// The load of the test below: people behind one address, and posts of junk, within a minute of the server's clock.
const (
	office        = 130
	junkPerSecond = 10
)

// Ensures that 130 people behind one address sign in within a minute, each in a browser of their own and many at the
// same moment, while ten posts of junk a second come from the same address; with the limits that a server has by
// default, on the clock of the test. The 130 are done before the clock has moved by a minute.
func TestSAML_Crowd(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{
		"strict": "order: 1", "where unsolicited answers are taken": "allow_idp_initiated: true",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idp := samltest.New(noon)
			w := samlWorld{world: openTuned(t, func(s *app.Settings) {
				s.Realms, s.SignOn = realms(t, idp, realm("corporate", viewers, own)), saml.DefaultLimits
				s.AddressFailures, s.AddressRecovery = 100, time.Second
			}), idp: idp}
			unauthenticated := w.begin("")
			junk := []func(){
				func() { w.do(http.MethodPost, callbackPath, "SAMLResponse=x", asForm) },
				func() { w.do(http.MethodPost, callbackPath, "SAMLResponse=eA%3D%3D&RelayState=x", asForm) },
				func() {
					form := url.Values{
						"SAMLResponse": {w.idp.Answer(w.request(waiting{id: "_junk"}))}, "RelayState": {unauthenticated.relay},
					}
					w.do(http.MethodPost, callbackPath, form.Encode(), asForm)
				},
				func() { w.singleLogout("SAMLRequest=eA%3D%3D&SigAlg=x&Signature=eA%3D%3D") },
			}

			// A second of the clock is ten posts of junk and three sign-ins at once: 130 take 44 seconds.
			began := w.clock.Now()
			signedIn, mu := 0, sync.Mutex{}
			for begun := 0; begun < office; begun += 3 {
				parallel(junkPerSecond+min(3, office-begun), func(i int) {
					if i < junkPerSecond {
						junk[i%len(junk)]()
						return
					}
					b := browser{}
					if session := w.finishIn(b, w.beginIn(b, "")); session != "" && w.alive(bearer(session)) {
						mu.Lock()
						defer mu.Unlock()
						signedIn++
					}
				})
				w.clock.advance(time.Second)
			}
			if took := w.clock.Now().Sub(began); signedIn != office || took > time.Minute {
				t.Errorf("%d of %d are signed in after %s", signedIn, office, took)
			}
		})
	}
}
