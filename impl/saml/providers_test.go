package saml

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/hostile"
)

// clock is a time that only a test moves.
type clock struct{ moved atomic.Int64 }

var start = time.Now()

func (c *clock) now() time.Time { return start.Add(time.Duration(c.moved.Load())) }

func (c *clock) wait(d time.Duration) { c.moved.Add(int64(d)) }

// Ensures that somebody who begins a sign-in and goes away does not break off the fetching of metadata, which all wait for:
// whoever did so each time that it is due would keep everybody out.
func TestProviders_CallerGone(t *testing.T) {
	var c clock
	var asked atomic.Int32
	begun, goOn := make(chan struct{}), make(chan struct{})
	idp := hostile.New(c.now())
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
	f := newFlow(t, c.now, func(*hostile.IdP) []Realm {
		realm := staff(t, idp)
		realm.IDP.Metadata = server.URL
		return []Realm{realm}
	})
	if _, err := f.Begin(t.Context(), "staff", "", Cookies{}); err == nil { // after the first attempt
		t.Fatal("a sign-in begins without metadata")
	}
	c.wait(retryAfter)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = f.Begin(ctx, "staff", "", Cookies{})
	}()
	<-begun
	leave()
	close(goOn)
	<-left
	if _, err := f.Begin(t.Context(), "staff", "", Cookies{}); err != nil {
		t.Error(err)
	}
}
