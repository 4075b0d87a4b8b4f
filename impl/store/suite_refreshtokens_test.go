package store_test

import (
	"errors"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// refreshTokens: a token is used at most once, and not after it or its session has expired.
func refreshTokens(s *suite) {
	end := s.moment().Add(time.Minute)
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for _, id := range []string{"s1", "s2"} {
			if err := tx.Sessions.Insert(store.Session{ID: id, UserName: "alice", ExpiresAt: end.Add(time.Hour)}); err != nil {
				return err
			}

			for _, token := range []string{"a", "b"} {
				if err := tx.RefreshTokens.Insert(id+token, id, end); err != nil {
					return err
				}
			}
		}

		return nil
	})

	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.RefreshTokens.Insert("s1a", "s2", end) }),
		store.ErrExists)
	s.refreshes("s1a", "s1")
	s.refreshes("nothing", "")
	s.countsRefresh(4)
	s.once("using a token", func(tx *store.Tx) (bool, error) {
		session, err := tx.RefreshTokens.Consume("s1a")
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err == nil { // else it may be tried again
			equal(s, "the session of the used token", session, "s1")
		}

		return true, err
	})

	s.refreshes("s1a", "")
	s.update(func(tx *store.Tx) error {
		_, err := tx.Sessions.Delete("s1")
		return err
	})

	s.refreshes("s1b", "")
	s.countsRefresh(2)
	s.refreshes("s2a", "s2")
	s.now = end
	s.countsRefresh(0)
	s.refreshes("s2a", "")
	s.update(func(tx *store.Tx) error {
		_, err := tx.RefreshTokens.Consume("s2a")
		s.is(err, store.ErrNotFound)
		return tx.Sessions.Sweep()
	})

	// The sweep took the tokens only, so their names are free again.
	s.update(func(tx *store.Tx) error { return tx.RefreshTokens.Insert("s2a", "s2", end.Add(time.Minute)) })
	s.refreshes("s2a", "s2")
	s.update(func(tx *store.Tx) error {
		_, err := tx.Sessions.DeleteUser("alice")
		return err
	})
	s.countsRefresh(0)
}

// countsRefresh fails the test unless alice has that many refresh tokens.
func (s *suite) countsRefresh(want int) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		got, err := tx.RefreshTokens.CountUser("alice")
		equal(s, "the number of refresh tokens", got, want)
		return err
	})
}

// refreshes fails the test unless a token refreshes the wanted session, or none for "".
func (s *suite) refreshes(digest, want string) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		got, err := tx.RefreshTokens.Session(digest)
		equal(s, "the session of "+digest, got, want)
		if want == "" {
			s.is(err, store.ErrNotFound)
			return nil
		}

		return err
	})
}
