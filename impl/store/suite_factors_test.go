package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// crowd is how many try the same thing at once.
const crowd = 20

// once runs f concurrently and fails the test unless exactly one call reports success.
func (s *suite) once(what string, f func(tx *store.Tx) (bool, error)) {
	s.Helper()
	var successes atomic.Int32
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			first := false
			err := s.store.Update(s.Context(), func(tx *store.Tx) (err error) {
				first, err = f(tx)
				return err
			})
			if err != nil {
				s.Error(err)
			}
			if first {
				successes.Add(1)
			}
		})
	}

	wg.Wait()
	equal(s, what+": successful calls", successes.Load(), 1)
}

// totpDevices: a step and a recovery code can each be used once, also by concurrent callers.
func totpDevices(s *suite) {
	device := store.TOTPDevice{UserName: "alice", Sealed: "x"}
	s.update(func(tx *store.Tx) error {
		_, err := tx.TOTPDevices.Find("alice")
		s.is(err, store.ErrNotFound)
		return errors.Join(tx.Users.Insert(alice()), tx.TOTPDevices.Insert(device),
			tx.RecoveryCodes.Replace("alice", []string{"a", "b"}))
	})

	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.TOTPDevices.Insert(device) }), store.ErrExists)
	s.view(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		equal(s, "HasTOTP before the confirmation", u.HasTOTP, false)
		return err
	})

	s.update(func(tx *store.Tx) error { return tx.TOTPDevices.Confirm("alice") })
	s.once("a step", func(tx *store.Tx) (bool, error) { return tx.TOTPDevices.UseStep("alice", 7) })
	s.once("a recovery code", func(tx *store.Tx) (bool, error) { return tx.RecoveryCodes.Use("alice", "a") })
	s.update(func(tx *store.Tx) error {
		older, err := tx.TOTPDevices.UseStep("alice", 6)
		if err != nil {
			return err
		}

		newer, err := tx.TOTPDevices.UseStep("alice", 8)
		equal(s, "an older step", older, false)
		equal(s, "a newer step", newer, true)
		return err
	})

	s.update(func(tx *store.Tx) error { return tx.TOTPDevices.Reseal([][2]string{{"alice", "x2"}, {"unknown", "y"}}) })
	s.view(func(tx *store.Tx) error {
		got, err := tx.TOTPDevices.Find("alice")
		if err != nil {
			return err
		}

		equal(s, "the device", got, store.TOTPDevice{
			UserName:  "alice",
			Sealed:    "x2",
			Confirmed: true,
			LastStep:  8,
			CreatedAt: s.moment(),
		})
		everybodys, err := tx.TOTPDevices.After("", 100)
		if err != nil {
			return err
		}

		equal(s, "how many devices there are", len(everybodys), 1)
		equal(s, "the only device", everybodys[0], got)
		after, err := tx.TOTPDevices.After("alice", 100)
		if err != nil {
			return err
		}

		equal(s, "how many devices are after the last", len(after), 0)
		u, err := tx.Users.Find("alice")
		if err != nil {
			return err
		}

		left, err := tx.RecoveryCodes.Count("alice")
		equal(s, "HasTOTP", u.HasTOTP, true)
		equal(s, "recovery codes left", left, 1)
		return err
	})

	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.TOTPDevices.Delete("alice") })
	s.view(func(tx *store.Tx) error {
		left, err := tx.RecoveryCodes.Count("alice")
		equal(s, "recovery codes after the deletion", left, 0)
		return err
	})
}

// lockouts: concurrent failures are all counted.
func lockouts(s *suite) {
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			err := s.store.Update(s.Context(), func(tx *store.Tx) error {
				state, err := tx.Lockouts.Get(store.UnknownUser)
				if err != nil {
					return err
				}
				state.Failures++
				return tx.Lockouts.Set(store.UnknownUser, state)
			})
			if err != nil {
				s.Error(err)
			}
		})
	}

	wg.Wait()
	want := store.Lockout{
		Failures:     3,
		CodeFailures: 2,
		LastFailure:  s.moment(),
		LockedUntil:  s.moment().Add(time.Minute),
	}
	s.update(func(tx *store.Tx) error { return tx.Lockouts.Set("alice", want) })
	s.view(func(tx *store.Tx) error {
		counted, err := tx.Lockouts.Get(store.UnknownUser)
		if err != nil {
			return err
		}

		equal(s, "failures of unauthenticated callers", counted.Failures, crowd)
		got, err := tx.Lockouts.Get("alice")
		equal(s, "the state", got, want)
		return err
	})

	s.update(func(tx *store.Tx) error { return tx.Lockouts.Clear("alice") })
	s.view(func(tx *store.Tx) error {
		got, err := tx.Lockouts.Get("alice")
		equal(s, "the state after it was cleared", got, store.Lockout{})
		return err
	})
}

// history: the author of the creation and the last change, and the last login, are stored, and deletion removes all
// data.
func history(s *suite) {
	u := alice()
	u.CreatedBy = "admin"
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(u) })
	first := s.moment()
	s.update(func(tx *store.Tx) error { return tx.Users.TouchLogin("alice") })
	s.now = s.now.Add(time.Hour)
	u.UpdatedBy = "bob"
	s.update(func(tx *store.Tx) error { return errors.Join(tx.Users.TouchLogin("alice"), tx.Users.Update(u)) })
	s.view(func(tx *store.Tx) error {
		got, err := tx.Users.Find("alice")
		equal(s, "CreatedBy", got.CreatedBy, "admin")
		equal(s, "UpdatedBy", got.UpdatedBy, "bob")
		equal(s, "the first sign-in", got.FirstLoginAt, first)
		equal(s, "the last sign-in", got.LastLoginAt, s.moment())
		return err
	})

	s.update(func(tx *store.Tx) error {
		stale, err := tx.Users.ReplacePasswordHash("alice", "other", "new")
		if err != nil {
			return err
		}

		fresh, err := tx.Users.ReplacePasswordHash("alice", u.PasswordHash, "new")
		equal(s, "replacing another hash", stale, false)
		equal(s, "replacing the hash", fresh, true)
		return err
	})

	s.update(func(tx *store.Tx) error {
		return errors.Join(
			tx.Sessions.Insert(store.Session{ID: "s", UserName: "alice", ExpiresAt: s.now.Add(time.Hour)}),
			tx.Sessions.InsertToken(store.SessionToken{
				ID:            "t",
				SessionID:     "s",
				ExpiresAt:     s.now.Add(time.Hour),
				ElevatedUntil: s.moment(),
			}),
			tx.Keys.Insert(store.APIKey{ID: "k", UserName: "alice"}), tx.TOTPDevices.Insert(store.TOTPDevice{UserName: "alice"}),
			tx.Lockouts.Set("alice", store.Lockout{Failures: 1}),
		)
	})

	s.view(func(tx *store.Tx) error {
		token, _, _, err := tx.Sessions.FindByToken("t")
		equal(s, "the elevation", token.ElevatedUntil, s.moment())
		return err
	})

	s.update(func(tx *store.Tx) error {
		lowered, err := tx.Sessions.Lower("other")
		equal(s, "lowering another session", lowered, false)
		return errors.Join(err, tx.Sessions.LowerUser("bob"))
	})

	s.view(func(tx *store.Tx) error {
		token, _, _, err := tx.Sessions.FindByToken("t")
		equal(s, "the elevation after others gave up theirs", token.ElevatedUntil, s.moment())
		return err
	})

	s.update(func(tx *store.Tx) error {
		lowered, err := tx.Sessions.Lower("s")
		equal(s, "lowering", lowered, true)
		return err
	})

	s.view(func(tx *store.Tx) error {
		token, _, _, err := tx.Sessions.FindByToken("t")
		equal(s, "the elevation after it was given up", token.ElevatedUntil.IsZero(), true)
		return err
	})

	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.Users.Delete("alice") })
	s.view(func(tx *store.Tx) error {
		_, _, _, err := tx.Sessions.FindByToken("t")
		s.is(err, store.ErrNotFound)
		_, _, err = tx.Keys.FindWithOwner("k")
		s.is(err, store.ErrNotFound)
		_, err = tx.TOTPDevices.Find("alice")
		s.is(err, store.ErrNotFound)
		state, err := tx.Lockouts.Get("alice")
		equal(s, "failures", state.Failures, 0)
		return err
	})
}
