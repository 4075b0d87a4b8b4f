package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/saml/samltest"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that two servers on one database, one with a clock 30 seconds ahead or behind, agree on which credentials
// are valid, which codes are used, and which users are locked.
func TestFault_Clock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{30 * time.Second, -30 * time.Second} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			idp := samltest.New(time.Now())
			r := serveFleet(t, postgrestest.Database(t), "SALLYPORT_SAML_REALMS="+replayRealm(t, idp))
			r.server(1).stop()
			r.servers[1] = r.serveOff(off)
			for i := range r.servers {
				pair := clocks{r, r.server(i), r.server(i + 1), fmt.Sprint("-", i)}
				pair.sessions()
				pair.factors()
				pair.locks()
				pair.keys()
				pair.signOn(idp)
			}
		})
	}
}

// serveOff serves the same store with a wrong clock.
func (r *fleet) serveOff(off time.Duration) *process {
	r.Helper()
	env := map[string]string{"SALLYPORT_STORE": r.dsn}
	for _, setting := range r.env {
		name, value, _ := strings.Cut(setting, "=")
		env[name] = value
	}
	c, err := config.Load(config.Sources{Env: func(name string) (string, bool) {
		value, ok := env[name]
		return value,
			ok
	}})
	if err != nil {
		r.Fatal(err)
	}
	settings := app.FromConfig(c, c.KeyEncryptionKey, slog.New(slog.DiscardHandler))
	settings.Now = func() time.Time { return time.Now().Add(off) }
	a, err := app.Open(r.Context(), settings)
	if err != nil {
		r.Fatal(err)
	}
	server := httptest.NewServer(a.Handler)
	r.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			r.Error(err)
		}
	})
	return &process{t: r.T, url: server.URL}
}

// clocks are two servers with different clocks, in one of the two orders.
type clocks struct {
	*fleet
	here, there *process
	// suffix distinguishes the names of the two orders.
	suffix string
}

// sessions checks that a session that one server created or refreshed is valid at the other, a refreshed token for
// its grace period, and that ended sessions are not.
func (c clocks) sessions() {
	c.Helper()
	session := c.here.logIn(c.addUser("sessions" + c.suffix))
	c.there.wantAuth(http.StatusOK, session)
	next := "Bearer " +
		member(c.T, c.here.want(http.StatusOK, http.MethodPost, authPath+"/_refresh", session, ""), "token")
	c.there.wantAuth(http.StatusOK, next)
	c.there.wantAuth(http.StatusOK, session) // requests may be in progress
	c.here.want(http.StatusOK, http.MethodPost, authPath+"/_logout", next, "")
	c.dies(c.there, next)
}

// dies fails the test unless credentials are refused within the second that a cache may take.
func (c clocks) dies(s *process, authorization string) {
	c.Helper()
	for deadline := time.Now().Add(time.Second); ; {
		if s.send(http.MethodGet, authPath, authorization, "").status == http.StatusUnauthorized {
			return
		}
		if time.Now().After(deadline) {
			c.Error("invalidated credentials are still accepted at the other server")
			return
		}
	}
}

// factors checks that a code used at one server is used at the other, and that current codes are valid at both.
func (c clocks) factors() {
	c.Helper()
	p := c.addUser("factors" + c.suffix)
	d, used := c.here.enroll(p)
	session := c.here.logIn(p)
	c.there.elevate(http.StatusBadRequest, session, used)
	next := d.codeAt(c.T, time.Now().Add(30*time.Second)) // a device with a clock that is ahead
	elevated := c.there.elevate(http.StatusOK, session, next)
	c.here.elevate(http.StatusBadRequest, elevated, next)
	elevated = c.here.elevate(http.StatusOK, elevated, d.RecoveryCodes[0])
	c.there.elevate(http.StatusBadRequest, elevated, d.RecoveryCodes[0])
	c.there.want(http.StatusOK, http.MethodDelete, totpPath, elevated, "") // needs elevated permissions
}

// locks checks that a lock of one server holds at the other for its full duration.
func (c clocks) locks() {
	c.Helper()
	p := c.addUser("locks" + c.suffix)
	for range 10 {
		c.here.want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(person{p.name, "a wrong password"}))
	}
	c.there.want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(p))
	v := c.view(0)
	until, err := v.counts(p.name, "SELECT locked_until FROM lockouts WHERE user_name = $1")
	if err != nil {
		c.Fatal(err)
	}
	if lock := time.Until(time.UnixMilli(int64(until[0]))); lock < 0 || lock > 31*time.Second {
		c.Errorf("the lock has %v to go; want 30s", lock)
	}
}

// keys checks that keys expire on time at both servers.
func (c clocks) keys() {
	c.Helper()
	create := func(lifetime string) string {
		r := c.here.want(http.StatusOK, http.MethodPost, esKeyPath, c.operator,
			`{"name": "of a time", "expiration": "`+lifetime+`"}`)
		return "ApiKey " + member(c.T, r, "encoded")
	}
	lasting, short := create("20s"), create("2s")
	began := time.Now()
	for _, s := range []*process{c.here, c.there} {
		s.wantAuth(http.StatusOK, lasting)
		s.wantAuth(http.StatusOK, short)
	}
	for _, s := range []*process{c.here, c.there} {
		for s.send(http.MethodGet, authPath, short, "").status == http.StatusOK && time.Since(began) < patience {
			continue
		}
		if lived := time.Since(began); lived < time.Second || lived > 5*time.Second {
			c.Errorf("a key for 2s lived %v", lived)
		}
	}
}

// signOn checks that a sign-in that begins at one server can end at the other, once.
func (c clocks) signOn(idp *samltest.IdP) {
	c.Helper()
	b := newBrowser("")
	defer b.CloseIdleConnections()
	crossed := replay{idp: idp, servers: [2]*process{c.here, c.there}}
	begun, err := crossed.round(c.Context(), b, "user"+c.suffix+"@example.com")
	if err != nil {
		c.Error(err)
		return
	}
	c.here.wantAuth(http.StatusOK, "Bearer "+begun.token)
	c.there.wantAuth(http.StatusOK, "Bearer "+begun.token)
}
