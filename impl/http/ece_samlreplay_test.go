package http_test

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// rounds is how many sign-ins are replayed, each eight times at once.
const rounds, atOnce = 40, 8

// Ensures that of one captured answer that comes to two servers on one store eight times at once, exactly one gets a
// session, which works at both; whichever of them began the sign-in.
func TestSAML_ReplayAtTwoServers(t *testing.T) {
	t.Parallel()
	idp, dsn := samltest.New(noon), newDSN(t)
	known := realms(t, idp, realm("corporate", viewers))
	first := samlWorld{world: openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Realms = known }), idp: idp}
	second := samlWorld{
		world: openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Realms, s.Now = known, first.clock.Now }), idp: idp,
	}
	second.clock = first.clock
	servers := []samlWorld{first, second}
	for round := range rounds {
		begun := servers[round%2].begin("state=" + strconv.Itoa(round))
		answer := idp.Answer(first.request(begun))
		var mu sync.Mutex
		var sessions []string
		parallel(atOnce, func(i int) {
			response, _ := servers[i%2].post(begun, answer)
			session, _ := token(response)
			if session == "" && response.StatusCode != http.StatusUnauthorized {
				t.Errorf("round %d: %d", round, response.StatusCode)
			}
			mu.Lock()
			defer mu.Unlock()
			if session != "" {
				sessions = append(sessions, session)
			}
		})
		if len(sessions) != 1 {
			t.Fatalf("round %d gives %d sessions", round, len(sessions))
		}
		if !first.alive(bearer(sessions[0])) || !second.alive(bearer(sessions[0])) {
			t.Errorf("round %d: the session does not work at both", round)
		}
	}
	if got := first.rows("SELECT '' || COUNT(*) FROM saml_sessions"); got != strconv.Itoa(rounds) {
		t.Errorf("there are %s sessions after %d sign-ins", got, rounds)
	}
}
