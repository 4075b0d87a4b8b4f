package saml

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// clock is a time that only a test moves.
type clock struct{ moved atomic.Int64 }

var start = time.Now()

func (c *clock) now() time.Time { return start.Add(time.Duration(c.moved.Load())) }

func (c *clock) wait(d time.Duration) { c.moved.Add(int64(d)) }

// Ensures that a caller that begins a sign-in and disconnects does not cancel the fetching of metadata. Other callers
// wait for it too, and a caller that disconnects whenever it is due could otherwise block all sign-ins.
func TestProviders_CallerDisconnects(t *testing.T) {
	var c clock
	var asked atomic.Int32
	begun, goOn := make(chan struct{}), make(chan struct{})
	idp := samltest.New(c.now())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1: // by the server itself
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			close(begun)
			<-goOn
			fallthrough
		default:
			_, _ = w.Write(idp.Metadata())
		}
	}))
	defer server.Close()
	f := newFlow(t, c.now, func(*samltest.IdP) []Realm {
		realm := staff(t, idp)
		realm.IDP.Metadata = server.URL
		return []Realm{realm}
	})
	if _, err := f.Begin(t.Context(), Wish{Realm: "staff"}, Cookies{}); err == nil { // after the first attempt
		t.Fatal("a sign-in begins without metadata")
	}
	c.wait(retryAfter)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = f.Begin(ctx, Wish{Realm: "staff"}, Cookies{})
	}()
	<-begun
	leave()
	close(goOn)
	<-left
	if _, err := f.Begin(t.Context(), Wish{Realm: "staff"}, Cookies{}); err != nil {
		t.Error(err)
	}
}

// rotating serves the metadata of an identity provider that rotates its key.
type rotating struct {
	*httptest.Server
	idp     atomic.Pointer[samltest.IdP]
	fetched atomic.Int32
}

func newRotating(t *testing.T, now time.Time) *rotating {
	t.Helper()
	r := &rotating{}
	r.idp.Store(samltest.New(now))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.fetched.Add(1)
		_, _ = w.Write(r.idp.Load().Metadata())
	}))
	t.Cleanup(r.Close)
	return r
}

// rotate gives the identity provider a key that was in none of its metadata before.
func (r *rotating) rotate() *samltest.IdP {
	old := r.idp.Load()
	rotated := *old
	rotated.RSA, rotated.Attacker = old.Attacker, old.RSA
	r.idp.Store(&rotated)
	return &rotated
}

func (r *rotating) realm(t *testing.T, idp *samltest.IdP, id string) Realm {
	realm := withLogout(t, idp, id)
	realm.IDP.Metadata = r.URL
	return realm
}

// Ensures that an answer, a logout and an unsolicited answer with a signing key that is not known have the metadata
// fetched again, and are accepted if they have the key by then; that this is done once a minute at most, and once for
// many that come together; and that answers that are refused for anything else cause no fetch.
func TestProviders_UnknownKey(t *testing.T) {
	var c clock
	begin := func(t *testing.T, change func(*Realm)) (flow, *rotating) {
		t.Helper()
		r := newRotating(t, c.now())
		f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm {
			realm := r.realm(t, idp, "staff")
			change(&realm)
			return []Realm{realm}
		})
		f.idp = r.idp.Load()
		f.signIn("staff") // and so the metadata is there
		if n := r.fetched.Load(); n != 1 {
			t.Fatalf("metadata is fetched %d times", n)
		}
		return f, r
	}
	wantFetched := func(t *testing.T, r *rotating, want int32) {
		t.Helper()
		if n := r.fetched.Load(); n != want {
			t.Errorf("metadata is fetched %d times, want %d", n, want)
		}
	}
	none := func(*Realm) {}

	t.Run("answer", func(t *testing.T) {
		f, r := begin(t, none)
		f.idp = r.rotate()
		f.signIn("staff")
		wantFetched(t, r, 2)
	})
	t.Run("logout", func(t *testing.T) {
		f, r := begin(t, none)
		f.idp = r.rotate()
		if _, err := f.SingleLogout(t.Context(), f.signedLogout(f.idp.RSA)); err != nil || f.sessions("staff") != 0 {
			t.Errorf("%v, %d sessions", err, f.sessions("staff"))
		}
		wantFetched(t, r, 2)
	})
	t.Run("unsolicited answer", func(t *testing.T) {
		f, r := begin(t, func(realm *Realm) { realm.AllowIDPInitiated = true })
		f.idp = r.rotate()
		if _, err := f.Finish(t.Context(), f.unsolicited(f.realms[0])); err != nil {
			t.Error(err)
		}
		wantFetched(t, r, 2)
	})
	t.Run("once a minute", func(t *testing.T) {
		f, r := begin(t, none)
		forged := func() {
			request, answer := f.begin("staff")
			forger := *f.idp
			forger.RSA = f.idp.Attacker
			answer.Response = forger.Answer(request)
			f.fails(t.Context(), answer)
		}
		for range 5 {
			forged()
		}
		wantFetched(t, r, 2)
		f.signIn("staff")
		c.wait(renewInterval)
		forged()
		wantFetched(t, r, 3)
	})
	t.Run("many together", func(t *testing.T) {
		f, r := begin(t, none)
		var answers []Answer
		rotated := r.rotate()
		for range 8 {
			request, answer := f.begin("staff")
			request.NameID = "staff@example.com"
			answer.Response = rotated.Answer(request)
			answers = append(answers, answer)
		}
		var all sync.WaitGroup
		for _, answer := range answers {
			all.Go(func() {
				if _, err := f.Finish(t.Context(), answer); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantFetched(t, r, 2)
	})
	t.Run("refused for something else", func(t *testing.T) {
		f, r := begin(t, none)
		request, answer := f.begin("staff")
		request.EntityID = "https://elsewhere.example"
		answer.Response = f.idp.Answer(request)
		f.fails(t.Context(), answer)
		f.fails(t.Context(), Answer{Response: "x"})
		wantFetched(t, r, 1)
	})
	t.Run("metadata that cannot be had", func(t *testing.T) {
		f, r := begin(t, none)
		rotated := r.rotate()
		r.Close()
		request, answer := f.begin("staff")
		answer.Response = rotated.Answer(request)
		f.fails(t.Context(), answer)
		f.signIn("staff") // with the cached keys
	})
}
