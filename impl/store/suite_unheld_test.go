package store_test

import (
	"encoding/hex"
	"strings"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// unheld: a text that a database cannot store is found in no record and refused in new ones, but the audit trail is
// written nevertheless.
func unheld(s *suite) {
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })
	for _, text := range []string{"alice\x00", "\xff", "\x00"} {
		s.view(func(tx *store.Tx) error {
			_, err := tx.Users.Find(text)
			s.is(err, store.ErrNotFound)
			keys, err := keysOf(tx, text)
			equal(s, "keys", len(keys), 0)
			return err
		})

		s.update(func(tx *store.Tx) error {
			found, err := tx.Users.Delete(text)
			equal(s, "deleted", found, false)
			return err
		})

		for _, u := range []store.User{{Name: text}, {Name: "bob", FullName: text}} {
			err := s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.Users.Insert(u) })
			equal(s, "refused", fault.Has(err, fault.InvalidData), true)
		}

		s.update(func(tx *store.Tx) error {
			return tx.Audit.Insert(store.AuditEntry{ID: hex.EncodeToString([]byte(text)), Actor: text, Details: "{}"})
		})

		s.view(func(tx *store.Tx) error {
			entries, err := tx.Audit.After(s.moment(), "", 10)
			equal(s, "the actor is kept", strings.Contains(entries[0].Actor, "\uFFFD"), true)
			return err
		})
	}
}

// swallowed: a failed statement is rolled back even if the caller ignores its error.
func swallowed(s *suite) {
	err := s.store.Update(s.Context(), func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}
		_ = tx.Sessions.Insert(store.Session{ID: "s", UserName: "unknown"}) // has no user
		return nil
	})

	equal(s, "failed", fault.Has(err, fault.StoreUnavailable), true)
	s.view(func(tx *store.Tx) error {
		_, err := tx.Users.Find("alice")
		s.is(err, store.ErrNotFound)
		return nil
	})
}
