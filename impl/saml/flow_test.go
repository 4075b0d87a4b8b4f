package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/attempts"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
	"github.com/sallyport/sallyport/impl/store"
)

// flow is a service with one realm or several, and the identity provider of all of them.
type flow struct {
	*Service
	t     *testing.T
	store *store.Store
	idp   *samltest.IdP
}

// staff returns a realm with its metadata in a file.
func staff(t *testing.T, idp *samltest.IdP) Realm {
	t.Helper()
	path := filepath.Join(t.TempDir(), "idp.xml")
	if err := os.WriteFile(path, idp.Metadata(), 0o600); err != nil {
		t.Fatal(err)
	}
	return Realm{
		ID: "staff", Enabled: true, IDP: IdentityProvider{EntityID: idp.EntityID, Metadata: path},
		SP:           ServiceProvider{EntityID: "urn:sp", ACS: "https://sp.example" + callbackPath},
		RoleMappings: RoleMappings{Default: []identity.Role{identity.DeploymentViewer}},
		ClockSkew:    defaultSkew, BrowserBinding: true, MetadataRefresh: defaultRefresh,
	}
}

func newFlow(t *testing.T, now func() time.Time, realms func(*samltest.IdP) []Realm) flow {
	t.Helper()
	st := openStoreAt(t, now)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(t.Context(), st, sealer, session.DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	idp := samltest.New(now())
	g := attempts.NewCounter(attempts.DefaultPolicy, attempts.NewAddressLimiter(100, time.Second, now))
	s := NewService(st, sessions, sealer, Counters{g, g}, Settings{Realms: realms(idp), Limits: DefaultLimits},
		slog.New(slog.DiscardHandler), now)
	t.Cleanup(s.Close)
	return flow{s, t, st, idp}
}

// begin begins a sign-in, and returns what the identity provider and the browser were given.
func (f flow) begin(realm string) (request samltest.Request, answer Answer) {
	f.t.Helper()
	redirect, err := f.Begin(f.t.Context(), Wish{Realm: realm, State: "/next"}, Cookies{})
	if err != nil {
		f.t.Fatal(err)
	}
	u, err := url.Parse(redirect.URL)
	if err != nil {
		f.t.Fatal(err)
	}
	deflated, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		f.t.Fatal(err)
	}
	var sent struct {
		ID string `xml:",attr"`
	}
	if err := xml.Unmarshal(text, &sent); err != nil {
		f.t.Fatal(err)
	}
	r, err := f.realm(realm)
	if err != nil {
		f.t.Fatal(err)
	}
	request = samltest.Request{ID: sent.ID, ACS: r.SP.ACS, EntityID: r.SP.EntityID, Now: f.providers.now()}
	answer = Answer{RelayState: u.Query().Get("RelayState")}
	answer.Cookies.change(redirect.Cookies)
	return request, answer
}

// change does what a browser does with cookies that it is given.
func (c *Cookies) change(changes []CookieChange) {
	for _, change := range changes {
		c[change.Slot] = change.Value
	}
}

// Ensures that the tests below begin with a sign-in that works.
func TestFlow(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm { return []Realm{staff(t, idp)} })
	request, answer := f.begin("staff")
	answer.Response = f.idp.Answer(request)
	signedIn, err := f.Finish(t.Context(), answer)
	if err != nil || signedIn.Token.Value == "" || signedIn.State != "/next" {
		t.Errorf("%+v, %v", signedIn, err)
	}
}

// unsolicited returns a response without a request.
func (f flow) unsolicited(realm Realm) Answer {
	request := samltest.Request{ACS: realm.SP.ACS, EntityID: realm.SP.EntityID, Now: f.providers.now()}
	return Answer{Response: f.idp.Unsolicited(request)}
}

// Ensures that the record of a used response outlives the response's validity: a replay that was verified in time, and
// is used after it, is refused.
func TestFinish_ReplayInTheLastMoment(t *testing.T) {
	var c clock
	f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm {
		realm := staff(t, idp)
		realm.AllowIDPInitiated = true
		return []Realm{realm}
	})
	answer := f.unsolicited(f.realms[0])
	if _, err := f.Finish(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	message, err := protocol.DecodeResponse(answer.Response)
	if err != nil {
		t.Fatal(err)
	}
	late := attempt{Answer: answer, message: message}
	if err := f.verifyUnsolicited(t.Context(), &late); err != nil {
		t.Fatal(err)
	}
	if late.profile, err = late.realm.Profile(Subject{NameID: late.verified.NameID}); err != nil {
		t.Fatal(err)
	}
	c.wait(late.verified.ExpiresAt.Sub(c.now()))
	f.signIn("staff") // sweeps what has expired
	if _, err := f.settle(t.Context(), &late); err == nil {
		t.Error("the response is taken twice")
	}
}

// Ensures that names of others that an identity provider only passes on are not taken for its own: two of them may have
// the same name, and would be one user here.
func TestFinish_NameQualifier(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm { return []Realm{staff(t, idp)} })
	for qualifier, accepted := range map[string]bool{"": true, f.idp.EntityID: true, "https://other.example.com": false} {
		request, answer := f.begin("staff")
		request.NameQualifier = qualifier
		answer.Response = f.idp.Answer(request)
		if _, err := f.Finish(t.Context(), answer); (err == nil) != accepted {
			t.Errorf("%q: %v", qualifier, err)
		}
	}
}

// Ensures that no more responses are read at once than there are processors, that those above wait or are turned away,
// and that a sign-in that was turned away waits still.
func TestFinish_Busy(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm { return []Realm{staff(t, idp)} })
	request, answer := f.begin("staff")
	answer.Response = f.idp.Answer(request)
	for range runtime.GOMAXPROCS(0) {
		if err := f.reading.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	var failed *fault.Error
	if _, err := f.Finish(ctx, answer); !errors.As(err, &failed) || failed.Code != fault.ServerBusy {
		t.Errorf("%v, want that the server is busy", err)
	}
	for range runtime.GOMAXPROCS(0) {
		f.reading.Release()
	}
	if _, err := f.Finish(t.Context(), answer); err != nil {
		t.Error(err)
	}
}
