package main

import (
	"net/http"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/store/postgrestest"
)

// wrongGuesses is the number of concurrent wrong attempts, alternately at two servers.
const wrongGuesses = 100

// Ensures that 100 concurrent wrong one-time codes, and 100 wrong passwords, at two servers are counted as 100.
func TestFault_Count(t *testing.T) {
	t.Parallel()
	r := serveFleet(t, postgrestest.Database(t), "SALLYPORT_LOCKOUT_ADDRESS_FAILURES=1000", "SALLYPORT_LOCKOUT_BASE=15m")
	bob, carol := r.addUser("bob"), r.addUser("carol")
	d, _ := r.server(0).enroll(bob)
	session := r.server(0).logIn(bob)
	r.guess(call{method: http.MethodPost, path: elevatePath, authorization: session, body: `{"token": "000000"}`},
		http.StatusBadRequest)
	r.guess(call{method: http.MethodPost, path: loginPath, body: loginBody(person{carol.name, "a wrong password"})},
		http.StatusUnauthorized)
	for name, codes := range map[string]int{"bob": wrongGuesses, "carol": 0} {
		v := r.view(0)
		counts, err := v.counts(name, "SELECT failures FROM lockouts WHERE user_name = $1",
			"SELECT code_failures FROM lockouts WHERE user_name = $1")
		if err != nil || counts[0] != wrongGuesses || counts[1] != codes {
			t.Errorf("%s: %d wrong guesses are counted (%v); want %d", name, counts, err, wrongGuesses)
		}
	}
	for i := range r.servers {
		r.server(i).elevate(http.StatusBadRequest, session, d.RecoveryCodes[0]) // the code is right, but bob is locked
		r.server(i).want(http.StatusUnauthorized, http.MethodPost, loginPath, "", loginBody(carol))
	}
}

// guess makes concurrent wrong attempts. One that is refused before it is checked is repeated.
func (r *fleet) guess(c call, refusal int) {
	r.Helper()
	var guesses sync.WaitGroup
	for i := range wrongGuesses {
		guesses.Go(func() {
			status := http.StatusServiceUnavailable
			for status == http.StatusServiceUnavailable {
				answer, err := r.caller.send(r.Context(), r.server(i).url, c)
				if err != nil {
					r.Error(err)
					return
				}
				status = answer.status
			}
			if status != refusal {
				r.Errorf("a wrong guess is answered with %d; want %d", status, refusal)
			}
		})
	}
	guesses.Wait()
}
