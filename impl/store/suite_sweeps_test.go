package store_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// sweeps: each removes a bounded number of rows, and repetition removes all.
func sweeps(s *suite) {
	const count, most = 1_100, 1_000
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for i := range count {
			id := fmt.Sprint("s", i)
			if err := tx.Sessions.Insert(store.Session{
				ID: id, UserName: "alice", ExpiresAt: tx.Now.Add(time.Minute),
			}); err != nil {
				return err
			}
			if err := tx.Sessions.InsertToken(store.SessionToken{
				ID: id, SessionID: id, ExpiresAt: tx.Now.Add(time.Minute),
			}); err != nil {
				return err
			}
			if err := tx.RefreshTokens.Insert(id, id, tx.Now.Add(time.Minute)); err != nil {
				return err
			}
		}

		return nil
	})

	s.now = s.now.Add(time.Minute)
	left := func() (n int) {
		undone := errors.New("undone")
		s.is(s.store.Update(s.Context(), func(tx *store.Tx) (err error) {
			if n, err = tx.Sessions.DeleteUser("alice"); err != nil {
				return err
			}
			return undone
		}), undone)

		return n
	}

	for _, want := range []int{count - most, 0} {
		s.update(func(tx *store.Tx) error { return tx.Sessions.Sweep() })
		equal(s, "how many sessions are left", left(), want)
	}
}

// samlSweeps: each removes a bounded number of records of used messages, and only expired ones.
func samlSweeps(s *suite) {
	const count, most = 1_100, 1_000
	late := s.moment().Add(time.Hour)
	use := func(until time.Time) (fresh int) {
		undone := errors.New("undone")
		s.is(s.store.Update(s.Context(), func(tx *store.Tx) error {
			fresh = 0
			for i := range count + 1 {
				first, err := tx.SAML.UseAssertion("i", fmt.Sprint(i), until)
				if err != nil {
					return err
				}
				if first {
					fresh++
				}
			}
			return undone
		}), undone)
		return fresh
	}

	s.update(func(tx *store.Tx) error {
		if _, err := tx.SAML.UseAssertion("i", fmt.Sprint(count), late); err != nil {
			return err
		}
		for i := range count {
			if _, err := tx.SAML.UseAssertion("i", fmt.Sprint(i), tx.Now.Add(time.Minute)); err != nil {
				return err
			}
		}
		return nil
	})
	s.now = s.now.Add(time.Minute)
	for _, want := range []int{most, count, count} {
		s.update(func(tx *store.Tx) error { return tx.SAML.Sweep() })
		equal(s, "how many messages can be used again", use(late), want)
	}
}

// crowds: the oldest sessions of a user are deleted to keep within the limit.
func crowds(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	end := s.moment().Add(time.Hour)
	for i := range 30 {
		s.update(func(tx *store.Tx) error {
			if _, err := tx.Sessions.EvictOldest("alice", 20); err != nil {
				return err
			}
			return tx.Sessions.Insert(store.Session{ID: fmt.Sprint("s", i), UserName: "alice", ExpiresAt: end})
		})

		s.now = s.now.Add(time.Millisecond)
	}

	for i, want := range map[int]bool{
		0:  false,
		9:  false,
		10: true,
		29: true,
	} {
		sessionByID(s, fmt.Sprint("s", i), want)
	}
}

// sessionTokens: exactly the expired tokens of a session are deleted when it is refreshed.
func sessionTokens(s *suite) {
	soon, late := s.moment().Add(time.Minute), s.moment().Add(time.Hour)
	token := func(id, session string, end time.Time) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.Sessions.InsertToken(store.SessionToken{ID: id, SessionID: session, ExpiresAt: end})
		}
	}

	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for _, id := range []string{"s1", "s2"} {
			if err := tx.Sessions.Insert(store.Session{ID: id, UserName: "alice", ExpiresAt: late}); err != nil {
				return err
			}
		}

		return nil
	})

	s.update(token("expired", "s1", soon))
	s.update(token("alive", "s1", late))
	s.update(token("another's", "s2", soon))
	s.now = soon
	s.update(func(tx *store.Tx) error { return tx.Sessions.SweepTokens("s1") })
	s.update(token("expired", "s1", late)) // its name is free again
	s.is(s.store.Update(s.Context(), token("alive", "s1", late)), store.ErrExists)
	s.is(s.store.Update(s.Context(), token("another's", "s2", late)), store.ErrExists)
}

// purges: purges of keys are bounded like sweeps.
func purges(s *suite) {
	const count, most = 1_100, 1_000
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for i := range count {
			if err := tx.Keys.Insert(store.APIKey{
				ID: fmt.Sprint("k", i), UserName: "alice", ExpiresAt: tx.Now.Add(-time.Minute),
			}); err != nil {
				return err
			}
		}

		return nil
	})

	for _, want := range []int{most, count - most, 0} {
		s.update(func(tx *store.Tx) error {
			ids, err := tx.Keys.Purge(tx.Now)
			equal(s, "how many keys were purged", len(ids), want)
			return err
		})
	}
}
