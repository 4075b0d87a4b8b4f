package http_test

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

func (w *world) loginStatus(name, password string) int {
	w.Helper()
	r, err := w.client.LoginWithResponse(w.Context(), client.LoginRequest{Username: name, Password: password})
	if err != nil {
		w.Fatal(err)
	}
	return r.StatusCode()
}

// failures reads a user's counter directly from the database.
func (w *world) failures(name string) int {
	w.Helper()
	return w.count("SELECT COALESCE(MAX(failures), 0) FROM lockouts WHERE user_name = $1", name)
}

// Ensures that 100 wrong guesses at once count exactly 100, and those refused because too many wait count nothing, that
// they lock, that nothing gets in, that the right password is refused like a wrong one during the lock, and that it
// works after it.
func TestLockout_Parallel(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	var in atomic.Int32
	parallel(100, func(i int) {
		guess := func() int { return w.loginStatus("alice", "wrong") }
		if i%2 != 0 {
			guess = func() int {
				response, _ := w.do(http.MethodGet, "/api/v1/account", "", as("alice", "wrong"))
				return response.StatusCode
			}
		}

		status := guess()
		for status == http.StatusServiceUnavailable { // more than may wait for one address, and so not compared
			status = guess()
		}

		if status != http.StatusUnauthorized {
			in.Add(1)
		}
	})
	if n := w.failures("alice"); n != 100 || in.Load() != 0 {
		t.Errorf("%d failures counted, %d let in", n, in.Load())
	}

	wrong, _ := w.client.LoginWithResponse(t.Context(), client.LoginRequest{Username: "alice", Password: "wrong"})
	right, err := w.client.LoginWithResponse(t.Context(), client.LoginRequest{
		Username: "alice",
		Password: alicePassword,
	})
	if err != nil || right.StatusCode() != http.StatusUnauthorized || string(right.Body) != string(wrong.Body) {
		t.Errorf("the right password during the lock: %s, a wrong one: %s", right.Body, wrong.Body)
	}
	if w.alive(alice) {
		t.Error("Basic works during the lock")
	}

	w.clock.advance(15 * time.Minute)
	if w.loginStatus("alice", alicePassword) != http.StatusOK || w.failures("alice") != 0 {
		t.Error("the right password does not work after the lock, or does not reset the counter")
	}
}

// Ensures that passwords, one-time codes and recovery codes share one counter, that live sessions and keys go on during
// the lock, and that an administrator ends it.
func TestLockout_Shared(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	token := w.login("alice", alicePassword)
	for range 3 {
		w.loginStatus("alice", "wrong")
		w.elevate(token, "000000")
		w.elevate(token, "aaaa-aaaa-aaaa-aaaa")
	}

	if n := w.failures("alice"); n != 9 {
		t.Fatalf("%d failures, want 9", n)
	}

	w.mustElevate(token, d.code())
	if n := w.failures("alice"); n != 3 {
		t.Errorf("%d failures after a right code, want those of the password", n)
	}
	if w.loginStatus("alice", alicePassword) != http.StatusOK || w.failures("alice") != 0 {
		t.Error("a correct password does not reset the failures")
	}

	for range 10 {
		w.elevate(token, "000000")
	}

	w.clock.advance(time.Second)
	if r := w.elevate(token, d.recovery[0]); r.JSON400 == nil {
		t.Errorf("a right code during the lock: %s", r.Body)
	}
	if w.loginStatus("alice", alicePassword) != http.StatusUnauthorized || !w.alive(bearer(token)) {
		t.Error("the lock is not what it should be")
	}
	if r, err := w.client.UnlockUserWithResponse(t.Context(), "alice", admin); err != nil || r.JSON200 == nil {
		t.Fatalf("unlock: %v %s", err, r.Body)
	}
	if w.loginStatus("alice", alicePassword) != http.StatusOK {
		t.Error("the user is locked after the unlock")
	}

	w.mustElevate(token, d.recovery[0])
	if r, err := w.client.UnlockUserWithResponse(t.Context(), "unknown", admin); err != nil || r.JSON404 == nil {
		t.Errorf("unlocking a missing user: %v %s", err, r.Body)
	}
}

// Ensures that the lock is in the store, so that a restart does not end it.
func TestLockout_Restart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		w.loginStatus("alice", "wrong")
	}
	again := open(t, w.dsn)
	if again.loginStatus("alice", alicePassword) != http.StatusUnauthorized {
		t.Error("a restart ends the lock")
	}
}

// Ensures that an address with too many failures is refused, whatever the user names, until time has passed.
func TestLockout_Address(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.AddressFailures, s.AddressRecovery = 5, time.Minute })
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if status := w.loginStatus(name, "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("answered %d", status)
		}
	}

	response, body := w.do(http.MethodPost, loginPath, `{"username":"admin","password":"`+adminPassword+`"}`)
	w.refused(response, body, http.StatusTooManyRequests, "root.too_many_requests")
	if response.Header.Get("Retry-After") == "" {
		t.Error("nothing is said about when to try again")
	}

	w.clock.advance(time.Minute)
	if w.loginStatus("admin", adminPassword) != http.StatusOK {
		t.Error("the address is turned away after the time has passed")
	}
}

// Ensures that a password hashed at another cost still works and is hashed again at the next sign-in, and that requests
// with Basic do not each pay for the hash.
func TestLogin_Rehash(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	dearer := secret.Cost{Memory: 128, Passes: 1, Threads: 1}
	again := openWith(t, w.dsn, io.Discard, func(s *app.Settings) { s.Hashing = dearer })
	for range 2 {
		if again.loginStatus("alice", alicePassword) != http.StatusOK || !again.alive(bob) {
			t.Fatal("a password does not work")
		}
	}

	users, err := again.app.Users.List(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}

	for _, u := range users {
		renewed := again.count("SELECT COUNT(*) FROM users WHERE name = $1 AND password_hash LIKE '%m=128,%'", u.Name) == 1
		if renewed != (u.Name == "alice" || u.Name == "bob") {
			t.Errorf("the hash of %s is renewed: %t", u.Name, renewed)
		}
	}
}

// Ensures that success with one factor does not reset the failures of the other.
func TestLockout_Factors(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	d := w.enroll(alice)
	token := w.login("alice", alicePassword)
	for range 9 {
		w.elevate(token, "000000")
		if !w.alive(alice) {
			t.Fatal("locked early")
		}
	}

	w.elevate(token, "000000")
	if w.alive(alice) {
		t.Error("ten wrong codes between right passwords do not lock")
	}

	w.unlock("alice")
	for range 9 {
		w.loginStatus("alice", "wrong")
		w.clock.advance(time.Second) // far less than a lock
	}

	w.mustElevate(token, d.recovery[0])
	w.loginStatus("alice", "wrong")
	if w.loginStatus("alice", alicePassword) != http.StatusUnauthorized {
		t.Error("ten wrong passwords around a right code do not lock")
	}
	if n := w.failures("alice"); n != 11 {
		t.Errorf("%d failures counted, want 11", n)
	}
}

func (w *world) unlock(name string) {
	w.Helper()
	r, err := w.client.UnlockUserWithResponse(w.Context(), name, admin)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("unlock: %v %s", err, r.Body)
	}
}

// Ensures that callers cannot unlock themselves, and that callers with a second factor must use it to unlock others.
func TestUnlock_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	response, body := w.do(http.MethodPost, "/api/v1/users/bob/_unlock", "", bob)
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.rbac", "user_name")
	d := w.enroll(bob)
	token := w.login("bob", bobPassword)
	response, body = w.do(http.MethodPost, "/api/v1/users/alice/_unlock", "", bearer(token))
	w.refused(response, body, http.StatusForbidden, "root.unauthorized.second_factor_required")
	if response, body := w.do(http.MethodPost, "/api/v1/users/alice/_unlock", "",
		bearer(w.mustElevate(token, d.code()))); response.StatusCode != http.StatusOK {
		t.Errorf("elevated: %s", body)
	}
}

// Ensures that a compared password counts as a failure although the caller disconnects before the answer, and that such
// a password is not cached as correct.
func TestLockout_Aborted(t *testing.T) {
	t.Parallel()

	w := openTuned(t, func(s *app.Settings) { s.Hashing = secret.Cost{Memory: 32 * 1024, Passes: 2, Threads: 1} })
	const guesses = 12
	for guess := 1; guess <= guesses; guess++ {
		connection, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /api/v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte("admin:a wrong guess")) + "\r\n\r\n"
		if _, err := connection.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		w.until("the guess is compared", func() bool {
			return strings.Contains(w.metrics(), `sallyport_bound_running{bound="hashing"} 1`) || w.failures("admin") == guess
		})
		if err := connection.Close(); err != nil {
			t.Fatal(err)
		}
		w.until("the guess is counted", func() bool { return w.failures("admin") == guess })
	}

	if w.alive(admin) {
		t.Error("the user is not locked")
	}
}

// Ensures that concurrent logins with the correct password all succeed while the hash is renewed.
func TestLogin_RehashRace(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	again := openWith(t, w.dsn, io.Discard, func(s *app.Settings) {
		s.Hashing = secret.Cost{
			Memory:  128,
			Passes:  1,
			Threads: 1,
		}
	})
	parallel(60, func(int) {
		if status := again.loginStatus("alice", alicePassword); status != http.StatusOK &&
			status != http.StatusServiceUnavailable {
			t.Errorf("a right login is answered %d", status)
		}
	})
	if n := w.failures("alice"); n != 0 {
		t.Errorf("%d right logins were counted as wrong", n)
	}
}

// Ensures that a lock is recorded when it falls, and never otherwise.
func TestLockout_Audit(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	locks := func() int { return w.count("SELECT COUNT(*) FROM audit_log WHERE event = 'user.locked'") }
	for range 15 {
		w.loginStatus("alice", "wrong")
	}

	if n := locks(); n != 1 {
		t.Errorf("%d locks recorded for one", n)
	}

	w.clock.advance(25 * time.Hour)
	w.loginStatus("alice", "wrong")
	if n := locks(); n != 1 {
		t.Errorf("a failure long after the lock is recorded as a lock: %d", n)
	}
}
