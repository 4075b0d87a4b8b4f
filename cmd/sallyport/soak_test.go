package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// soakVariable is how long a soak takes. Without it, it is short and small, and only shows that the load works.
const soakVariable = "SOAK"

// size is how much load there is.
type size struct {
	length time.Duration
	// soakers is how many send requests at once, one after the other.
	soakers int
	// users sign in in turn.
	users int
	// crowd is how many guess at once.
	crowd int
	// elevators are users with a second factor, whose codes are good once in half a minute.
	elevators int
}

var (
	brief = size{length: 2 * time.Second, soakers: 6, users: 24, crowd: 6, elevators: 1}
	// full is more than two processors can take, with so many users that most have been forgotten when it is their turn
	// again, and are hashed, and with more guesses at once than may wait for that.
	full = size{soakers: 24, users: 480, crowd: 160, elevators: 4}
)

// soak is servers on one store under a mixed load.
type soak struct {
	*testing.T
	size
	servers   []*process
	operators []*process
	transport *http.Transport
	clients   []*client.ClientWithResponses
	tally     *tally
	chief     client.RequestEditorFn
	elevators []*elevator
	// connections counts those of the database's, if that has any.
	connections func() float64
}

// Ensures that a server keeps its memory, goroutines and files under as much load as it can take, and answers all of it
// well, or says when to come again.
func TestSoak_SQLite(t *testing.T) {
	runSoak(t, newStore(t), 1, func() float64 { return 0 })
}

// Ensures the same of two servers on one PostgreSQL, and that they keep no more connections to it than before.
func TestSoak_PostgreSQL(t *testing.T) {
	dsn := postgrestest.Database(t)
	db := lookInto(t, dsn)
	runSoak(t, dsn, 2, func() float64 {
		var count float64
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&count)
		if err != nil {
			t.Error(err)
		}
		return count
	})
}

// runSoak serves a store, and puts it under load.
func runSoak(t *testing.T, dsn string, servers int, connections func() float64) {
	t.Helper()
	of := brief
	if text := os.Getenv(soakVariable); text != "" {
		length, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
		of = full
		of.length = length
	} else {
		t.Parallel() // nothing is measured
	}
	s := &soak{T: t, size: of, tally: newTally(), connections: connections}
	s.transport = &http.Transport{MaxIdleConnsPerHost: of.soakers + of.crowd, MaxConnsPerHost: of.soakers + of.crowd}
	for range servers {
		s.serve(dsn)
	}
	s.populate()
	s.load(brief.length) // opens what is opened once
	s.tally.clear()
	before := s.settled(nil)
	samples := s.load(of.length)
	after := s.settled(before)
	s.check(before, samples, after)
	for i, p := range s.servers {
		p.stop()
		if trouble := p.output.String(); complaint.MatchString(trouble) {
			t.Errorf("server %d logged:\n%s", i+1, trouble)
		}
	}
}

// aboutRequest is what a server logs of each request, and of those that it turns away.
var aboutRequest = regexp.MustCompile(`"msg":"request"|"status":503`)

// serve starts one more server.
func (s *soak) serve(dsn string) {
	s.Helper()
	p := serveStore(s.T, dsn, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_TRUSTED_PROXIES=127.0.0.0/8", chosenAdmin, chosenReadonly, sealed)
	p.output.leaveOut(aboutRequest)
	api := newClient(s.T, p, &http.Client{
		Timeout: patience, Transport: counting{s.transport, s.tally},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	s.servers, s.operators, s.clients = append(s.servers, p), append(s.operators, p.operator()), append(s.clients, api)
}

const soakPassword = "a passphrase of many users"

func soakUser(i int) string     { return fmt.Sprintf("user-%d", i) }
func soakVictim(i int) string   { return fmt.Sprintf("victim-%d", i) }
func soakElevator(i int) string { return fmt.Sprintf("elevator-%d", i) }

// populate adds the users. They share a hash, which takes as long as any.
func (s *soak) populate() {
	s.Helper()
	hash, err := secret.NewHasher(secret.DefaultCost).Hash(s.Context(), soakPassword)
	if err != nil {
		s.Fatal(err)
	}
	authorization := s.servers[0].newChief(s.servers[0].logIn(person{"admin", "chosen by hand"}))
	s.chief = authorize(authorization)
	var names []string
	for i := range s.users {
		names = append(names, soakUser(i))
	}
	for i := range s.soakers {
		names = append(names, soakVictim(i))
	}
	for i := range s.size.elevators {
		names = append(names, soakElevator(i))
	}
	for _, name := range names {
		s.servers[0].want(http.StatusOK, http.MethodPut, "/_security/user/"+name, authorization, `{"roles":["ece_deployment_manager"],"password_hash":"`+hash+`"}`)
	}
	for i := range s.size.elevators {
		s.elevators = append(s.elevators, s.enroll(person{soakElevator(i), soakPassword}))
	}
}

// load puts all servers under load for some time, and returns what was measured every now and then.
func (s *soak) load(length time.Duration) []sample {
	s.Helper()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range s.soakers {
		w := s.newSoaker(i)
		all.Go(func() { w.run(stop) })
	}
	for _, e := range s.elevators {
		all.Go(func() { s.elevate(e, stop) })
	}
	all.Go(func() { s.crowd(stop) })
	samples := s.measure(length)
	close(stop)
	all.Wait()
	return samples
}

// settled waits until the servers hold no more than before the load, if that is known, and returns what they hold.
func (s *soak) settled(before []float64) []float64 {
	s.Helper()
	s.transport.CloseIdleConnections()
	deadline := time.Now().Add(patience)
	for {
		now := s.held()
		if quiet := before == nil && slices.Equal(now, s.held()); quiet || before != nil && !exceeds(now, before) {
			return now
		}
		if time.Now().After(deadline) {
			s.Errorf("%v stay at %v after the load; before it they were at %v", holdings, now, before)
			return now
		}
		time.Sleep(100 * time.Millisecond) // processes are awaited
	}
}

// slack is how much more of each of the holdings there may be: connections that pools had not opened before, and their files.
// What leaks with each of many thousand requests is more.
var slack = []float64{2, 24, 16}

func exceeds(now, before []float64) bool {
	for i := range now {
		if now[i] > before[i]+slack[i] {
			return true
		}
	}
	return false
}

// complaint is what a server must not log under load.
var complaint = regexp.MustCompile(`"level":"(WARN|ERROR)"`)

// soakAddress is one of many, for whom wrong guesses are counted.
func soakAddress(i int) string { return net.IPv4(198, 18, byte(i>>8), byte(i)).String() }
