package http_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// newReplicas returns two servers on one database, with one clock and with caches.
func newReplicas(t *testing.T) (a, b *world) {
	t.Helper()
	dsn := newDSN(t)
	a = openWith(t, dsn, io.Discard, func(s *app.Settings) { s.CacheLifetime = store.MaxLifetime })
	b = openWith(t, dsn, io.Discard, func(s *app.Settings) { s.CacheLifetime, s.Now = store.MaxLifetime, a.clock.Now })
	b.clock = a.clock
	a.addUsers()
	return a, b
}

// heard is how soon a replica knows of what was changed at another.
const heard = time.Second

// eventually fails the test unless something is so within a time, and returns the time that it took.
func (w *world) eventually(within time.Duration, what string, is func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > within {
			w.Errorf("after %v it is not so that %s", within, what)
			break
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

var cacheHits = regexp.MustCompile(`(?m)^sallyport_cache_reads_total\{.*result="hit"\} (\d+)$`)

// hits returns the number of cache hits of a server's credential cache.
func (w *world) hits() (n int) {
	w.Helper()
	recorder := httptest.NewRecorder()
	w.app.Metrics.ServeHTTP(recorder, httptest.NewRequestWithContext(w.Context(), http.MethodGet, "/metrics", nil))
	for _, found := range cacheHits.FindAllStringSubmatch(recorder.Body.String(), -1) {
		count, err := strconv.Atoi(found[1])
		w.well(err)
		n += count
	}
	return n
}

// waitUntilCached sends requests with credentials until they are cached, if the server has a cache.
func (w *world) waitUntilCached(caller ...client.RequestEditorFn) {
	w.Helper()
	for _, one := range caller {
		before := w.hits()
		w.eventually(time.Minute, "a credential works and is cached", func() bool {
			return w.alive(one) && (!onPostgres || w.hits() > before)
		})
	}
}

// Ensures that a credential that ends at one server ends there at once, and a moment later at another server that has
// it cached, and that other credentials still work.
func TestReplicas_Ends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(a *world, token string, key client.APIKeyResponse)
		// what is alive afterwards
		session, key bool
		password     string
	}{
		"logout": {change: func(a *world, token string, _ client.APIKeyResponse) {
			a.answered(a.client.LogoutWithResponse(a.Context(), bearer(token)))
		}, key: true, password: alicePassword},
		"disabling the user": {change: func(a *world, _ string, _ client.APIKeyResponse) {
			a.well(a.app.Users.SetEnabled(a.Context(), "alice", false))
		}},
		"another password": {change: func(a *world, _ string, _ client.APIKeyResponse) {
			a.well(a.app.Users.SetPassword(a.Context(), "alice", "another passphrase"))
		}, key: true, password: "another passphrase"},
		"deleting the user": {change: func(a *world, _ string, _ client.APIKeyResponse) {
			a.answered(a.client.DeleteUserWithResponse(a.Context(), "alice", admin))
		}},
		"invalidating the key": {change: func(a *world, _ string, key client.APIKeyResponse) {
			a.answered(a.client.DeleteAPIKeyWithResponse(a.Context(), key.ID, alice))
		}, session: true, password: alicePassword},
		"invalidating all keys": {change: func(a *world, _ string, _ client.APIKeyResponse) {
			a.answered(a.client.DeleteUserAPIKeysWithResponse(a.Context(), "alice", admin))
		}, session: true, password: alicePassword},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newReplicas(t)
			token, key := a.login("alice", alicePassword), a.newKey(alice, "a key", "")
			session, secret := bearer(token), apiKey(*key.Key)
			a.waitUntilCached(session, secret)
			b.waitUntilCached(session, secret)
			if !a.alive(alice) || !b.alive(alice) { // this caches the password
				t.Fatal("the password does not work")
			}
			c.change(a, token, key)
			if a.alive(session) != c.session || a.alive(secret) != c.key || a.alive(alice) != (c.password == alicePassword) {
				t.Error("it is not so at once where it was done")
			}
			if b.alive(alice) != (c.password == alicePassword) || c.password != "" && !b.alive(as("alice", c.password)) {
				t.Error("the other server takes another password")
			}
			took := b.eventually(heard, "it is so at the other server", func() bool {
				return b.alive(session) == c.session && b.alive(secret) == c.key
			})
			t.Logf("the other server knew after %v", took)
		})
	}
}

func (w *world) well(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// answered fails the test unless a call was answered well.
func (w *world) answered(r interface{ StatusCode() int }, err error) {
	w.Helper()
	w.well(err)
	if r.StatusCode() != http.StatusOK {
		w.Fatalf("answered %d", r.StatusCode())
	}
}

// Ensures that roles, a second factor and the end of elevation take effect at another server, too.
func TestReplicas_Rights(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	old, key := bearer(a.login("alice", alicePassword)), apiKey(*a.newKey(alice, "a key", "").Key)
	b.waitUntilCached(old)
	users := func() int {
		response, _ := b.do(http.MethodGet, "/api/v1/users", "", key)
		return response.StatusCode
	}
	if users() != http.StatusForbidden {
		t.Fatal("alice may list users already")
	}
	response, body := a.do(http.MethodPatch, "/api/v1/users/alice", `{"security":{"roles":["ece_platform_viewer"]}}`,
		admin)
	if response.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	b.eventually(heard, "alice may list users", func() bool { return users() == http.StatusOK })
	b.eventually(heard, "the session of before the promotion has ended", func() bool { return !b.alive(old) })

	token := a.login("alice", alicePassword)
	d := a.enroll(alice)
	elevated := a.mustElevate(token, d.code())
	b.waitUntilCached(bearer(elevated))
	if b.elevated(elevated).IsZero() {
		t.Error("the other server does not know of the elevation")
	}
	a.answered(a.client.DisableElevatedPermissionsWithResponse(t.Context(), bearer(elevated)))
	b.eventually(heard, "the elevation has ended", func() bool { return b.elevated(elevated).IsZero() })
}

// Ensures that a one-time code is used up and a user locked at all servers, and that of 100 wrong codes at once at two
// servers each counts.
func TestReplicas_Guesses(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	d := a.enroll(alice)
	token := a.login("alice", alicePassword)
	code := d.code()
	a.mustElevate(token, code)
	if r := b.elevate(token, code); r.JSON400 == nil {
		t.Errorf("a code works a second time at another server: %s", r.Body)
	}
	a.unlock("alice") // that was a wrong guess
	servers, in := [2]*world{a, b}, new(atomic.Int32)
	parallel(100, func(i int) {
		if r := servers[i%2].elevate(token, "000000"); r.JSON400 == nil {
			in.Add(1)
		}
	})
	if n := b.failures("alice"); n != 100 || in.Load() != 0 {
		t.Errorf("%d failures are counted, and %d guesses are not refused", n, in.Load())
	}
	for _, w := range servers {
		if w.loginStatus("alice", alicePassword) != http.StatusUnauthorized {
			t.Error("the user is not locked at both servers")
		}
	}
}

// Ensures that a token refreshed at one server lives through its grace, and not longer, at both.
func TestReplicas_Grace(t *testing.T) {
	t.Parallel()
	a, b := newReplicas(t)
	old := a.login("alice", alicePassword)
	a.waitUntilCached(bearer(old))
	b.waitUntilCached(bearer(old))
	r := a.refresh(old)
	if r.JSON200 == nil {
		t.Fatalf("refresh: %s", r.Body)
	}
	a.clock.advance(10*time.Second - time.Millisecond)
	if second := b.refresh(old); second.JSON200 == nil {
		t.Errorf("an overlapping refresh at another server failed: %s", second.Body)
	}
	b.waitUntilCached(bearer(old), bearer(r.JSON200.Token))
	a.clock.advance(time.Millisecond)
	if a.alive(bearer(old)) || b.alive(bearer(old)) {
		t.Error("the old token outlives the grace time")
	}
}

// Ensures that a session that ended at one server is refused within the cache's lifetime at another without a LISTEN
// connection.
func TestReplicas_ListenConnectionLost(t *testing.T) {
	t.Parallel()
	if !onPostgres {
		t.Skip("SQLite has no LISTEN connection")
	}
	dsn := newDSN(t)
	proxy := postgrestest.NewProxy(t, dsn, "sallyport-listen")
	a := openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Now = time.Now })
	a.addUsers()
	b := openWith(t, proxy.DSN, io.Discard, func(s *app.Settings) { s.CacheLifetime, s.Now = store.MaxLifetime, time.Now })
	token := bearer(a.login("alice", alicePassword))
	b.waitUntilCached(token)
	proxy.Stall()
	b.waitUntilCached(token)
	a.answered(a.client.LogoutWithResponse(t.Context(), token))
	if a.alive(token) {
		t.Error("the session is alive where it was ended")
	}
	t.Logf("the other server knew after %v",
		b.eventually(store.MaxLifetime, "the session is dead", func() bool { return !b.alive(token) }))
}
