package sallyporttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/sallyporttest"
)

func TestState(t *testing.T) {
	t.Parallel()
	s := sallyporttest.New(t)
	alice := s.User("alice", "ece_deployment_viewer")
	session := signIn(t, s, alice)
	before, began := s.Snapshot(), s.Clock.Now()

	change := func(s *sallyporttest.Server) (bob sallyporttest.User) {
		bob = s.User("bob", "ece_deployment_viewer")
		s.Clock.Advance(48 * time.Hour)
		if got := status(t, s, bob, "GET", account, ""); got != http.StatusOK {
			t.Fatalf("before the change is undone, bob's status is %d", got)
		}
		return bob
	}

	t.Run("restore", func(t *testing.T) {
		bob := change(s)
		s.Restore(before)
		if got := status(t, s, bob, "GET", account, ""); got != http.StatusUnauthorized {
			t.Errorf("bob, an unknown user, gets %d", got)
		}
		if got := status(t, s, session, "GET", account, ""); got != http.StatusOK {
			t.Errorf("alice's session gets %d", got)
		}
		if passed := s.Clock.Now().Sub(began); passed > time.Hour {
			t.Errorf("the clock is ahead by %v", passed)
		}
	})
	t.Run("restore to another server", func(t *testing.T) {
		other := sallyporttest.New(t)
		other.Restore(before)
		if got := status(t, other, session, "GET", account, ""); got != http.StatusOK {
			t.Errorf("alice's session gets %d", got)
		}
		change(other) // is no change of s
		if got := len(other.Requests()); got != 2 {
			t.Errorf("the other server recorded %d requests", got)
		}
	})
	t.Run("reset", func(t *testing.T) {
		change(s)
		s.Clock.Freeze()
		s.Fail("get-current-account", sallyporttest.Status(500))
		s.Reset()
		if got := s.Requests(); len(got) != 0 {
			t.Errorf("%d requests are left", len(got))
		}
		if got := status(t, s, s.Admin, "GET", account, ""); got != http.StatusOK {
			t.Errorf("the administrator gets %d", got)
		}
		if got := status(t, s, alice, "GET", account, ""); got != http.StatusUnauthorized {
			t.Errorf("alice, an unknown user, gets %d", got)
		}
		if before := s.Clock.Now(); time.Until(before).Abs() > time.Hour || !s.Clock.Now().After(before) {
			t.Errorf("the clock does not run with the real time: %v", before)
		}
	})
}
