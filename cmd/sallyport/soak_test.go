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

// soakVariable is the duration of a soak. Without it, the soak is short and small, and only shows that the load
// works.
const soakVariable = "SOAK"

// size is the amount of load.
type size struct {
	length time.Duration
	// soakers is the number of concurrent clients.
	soakers int
	// users sign in in rotation.
	users int
	// crowd is the number of concurrent guesses.
	crowd int
	// elevators are users with a second factor; each code is valid once in half a minute.
	elevators int
}

var (
	short = size{length: 2 * time.Second, soakers: 6, users: 24, crowd: 6, elevators: 1}
	// full is more than two processors can serve: with this number of users, most are evicted from the cache and
	// hashed again, and with this number of concurrent guesses the queue is full.
	full = size{soakers: 24, users: 480, crowd: 160, elevators: 4}
)

// soak is a set of servers on one store under a mixed load.
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
	// connections counts the connections to the database, if it has any.
	connections func() float64
}

// Ensures that a server's memory, goroutines and files stay constant under full load, and that all answers are right
// or say when to retry.
func TestSoak_SQLite(t *testing.T) {
	runSoak(t, newStore(t), 1, func() float64 { return 0 })
}

// Ensures the same of two servers on one PostgreSQL database, and that they release their connections to it.
func TestSoak_PostgreSQL(t *testing.T) {
	dsn := postgrestest.Database(t)
	db := lookInto(t, dsn)
	runSoak(t, dsn, 2, func() float64 {
		var count float64
		err := db.QueryRowContext(t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&count)
		if err != nil {
			t.Error(err)
		}
		return count
	})
}

// runSoak serves a store under load.
func runSoak(t *testing.T, dsn string, servers int, connections func() float64) {
	t.Helper()
	of := short
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
	s.load(short.length) // opens what stays open
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

// aboutRequest matches the log lines of a request, and of refused ones.
var aboutRequest = regexp.MustCompile(`"msg":"request"|"status":503`)

// serve starts one more server.
func (s *soak) serve(dsn string) {
	s.Helper()
	p := serveStore(s.T, dsn, "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0", "SALLYPORT_TRUSTED_PROXIES=127.0.0.0/8", chosenAdmin,
		chosenReadonly, sealed)
	p.output.leaveOut(aboutRequest)
	api := newClient(s.T, p, &http.Client{
		Timeout: patience, Transport: counting{s.transport, s.tally},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	s.servers, s.operators, s.clients = append(s.servers, p), append(s.operators, p.adminListener()),
		append(s.clients, api)
}

const soakPassword = "a passphrase of many users"

func soakUser(i int) string     { return fmt.Sprintf("user-%d", i) }
func soakVictim(i int) string   { return fmt.Sprintf("victim-%d", i) }
func soakElevator(i int) string { return fmt.Sprintf("elevator-%d", i) }

// populate adds the users. They share a hash, which takes as long to check as any.
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
		s.servers[0].want(http.StatusOK, http.MethodPut, "/_security/user/"+name, authorization,
			`{"roles":["ece_deployment_manager"],"password_hash":"`+hash+`"}`)
	}
	for i := range s.size.elevators {
		s.elevators = append(s.elevators, s.enroll(person{soakElevator(i), soakPassword}))
	}
}

// load puts all servers under load for a duration, and returns the samples.
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

// settled waits until the servers hold at most what they held before the load, and returns what they hold.
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
		time.Sleep(100 * time.Millisecond) // wait for other processes
	}
}

// slack is the accepted increase of each of the holdings: connections that pools had not opened before, and their
// files. A leak per request would be more.
var slack = []float64{2, 24, 16}

func exceeds(now, before []float64) bool {
	for i := range now {
		if now[i] > before[i]+slack[i] {
			return true
		}
	}
	return false
}

// complaint matches what a server must not log under load.
var complaint = regexp.MustCompile(`"level":"(WARN|ERROR)"`)

// soakAddress returns one of many addresses, for which failed attempts are counted.
func soakAddress(i int) string { return net.IPv4(198, 18, byte(i>>8), byte(i)).String() }
