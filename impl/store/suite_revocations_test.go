package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store"
)

// many is more rows than one transaction sweeps.
const many = 1100

// called is what a realm calls alice.
var called = store.ExternalIdentity{NameID: "n", Format: "f"}

// own inserts keys k0000, k0001, … of alice that expire in an hour, and as many sessions s0000, … with a token t0000,
// … each.
func (s *suite) own(n int) {
	s.Helper()
	s.update(func(tx *store.Tx) error {
		end := tx.Now.Add(time.Hour)
		for i := range n {
			id := fmt.Sprintf("%04d", i)
			err := errors.Join(
				tx.Keys.Insert(store.APIKey{ID: "k" + id, UserName: "alice", ExpiresAt: end}),
				tx.Sessions.Insert(store.Session{ID: "s" + id, UserName: "alice", ExpiresAt: end}),
				tx.Sessions.InsertToken(store.SessionToken{ID: "t" + id, SessionID: "s" + id, ExpiresAt: end}),
			)
			if err != nil {
				return err
			}
		}

		return nil
	})
}

// sweep calls Users.Sweep until nothing is left, and returns the number of calls.
func (s *suite) sweep(name string) int {
	s.Helper()
	for steps := 1; ; steps++ {
		done := false
		s.update(func(tx *store.Tx) (err error) {
			done, err = tx.Users.Sweep(name)
			return err
		})

		if done {
			return steps
		}
	}
}

func (s *suite) sweeping(want ...string) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		got, err := tx.Users.Sweeping()
		if !slices.Equal(got, want) {
			s.Errorf("users with rows to sweep: %v, want %v", got, want)
		}
		return err
	})
}

// invalidatedAt checks the invalidation time of a key in every view; the zero time means valid.
func (s *suite) invalidatedAt(id string, want time.Time) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		one, err1 := tx.Keys.FindOwned("alice", id)
		byID, err2 := tx.Keys.Find(id)
		verified, owner, err3 := tx.Keys.FindWithOwner(id)
		among, err4 := tx.Keys.ByIDs([]string{id})
		own, err5 := keysOf(tx, "alice")
		every, err6 := allKeys(tx)
		is := func(k store.APIKey) bool { return k.ID == id }
		views := []store.APIKey{one, byID, verified, among[id]}
		for _, list := range [][]store.APIKey{own, every} {
			if i := slices.IndexFunc(list, is); i >= 0 {
				views = append(views, list[i])
			}
		}

		equal(s, "the owner's name", owner.Name, "alice")
		equal(s, "the number of views of "+id, len(views), 6)
		for i, view := range views {
			equal(s, fmt.Sprintf("%s invalidated, view %d", id, i), view.InvalidatedAt, want)
		}

		return errors.Join(err1, err2, err3, err4, err5, err6)
	})
}

// revokeFew: few keys and sessions are updated immediately, without a sweep.
func revokeFew(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	s.update(func(tx *store.Tx) error {
		revoked, err := tx.Keys.RevokeUser("alice")
		equal(s, "the epoch without keys", revoked.Epoch, 0)
		return err
	})

	s.own(3)
	s.update(func(tx *store.Tx) error {
		_, err1 := tx.Keys.Invalidate([]string{"k0001"})
		revoked, err2 := tx.Keys.RevokeUser("alice")
		equal(s, "the epoch", revoked.Epoch, 1)
		equal(s, "the keys", fmt.Sprint(revoked.IDs), "[k0000 k0002]")
		again, err3 := tx.Keys.RevokeUser("alice")
		equal(s, "what is revoked again", fmt.Sprint(again), "{[] 1}")
		unknown, err4 := tx.Keys.RevokeUser("unknown")
		equal(s, "what is revoked of an unknown user", fmt.Sprint(unknown), "{[] 0}")
		ended, err5 := tx.Sessions.DeleteUser("alice")
		equal(s, "the sessions", ended, 3)
		return errors.Join(err1, err2, err3, err4, err5)
	})

	s.sweeping()
	s.invalidatedAt("k0000", s.moment())
	s.update(func(tx *store.Tx) error {
		end := tx.Now.Add(time.Hour)
		return errors.Join(tx.Keys.Insert(store.APIKey{ID: "new", UserName: "alice"}),
			tx.Sessions.Insert(store.Session{ID: "new", UserName: "alice", ExpiresAt: end}))
	})

	s.invalidatedAt("new", time.Time{})
	s.view(func(tx *store.Tx) error {
		_, _, err := tx.Sessions.Find("new")
		return err
	})
}

// revokeKeys: many keys are invalidated in one step in every view, before and during the sweep. Keys created later
// are not affected.
func revokeKeys(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	s.own(many)
	at := s.moment()
	s.update(func(tx *store.Tx) error {
		revoked, err := tx.Keys.RevokeUser("alice")
		equal(s, "how many keys", len(revoked.IDs), many)
		return err
	})

	s.now = s.now.Add(time.Minute)
	s.update(func(tx *store.Tx) error { return tx.Keys.Insert(store.APIKey{ID: "new", UserName: "alice"}) })

	check := func() {
		s.Helper()
		s.invalidatedAt("k0000", at)
		s.invalidatedAt(fmt.Sprintf("k%04d", many-1), at)
		s.invalidatedAt("new", time.Time{})
		s.update(func(tx *store.Tx) error {
			owner := store.KeyChange{Creator: "c"}
			ended, err1 := tx.Keys.Invalidate([]string{"k0000", fmt.Sprintf("k%04d", many-1)})
			equal(s, "revoked keys that are invalidated", len(ended), 0)
			err2 := tx.Keys.Update([]string{"k0000", fmt.Sprintf("k%04d", many-1)}, owner)
			n, err3 := tx.Keys.CountExpiring(tx.Now.Add(2 * time.Hour))
			equal(s, "revoked keys that expire", n, 0)
			key, err4 := tx.Keys.Find(fmt.Sprintf("k%04d", many-1))
			equal(s, "the creator of a revoked key", key.Creator, "")
			return errors.Join(err1, err2, err3, err4)
		})
	}

	check()
	s.sweeping("alice")
	s.update(func(tx *store.Tx) error { // one step, after which the sweep is interrupted
		done, err := tx.Users.Sweep("alice")
		equal(s, "all is swept", done, false)
		return err
	})

	check()
	s.changeWhileSweeping()
	s.sweep("alice")
	s.sweeping()
	check()
	equal(s, "the steps when there is nothing to do", s.sweep("alice"), 1)
	equal(s, "the steps for an unknown user", s.sweep("unknown"), 1)
}

// changeWhileSweeping checks that a user with pending sweeps can be changed.
func (s *suite) changeWhileSweeping() {
	s.Helper()
	s.update(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		if err != nil {
			return err
		}

		equal(s, "the roles", fmt.Sprint(u.Roles), fmt.Sprint(alice().Roles))
		u.Roles = []identity.Role{identity.PlatformAdmin}
		return tx.Users.Update(u)
	})

	s.view(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		equal(s, "the roles", fmt.Sprint(u.Roles), fmt.Sprint([]identity.Role{identity.PlatformAdmin}))
		return err
	})

	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.Users.Insert(alice()) }), store.ErrExists)
}

// revokeSessions: many sessions end in one step, with tokens and refresh tokens. Sessions that begin later are not
// affected.
func revokeSessions(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	s.own(many)
	s.update(func(tx *store.Tx) error {
		ended, err := tx.Sessions.DeleteUser("alice")
		equal(s, "the sessions", ended, many)
		again, err2 := tx.Sessions.DeleteUser("alice")
		equal(s, "the sessions that end again", again, 0)
		unknown, err3 := tx.Sessions.DeleteUser("unknown")
		equal(s, "the sessions of an unknown user", unknown, 0)
		end := tx.Now.Add(time.Hour)
		return errors.Join(err, err2, err3, tx.Sessions.Insert(store.Session{ID: "new", UserName: "alice", ExpiresAt: end}),
			tx.Sessions.InsertToken(store.SessionToken{ID: "new", SessionID: "new", ExpiresAt: end}))
	})

	check := func() {
		s.Helper()
		s.view(func(tx *store.Tx) error {
			for _, id := range []string{"0000", fmt.Sprintf("%04d", many-1)} {
				_, _, _, err := tx.Sessions.FindByToken("t" + id)
				s.is(err, store.ErrNotFound)
				_, _, err = tx.Sessions.Find("s" + id)
				s.is(err, store.ErrNotFound)
			}

			_, _, _, err1 := tx.Sessions.FindByToken("new")
			_, _, err2 := tx.Sessions.Find("new")
			return errors.Join(err1, err2)
		})
	}

	check()
	s.sweeping("alice")
	equal(s, "the steps", s.sweep("alice"), 2)
	s.sweeping()
	check()
	s.update(func(tx *store.Tx) error {
		left, err := tx.Sessions.DeleteUser("alice")
		equal(s, "the sessions that are left", left, 1)
		return err
	})
}

// deleteMany: a user with many rows is deleted in one step in every view. A new user with the same name inherits
// nothing, and keeps its own rows.
func deleteMany(s *suite) {
	s.update(func(tx *store.Tx) error {
		u := alice()
		u.Realm, u.Identity = "r", called
		return errors.Join(tx.Users.Insert(u), tx.TOTPDevices.Insert(store.TOTPDevice{UserName: "alice"}),
			tx.TOTPDevices.Confirm("alice"), tx.Users.TouchLogin("alice"))
	})

	s.own(many)
	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.Users.Delete("alice") })
	s.nothingOf("alice")

	s.update(func(tx *store.Tx) error {
		end := tx.Now.Add(time.Hour)
		u := alice()
		u.Realm, u.Identity = "r", called
		return errors.Join(tx.Users.Insert(u), tx.Keys.Insert(store.APIKey{ID: "new", UserName: "alice"}),
			tx.Sessions.Insert(store.Session{ID: "new", UserName: "alice", ExpiresAt: end}))
	})

	check := func() {
		s.Helper()
		s.invalidatedAt("new", time.Time{})
		s.view(func(tx *store.Tx) error {
			u, err := tx.Users.Find("alice")
			equal(s, "the new user", fmt.Sprint(u.Roles, u.HasTOTP, u.FirstLoginAt.IsZero(), u.Enabled, u.PasswordHash),
				fmt.Sprint(alice().Roles, false, true, true, alice().PasswordHash))

			_, err1 := tx.Users.FindExternal("r", called)
			_, _, err2 := tx.Sessions.Find("new")
			own, err3 := keysOf(tx, "alice")
			equal(s, "the keys", len(own), 1)
			_, _, err4 := tx.Keys.FindWithOwner("k0000")
			s.is(err4, store.ErrNotFound)
			_, _, err4 = tx.Sessions.Find("s0000")
			s.is(err4, store.ErrNotFound)
			return errors.Join(err, err1, err2, err3)
		})
	}

	check()
	s.sweep("alice")
	check()
	s.sweeping()

	s.own(many)
	s.once("the deletion", func(tx *store.Tx) (bool, error) { return tx.Users.Delete("alice") })
	s.sweep("alice")
	s.nothingOf("alice")
	s.sweeping()
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
}

// nothingOf checks that no view has a user, or a key or session of the user.
func (s *suite) nothingOf(name string) {
	s.Helper()
	s.update(func(tx *store.Tx) error {
		_, err := tx.Users.Find(name)
		s.is(err, store.ErrNotFound)
		_, err = tx.Users.FindExternal("r", called)
		s.is(err, store.ErrNotFound)
		s.is(tx.Users.Update(alice()), store.ErrNotFound)
		_, _, err = tx.Keys.FindWithOwner("k0000")
		s.is(err, store.ErrNotFound)
		_, err = tx.Keys.Find("k0000")
		s.is(err, store.ErrNotFound)
		_, _, _, err = tx.Sessions.FindByToken("t0000")
		s.is(err, store.ErrNotFound)
		_, _, err = tx.Sessions.Find("s0000")
		s.is(err, store.ErrNotFound)
		users, err1 := tx.Users.All()
		own, err2 := keysOf(tx, name)
		every, err3 := allKeys(tx)
		owned, err4 := tx.Keys.Owned(name, []string{"k0000"})
		among, err5 := tx.Keys.ByIDs([]string{"k0000"})
		revoked, err6 := tx.Keys.RevokeUser(name)
		equal(s, "what is left", len(users)+len(own)+len(every)+len(owned)+len(among)+len(revoked.IDs), 0)
		found, err7 := tx.Users.Delete(name)
		equal(s, "a user to delete", found, false)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
}

// revokeAtOnce: with keys created concurrently with a revocation of all keys, exactly those that it returns are
// invalidated.
func revokeAtOnce(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	s.own(many)
	const creators, each = 4, 25
	var wg sync.WaitGroup
	var mu sync.Mutex
	revoked := map[string]bool{}
	for c := range creators {
		wg.Go(func() {
			for i := range each {
				err := s.store.Update(s.Context(), func(tx *store.Tx) error {
					if _, err := tx.Users.Find("alice"); err != nil {
						return err
					}
					return tx.Keys.Insert(store.APIKey{ID: fmt.Sprintf("new-%d-%d", c, i), UserName: "alice"})
				})
				if err != nil {
					s.Error(err)
				}
			}
		})
	}

	for range 2 {
		wg.Go(func() {
			for range 5 {
				var ids []string
				err := s.store.Update(s.Context(), func(tx *store.Tx) error {
					if err := tx.Keys.Lock(); err != nil {
						return err
					}
					r, err := tx.Keys.RevokeUser("alice")
					ids = r.IDs
					return err
				})
				if err != nil {
					s.Error(err)
				}

				mu.Lock()
				for _, id := range ids {
					if revoked[id] {
						s.Errorf("%s was revoked twice", id)
					}
					revoked[id] = true
				}

				mu.Unlock()
			}
		})
	}

	for range 2 { // as two replicas do
		wg.Go(func() { s.sweep("alice") })
	}

	wg.Wait()
	check := func() {
		s.view(func(tx *store.Tx) error {
			keys, err := keysOf(tx, "alice")
			equal(s, "the keys", len(keys), many+creators*each)
			for _, key := range keys {
				if revoked[key.ID] == key.InvalidatedAt.IsZero() {
					s.Errorf("%s was returned as revoked: %v, and was invalidated at %v", key.ID, revoked[key.ID], key.InvalidatedAt)
				}
				if !revoked[key.ID] && !strings.HasPrefix(key.ID, "new-") {
					s.Errorf("%s was not revoked", key.ID)
				}
			}

			return err
		})
	}

	check()
	s.sweep("alice")
	check()
}
