package main

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// Ensures that a session that ends at one server is refused by another within a second, and by a server that receives
// no invalidation messages within the cache's time to live; and that the same holds after the command line disables a
// user.
func TestRevocation(t *testing.T) {
	t.Parallel()
	r := newReplicas(t)
	proxy := postgrestest.NewProxy(t, r.dsn, "sallyport-listen")
	first, second := r.begin(), r.begin()
	r.env = append(slices.Clip(r.env), "SALLYPORT_STORE="+proxy.DSN)
	stalled := r.begin()
	for _, s := range []*process{first, second, stalled} {
		s.serving().waitFor(listens)
	}
	proxy.Stall()
	admin := person{"admin", "chosen by hand"}
	others := []limited{{second, time.Second}, {stalled, store.MaxLifetime}}

	session := first.logIn(admin)
	fillCaches(session, second, stalled)
	first.want(http.StatusOK, http.MethodPost, authPath+"/_logout", session, "")
	first.wantAuth(http.StatusUnauthorized, session)
	wantRefusedInTime(session, others)

	r.wantWell(alice.password+"\n", `^added the user alice`, "user", "add", "alice", "--role", "ece_deployment_viewer",
		"--password-stdin")
	session = first.logIn(alice)
	fillCaches(session, second, stalled)
	r.wantWell("", "", "user", "disable", "alice")
	wantRefusedInTime(session, append([]limited{{first, time.Second}}, others...))
}

// listens matches the log line of a server with a LISTEN connection.
var listens = regexp.MustCompile(`listen connection (established)`)

// fillCaches uses a credential at servers, so that they cache it.
func fillCaches(authorization string, servers ...*process) {
	for _, s := range servers {
		s.wantAuth(http.StatusOK, authorization)
		s.wantAuth(http.StatusOK, authorization)
	}
}

// limited is a server, and the time limit for it to refuse a credential that another server invalidated.
type limited struct {
	*process
	limit time.Duration
}

// wantRefusedInTime fails the test unless each server refuses a credential within its limit.
func wantRefusedInTime(authorization string, servers []limited) {
	began := time.Now()
	for _, s := range servers {
		s.t.Helper()
		for s.send(http.MethodGet, authPath, authorization, "").status != http.StatusUnauthorized {
			if time.Since(began) > s.limit {
				s.t.Fatalf("the credential works after %v", s.limit)
			}
			time.Sleep(time.Millisecond)
		}
		s.t.Logf("refused after %v; the limit is %v", time.Since(began).Round(time.Millisecond), s.limit)
	}
}

// Ensures that on SQLite a server refuses an API key on the first request after another server has deleted it, in each
// of many rounds, and a user's on the first request after the command line has disabled the user.
func TestRevocation_SharedFile(t *testing.T) {
	t.Parallel()
	r := replicas{t, "", []string{
		"SALLYPORT_STORE=" + newStore(t), "SALLYPORT_LOG_FORMAT=json", chosenAdmin, chosenReadonly, sealed,
	}}
	first := r.begin().serving()
	second := r.begin().serving()
	r.wantWell(alice.password+"\n", "", "user", "add", alice.name, "--role", "ece_deployment_viewer", "--password-stdin")
	owner := first.logIn(alice)

	rounds := 1000
	if raceDetector {
		rounds = 50
	}
	for range rounds {
		made := second.want(http.StatusCreated, http.MethodPost, keysPath, owner, `{"description": "test"}`)
		key := "ApiKey " + member(t, made, "key")
		fillCaches(key, first)
		second.want(http.StatusOK, http.MethodDelete, keysPath+"/"+member(t, made, "id"), owner, "")
		first.wantAuth(http.StatusUnauthorized, key)
	}

	key := first.createKey(owner)
	fillCaches(key, first, second)
	r.wantWell("", "", "user", "disable", alice.name)
	first.wantAuth(http.StatusUnauthorized, key)
	second.wantAuth(http.StatusUnauthorized, key)
}
