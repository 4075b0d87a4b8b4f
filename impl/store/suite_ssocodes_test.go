package store_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// ssoCodes: a code is used once, however many callers try; it ends with the sessions of its user, and with the user.
func ssoCodes(s *suite) {
	code := store.SSOCode{
		Digest:    "d",
		UserName:  "alice",
		Challenge: "c",
		ReturnURL: "https://a.example/",
		Known: store.SAMLSession{
			Realm:           "r",
			NameID:          "n",
			NameIDFormat:    "f",
			NameQualifier:   "q",
			SPNameQualifier: "p",
			SessionIndex:    "i",
		},
		SessionEndsAt: s.moment().Add(time.Hour),
		ExpiresAt:     s.moment().Add(time.Minute),
	}
	insert := func(digest string) {
		s.update(func(tx *store.Tx) error {
			c := code
			c.Digest = digest
			return tx.SAML.InsertCode(c)
		})
	}
	left := func(want int) {
		s.Helper()
		s.view(func(tx *store.Tx) error {
			codes, err := tx.SAML.Codes("r", "n")
			equal(s, "the number of codes", len(codes), want)
			return err
		})
	}
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(alice()) })

	insert("d")
	s.view(func(tx *store.Tx) error {
		codes, err := tx.SAML.Codes("r", "n")
		equal(s, "the codes", fmt.Sprint(codes), fmt.Sprint([]store.SSOCode{code}))
		others, othersErr := tx.SAML.Codes("r", "N")
		equal(s, "the codes of another user", len(others), 0)
		revoked, revokedErr := tx.SAML.CodeRevoked(code)
		equal(s, "the code is revoked", revoked, false)
		return errors.Join(err, othersErr, revokedErr)
	})
	has := func(digest string, want bool) {
		s.Helper()
		s.view(func(tx *store.Tx) error {
			got, err := tx.SAML.HasCode(digest)
			equal(s, "the code "+digest+" is known", got, want)
			return err
		})
	}
	has("d", true)
	has("e", false)
	s.once("a code", func(tx *store.Tx) (bool, error) {
		used, err := tx.SAML.ConsumeCode("d")
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err == nil {
			equal(s, "the used code", used, code)
		}
		return true, err
	})
	has("d", false)

	insert("ended")
	s.update(func(tx *store.Tx) error {
		_, err := tx.Sessions.DeleteUser("alice")
		return err
	})
	left(0)

	insert("expired")
	s.now = s.now.Add(time.Minute)
	left(1)
	s.update(func(tx *store.Tx) error { return tx.SAML.Sweep() })
	left(0)

	insert("kept")
	s.own(many)
	s.update(func(tx *store.Tx) error { // the user's row stays until the others are swept
		_, err := tx.Users.Delete("alice")
		return err
	})
	s.view(func(tx *store.Tx) error {
		codes, err := tx.SAML.Codes("r", "n")
		equal(s, "the number of codes", len(codes), 1)
		for _, c := range codes {
			revoked, revokedErr := tx.SAML.CodeRevoked(c)
			equal(s, "the code of a deleted user is revoked", revoked, true)
			err = errors.Join(err, revokedErr)
		}
		return err
	})
	s.sweep("alice")
	left(0)
	s.view(func(tx *store.Tx) error {
		revoked, err := tx.SAML.CodeRevoked(code)
		equal(s, "the code of a removed user is revoked", revoked, true)
		return err
	})
}
