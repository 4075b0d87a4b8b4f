package main

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that a session that ends at one server is dead at another within a second, and where that hears of nothing within
// the time for which it may remember; and that so are the sessions of a user whom the command line disables.
func TestRevocation(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	proxy := postgrestest.NewProxy(t, r.dsn, "sallyport-listen")
	first, second := r.begin(), r.begin()
	r.env = append(r.env[:len(r.env):len(r.env)], "SALLYPORT_STORE="+proxy.DSN)
	deaf := r.begin()
	for _, s := range []*process{first, second, deaf} {
		s.serving().waitFor(hears)
	}
	proxy.Stall()
	admin := person{"admin", "chosen by hand"}
	others := []limited{{second, time.Second}, {deaf, store.MaxLifetime}}

	session := first.logIn(admin)
	remembered(session, second, deaf)
	first.want(http.StatusOK, http.MethodPost, authPath+"/_logout", session, "")
	first.wantAuth(http.StatusUnauthorized, session)
	dead(session, others)

	r.wantWell(alice.password+"\n", `^added the user alice`, "user", "add", "alice", "--role", "ece_deployment_viewer", "--password-stdin")
	session = first.logIn(alice)
	remembered(session, second, deaf)
	r.wantWell("", "", "user", "disable", "alice")
	dead(session, append([]limited{{first, time.Second}}, others...))
}

// hears is what a server writes that hears of changes.
var hears = regexp.MustCompile(`changes by other processes are (heard)`)

// remembered has a credential used by servers so that they remember it.
func remembered(authorization string, servers ...*process) {
	for _, s := range servers {
		s.wantAuth(http.StatusOK, authorization)
		s.wantAuth(http.StatusOK, authorization)
	}
}

// limited is a server, and how long a credential that ended elsewhere may work there.
type limited struct {
	*process
	limit time.Duration
}

// dead fails the test unless a credential works at no server after its time.
func dead(authorization string, servers []limited) {
	began := time.Now()
	for _, s := range servers {
		s.t.Helper()
		for s.send(http.MethodGet, authPath, authorization, "").status != http.StatusUnauthorized {
			if time.Since(began) > s.limit {
				s.t.Fatalf("the credential works after %v", s.limit)
			}
			time.Sleep(time.Millisecond)
		}
		s.t.Logf("dead after %v; the limit is %v", time.Since(began).Round(time.Millisecond), s.limit)
	}
}
