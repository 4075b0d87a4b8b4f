package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// start is the initial time of the stores under test.
var start = time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.UTC)

// testContract tests the contract of the store on any database. open returns an empty store with the clock now, and
// closes it when the test ends.
func testContract(t *testing.T, open func(t *testing.T, now func() time.Time) *store.Store) {
	t.Helper()
	for name, test := range map[string]func(*suite){
		"Transactions":  transactions,
		"Concurrency":   concurrency,
		"Cancelled":     cancelled,
		"TooLate":       tooLate,
		"ReadOnly":      readOnly,
		"Accounts":      accounts,
		"Users":         users,
		"Sessions":      sessions,
		"Purges":        purges,
		"Sweeps":        sweeps,
		"SAMLSweeps":    samlSweeps,
		"Crowds":        crowds,
		"SessionTokens": sessionTokens,
		"APIKeys":       apiKeys,
		"ManyKeys":      lookUpManyKeys,
		"UpdateKeys":    updateKeys,
		"Invalidate":    invalidateKeys,
		"TouchKeys":     touchKeys,
		"PurgeKeys":     purgeKeys,
		"Overlapping":   overlapping,
		"LockKeys":      lockKeys,
		"Shared":        sharedDocument,
		"ExpiringKeys":  expiringKeys,
		"Documents":     documents,
		"Candidates":    documentCandidates,
		"FewCandidates": fewCandidates,
		"Roles":         roles,
		"Privileges":    applicationPrivileges,
		"RoleMappings":  roleMappings,
		"ServiceTokens": serviceTokens,
		"Profiles":      profiles,
		"Refresh":       refreshTokens,
		"TOTPDevices":   totpDevices,
		"Lockouts":      lockouts,
		"History":       history,
		"SigningKeys":   signingKeys,
		"EncryptedWith": keyEncryptionKeys,
		"Audit":         auditLog,
		"SAMLUsedOnce":  samlUsedOnce,
		"SAMLMetadata":  samlMetadata,
		"SAMLUsers":     samlUsers,
		"SAMLIdentity":  samlIdentities,
		"SAMLRefusals":  samlRefusals,
		"SSOCodes":      ssoCodes,
		"Makers":        makers,
		"Setters":       passwordSetters,
		"RevokeFew":     revokeFew,
		"RevokeKeys":    revokeKeys,
		"RevokeEnded":   revokeSessions,
		"RevokeAtOnce":  revokeAtOnce,
		"DeleteMany":    deleteMany,
		"Unheld":        unheld,
		"Swallowed":     swallowed,
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{T: t, now: start}
			s.store = open(t, func() time.Time { return s.now })
			test(s)
		})
	}
}

type suite struct {
	*testing.T
	store *store.Store
	now   time.Time
}

func (s *suite) update(f func(tx *store.Tx) error) {
	s.Helper()
	if err := s.store.Update(s.Context(), f); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) view(f func(tx *store.Tx) error) {
	s.Helper()
	if err := s.store.View(s.Context(), f); err != nil {
		s.Fatal(err)
	}
}

// is fails the test unless err is the wanted error.
func (s *suite) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("the error is %v, want %v", err, want)
	}
}

func equal[T comparable](s *suite, what string, got, want T) {
	s.Helper()
	if got != want {
		s.Errorf("%s is %v, want %v", what, got, want)
	}
}

func alice() store.User {
	return store.User{
		Name:         "alice",
		Enabled:      true,
		Roles:        []identity.Role{identity.PlatformViewer, identity.DeploymentViewer},
		FullName:     "Alice Ω",
		Email:        "alice@example.com",
		PasswordHash: "$argon2id$…",
	}
}

// moment returns the time of the suite's transactions, in milliseconds.
func (s *suite) moment() time.Time { return s.now.Truncate(time.Millisecond) }

// transactions: an error rolls back, nil commits, and the time is constant.
func transactions(s *suite) {
	broken := errors.New("broken")
	err := s.store.Update(s.Context(), func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}
		return broken
	})

	s.is(err, broken)
	s.view(func(tx *store.Tx) error {
		_, err := tx.Users.Find("alice")
		s.is(err, store.ErrNotFound)
		equal(s, "Now", tx.Now, s.moment())
		return nil
	})

	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	s.view(func(tx *store.Tx) error {
		_, err := tx.Users.Find("alice")
		return err
	})

	func() {
		defer func() { _ = recover() }()
		_ = s.store.Update(s.Context(), func(*store.Tx) error { panic("broken") })
	}()

	s.update(func(tx *store.Tx) error { return tx.Accounts.Insert(store.Account{ID: "a"}) }) // the panic holds no lock
}

// concurrency: concurrent read-modify-write transactions lose no update.
func concurrency(s *suite) {
	s.update(func(tx *store.Tx) error {
		u := alice()
		u.FullName = ""
		return tx.Users.Insert(u)
	})

	const writers, rounds = 20, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				err := s.store.Update(s.Context(), func(tx *store.Tx) error {
					u, err := tx.Users.Find("alice")
					if err != nil {
						return err
					}
					u.FullName += "x"
					return tx.Users.Update(u)
				})
				if err != nil {
					s.Error(err)
				}
			}
		})
	}

	wg.Wait()
	s.view(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		equal(s, "the number of updates that counted", len(u.FullName), writers*rounds)
		return err
	})
}

// cancelled: a cancelled context is reported as such, not as a failure of the store.
func cancelled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		cancel()
		return tx.Users.Insert(alice())
	})

	s.is(err, context.Canceled)
	if fault.Has(err, fault.StoreUnavailable) {
		s.Error("a cancelled context is reported as a failure of the store")
	}

	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
}

// tooLate: an exceeded deadline is reported as a slow store, whatever set the deadline.
func tooLate(s *suite) {
	ctx, cancel := context.WithDeadline(s.Context(), time.Now())
	defer cancel()
	err := s.store.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Users.All()
		return err
	})
	if !fault.Has(err, fault.StoreUnavailable) {
		s.Errorf("after the deadline: %v", err)
	}
}

// readOnly: View refuses writes and reports a failure of the store.
func readOnly(s *suite) {
	err := s.store.View(s.Context(), func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	if !fault.Has(err, fault.StoreUnavailable) {
		s.Errorf("writing in View: %v", err)
	}
}

func accounts(s *suite) {
	s.view(func(tx *store.Tx) error {
		_, err := tx.Accounts.Get()
		s.is(err, store.ErrNotFound)
		return nil
	})

	s.update(func(tx *store.Tx) error { return tx.Accounts.Insert(store.Account{ID: "a", TrustAll: true}) })
	created := s.moment()
	s.now = s.now.Add(time.Hour)
	s.update(func(tx *store.Tx) error { return tx.Accounts.Update(store.Account{ID: "a"}) })
	s.view(func(tx *store.Tx) error {
		a, err := tx.Accounts.Get()
		equal(s, "the account", a, store.Account{ID: "a", CreatedAt: created, UpdatedAt: s.moment()})
		return err
	})
}

func users(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	created := s.moment()
	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.Users.Insert(alice()) }), store.ErrExists)
	s.now = s.now.Add(time.Hour)
	s.update(func(tx *store.Tx) error {
		u := alice()
		u.Enabled, u.PasswordHash, u.Roles, u.Metadata = false, "other", []identity.Role{"a,b", `"\<Ω`}, `{"a":1}`
		u.EmptyFullName = true // counts while the name is empty
		u.PasswordSetBy, u.Tenure = store.SetByOther,
			identity.Tenure{Promotions: 2, Since: map[identity.Role]int64{identity.PlatformViewer: 2}}
		s.is(tx.Users.Update(store.User{Name: "unknown"}), store.ErrNotFound)
		return tx.Users.Update(u)
	})

	s.update(func(tx *store.Tx) error {
		return tx.Users.Insert(store.User{Name: "Alice", Builtin: true, EmptyEmail: true})
	})
	s.view(func(tx *store.Tx) error {
		u, err := tx.Users.Find("alice")
		if err != nil {
			return err
		}

		if u.Enabled || u.Builtin || u.PasswordHash != "other" || u.FullName != "Alice Ω" || u.Email != "alice@example.com" ||
			u.Metadata != `{"a":1}` || u.EmptyFullName || u.PasswordSetBy != store.SetByOther || u.Tenure.Promotions != 2 ||
			u.Tenure.Since[identity.PlatformViewer] != 2 ||
			!slices.Equal(u.Roles, []identity.Role{"a,b", `"\<Ω`}) || u.CreatedAt != created || u.UpdatedAt != s.moment() {
			s.Errorf("the user is %+v", u)
		}

		list, err := tx.Users.All()
		if len(list) != 2 || list[0].Name != "Alice" || !list[0].Builtin || len(list[0].Roles) != 0 ||
			list[0].Metadata != "" || list[0].Tenure.Since != nil || list[0].EmptyFullName ||
			!list[0].EmptyEmail || list[1].Name != "alice" {
			s.Errorf("the users are %+v", list)
		}
		if err != nil {
			return err
		}

		named, err := tx.Users.ByNames([]string{"unknown", "alice", "alice"})
		if len(named) != 1 || named[0].Name != "alice" || named[0].FullName != "Alice Ω" {
			s.Errorf("the named users are %+v", named)
		}
		return err
	})
}

func sessions(s *suite) {
	end := s.moment().Add(time.Hour)
	s.update(func(tx *store.Tx) error {
		return errors.Join(
			tx.Users.Insert(alice()),
			tx.Sessions.Insert(store.Session{ID: "s1", UserName: "alice", ExpiresAt: end}),
			tx.Sessions.Insert(store.Session{ID: "s2", UserName: "alice", ExpiresAt: end}),
			tx.Sessions.InsertToken(store.SessionToken{ID: "t1", SessionID: "s1", ExpiresAt: end}),
			tx.Sessions.InsertToken(store.SessionToken{ID: "t2", SessionID: "s1", ExpiresAt: end}),
			tx.Sessions.InsertToken(store.SessionToken{ID: "t3", SessionID: "s2", ExpiresAt: end}),
		)
	})

	live := func(id string) bool {
		alive := true
		s.view(func(tx *store.Tx) error {
			token, session, u, err := tx.Sessions.FindByToken(id)
			if errors.Is(err, store.ErrNotFound) {
				alive = false
				return nil
			}

			if token.ID != id || token.SessionID != session.ID || session.UserName != "alice" || u.Email != "alice@example.com" {
				s.Errorf("%s is %+v of %+v of %+v", id, token, session, u)
			}

			return err
		})

		return alive
	}

	equal(s, "t1", live("t1"), true)
	equal(s, "a token that is not", live("t0"), false)
	s.update(func(tx *store.Tx) error { return tx.Sessions.ShortenToken("t1", tx.Now.Add(time.Second)) })
	s.update(func(tx *store.Tx) error { return tx.Sessions.ShortenToken("t1", tx.Now.Add(time.Minute)) })
	s.now = s.now.Add(time.Second)
	equal(s, "t1 after its end", live("t1"), false)
	sessionByID(s, "s1", true)
	equal(s, "t2", live("t2"), true)
	s.update(func(tx *store.Tx) error {
		first, err := tx.Sessions.Delete("s1")
		if err != nil {
			return err
		}

		second, err := tx.Sessions.Delete("s1")
		equal(s, "the first deletion", first, true)
		equal(s, "the second deletion", second, false)
		return err
	})

	equal(s, "t2 after its session", live("t2"), false)
	sessionByID(s, "s1", false)
	equal(s, "t3", live("t3"), true)
	s.now = end
	equal(s, "t3 after the session's end", live("t3"), false)
	sessionByID(s, "s2", false)
	s.update(func(tx *store.Tx) error {
		if err := tx.Sessions.Sweep(); err != nil {
			return err
		}
		n, err := tx.Sessions.DeleteUser("alice")
		equal(s, "sessions after the sweep", n, 0)
		return err
	})
}

// sessionByID fails the test unless the existence of a session of alice is as wanted.
func sessionByID(s *suite, id string, want bool) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		session, u, err := tx.Sessions.Find(id)
		if !want {
			s.is(err, store.ErrNotFound)
			return nil
		}

		if session.ID != id || session.UserName != "alice" || session.CreatedAt.IsZero() || session.ExpiresAt.IsZero() ||
			u.Email != "alice@example.com" {
			s.Errorf("%s is %+v of %+v", id, session, u)
		}

		return err
	})
}

func auditLog(s *suite) {
	first := store.AuditEntry{
		ID:        "b",
		Event:     "e",
		Actor:     "a",
		Subject:   "s",
		Address:   "::1",
		RequestID: "r",
		Details:   "{}",
	}
	s.update(func(tx *store.Tx) error { return tx.Audit.Insert(first) })
	first.At = s.moment()
	s.now = s.now.Add(time.Second)
	s.update(func(tx *store.Tx) error { return tx.Audit.Insert(store.AuditEntry{ID: "a"}) })
	s.view(func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 10)
		if len(entries) != 2 || entries[0] != first || entries[1].ID != "a" {
			s.Errorf("the trail is %+v", entries)
		}
		return err
	})

	s.update(func(tx *store.Tx) error {
		return errors.Join(tx.Audit.Insert(store.AuditEntry{ID: "c"}), tx.Audit.Insert(store.AuditEntry{ID: "b2"}))
	})

	for _, test := range []struct {
		at    time.Time
		id    string
		limit int
		want  string
	}{
		{time.Time{}, "", 2, "[b a]"},
		{first.At, "", 10, "[b a b2 c]"},
		{first.At, "b", 10, "[a b2 c]"},
		{first.At.Add(time.Millisecond), "", 10, "[a b2 c]"},
		{s.moment(), "a", 1, "[b2]"},
		{s.moment(), "b2", 10, "[c]"},
		{s.moment(), "c", 10, "[]"},
	} {
		s.view(func(tx *store.Tx) error {
			entries, err := tx.Audit.After(test.at, test.id, test.limit)
			ids := []string{}
			for _, e := range entries {
				ids = append(ids, e.ID)
			}

			equal(s, fmt.Sprintf("the trail after %v %q", test.at, test.id), fmt.Sprint(ids), test.want)
			return err
		})
	}

	for _, test := range []struct {
		at     time.Time
		id     string
		filter store.AuditFilter
		limit  int
		want   string
	}{
		{s.moment().Add(time.Hour), "", store.AuditFilter{}, 10, "[c b2 a b]"},
		{s.moment().Add(time.Hour), "", store.AuditFilter{}, 3, "[c b2 a]"},
		{s.moment(), "b2", store.AuditFilter{}, 10, "[a b]"},
		{s.moment(), "", store.AuditFilter{}, 10, "[b]"},
		{s.moment(), "c", store.AuditFilter{Since: s.moment()}, 10, "[b2 a]"},
		{s.moment(), "c", store.AuditFilter{Actor: "a", Subject: "s", Event: "e"}, 10, "[b]"},
		{s.moment(), "c", store.AuditFilter{Actor: "A"}, 10, "[]"},
		{s.moment(), "c", store.AuditFilter{Subject: "e"}, 10, "[]"},
		{s.moment(), "c", store.AuditFilter{Event: "a"}, 10, "[]"},
	} {
		s.view(func(tx *store.Tx) error {
			entries, err := tx.Audit.Before(test.at, test.id, test.filter, test.limit)
			ids := []string{}
			for _, e := range entries {
				ids = append(ids, e.ID)
			}

			equal(s, fmt.Sprintf("the trail before %v %q with %+v", test.at, test.id, test.filter), fmt.Sprint(ids), test.want)
			return err
		})
	}

	for _, want := range []int{1, 0} {
		s.update(func(tx *store.Tx) error {
			removed, err := tx.Audit.RemoveBefore(s.moment())
			equal(s, "the number of removed entries", removed, want)
			return err
		})
	}
	s.view(func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 10)
		equal(s, "the number of entries that stay", len(entries), 3)
		return err
	})
}
