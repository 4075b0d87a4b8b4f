package store_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// samlUsedOnce: a message is used once, however many callers try, and again only after its record was swept.
func samlUsedOnce(s *suite) {
	s.once("an assertion",
		func(tx *store.Tx) (bool, error) { return tx.SAML.UseAssertion("idp", "_a", s.now.Add(time.Minute)) })
	s.once("a sign-in of our own",
		func(tx *store.Tx) (bool, error) { return tx.SAML.UseAssertion("", "_a", s.now.Add(time.Minute)) })
	s.now = s.now.Add(time.Minute)
	s.update(func(tx *store.Tx) error {
		expired, err := tx.SAML.UseAssertion("idp", "_a", s.now)
		equal(s, "an assertion before the sweep", expired, false)
		sweepErr := tx.SAML.Sweep()
		again, againErr := tx.SAML.UseAssertion("idp", "_a", s.now)
		equal(s, "an assertion that was swept", again, true)
		return errors.Join(err, sweepErr, againErr)
	})
}

// samlMetadata: the last metadata of a realm is kept, with its time.
func samlMetadata(s *suite) {
	s.update(func(tx *store.Tx) error {
		_, _, err := tx.SAML.Metadata("r")
		s.is(err, store.ErrNotFound)
		return errors.Join(tx.SAML.ReplaceMetadata("r", []byte("old")), tx.SAML.ReplaceMetadata("r", []byte("<é/>")))
	})

	s.view(func(tx *store.Tx) error {
		body, fetched, err := tx.SAML.Metadata("r")
		equal(s, "the metadata", string(body), "<é/>")
		equal(s, "its time", fetched, tx.Now)
		return err
	})
}

// samlUsers: users are found by what their realm calls them, and their sessions too, which end with the session.
func samlUsers(s *suite) {
	u := alice()
	u.Realm, u.Identity = "r", store.ExternalIdentity{NameID: "alice@idp", Format: "f"}
	twin := u
	twin.Name = "alice2"
	session := store.SAMLSession{
		SessionID:       "s",
		Realm:           "r",
		NameID:          "alice@idp",
		NameIDFormat:    "f",
		NameQualifier:   "n",
		SPNameQualifier: "p",
		SessionIndex:    "i",
	}
	s.update(func(tx *store.Tx) error {
		_, err := tx.Users.FindExternal("r", u.Identity)
		s.is(err, store.ErrNotFound)
		return errors.Join(tx.Users.Insert(u),
			tx.Sessions.Insert(store.Session{ID: "s", UserName: u.Name, ExpiresAt: s.now.Add(time.Hour)}),
			tx.SAML.InsertSession(session))
	})

	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.Users.Insert(twin) }), store.ErrExists)
	s.update(func(tx *store.Tx) error {
		found, err := tx.Users.FindExternal("r", u.Identity)
		equal(s, "the user", found.Name, u.Name)
		equal(s, "the identity", found.Identity, u.Identity)
		one, oneErr := tx.SAML.Session("s")
		equal(s, "the session", one, session)
		many, manyErr := tx.SAML.Sessions("r", "alice@idp")
		equal(s, "the sessions", fmt.Sprint(many), fmt.Sprint([]store.SAMLSession{session}))
		_, endErr := tx.Sessions.Delete("s")
		_, gone := tx.SAML.Session("s")
		s.is(gone, store.ErrNotFound)
		return errors.Join(err, oneErr, manyErr, endErr)
	})
}

// samlIdentities: a realm's users differ by each part of their identities, and each is found by all of its own only.
func samlIdentities(s *suite) {
	identities := []store.ExternalIdentity{
		{NameID: "x", Format: "f"}, {NameID: "x", Format: "g"}, {NameID: "x", Format: "f", SPNameQualifier: "q"},
		{NameID: "x", Format: "", SPNameQualifier: "q"},
		{NameID: " x", Format: "f"}, {NameID: "xf"}, {NameID: "X", Format: "f"},
		{NameID: strings.Repeat("n", 1024), Format: strings.Repeat("f", 256), SPNameQualifier: strings.Repeat("q", 1024)},
	}

	s.update(func(tx *store.Tx) error {
		var errs []error
		for i, identity := range identities {
			u := alice()
			u.Name, u.Realm, u.Identity = fmt.Sprint("user", i), "r", identity
			errs = append(errs, tx.Users.Insert(u))
		}

		return errors.Join(errs...)
	})

	s.view(func(tx *store.Tx) error {
		for i, identity := range identities {
			found, err := tx.Users.FindExternal("r", identity)
			if err != nil {
				return err
			}
			equal(s, "the user", found.Name, fmt.Sprint("user", i))
			equal(s, "the identity", found.Identity, identity)
		}

		_, err := tx.Users.FindExternal("other", identities[0])
		s.is(err, store.ErrNotFound)
		_, err = tx.Users.FindUnqualified("r", "x")
		s.is(err, store.ErrNotFound)
		return nil
	})
}

// samlRefusals: the newest come first, and the kept ones are bounded: of a realm in all and from one address, and apart
// from them those without a realm.
func samlRefusals(s *suite) {
	insert := func(n int, prefix, realm, address string) {
		for i := range n {
			s.update(func(tx *store.Tx) error {
				return tx.SAML.InsertRefusal(store.SAMLRefusal{
					ID:        fmt.Sprintf("%s%03d", prefix, i),
					Realm:     realm,
					Issuer:    "i",
					Reason:    "why",
					Address:   address,
					RequestID: "q",
					IssuedAt:  tx.Now,
				})
			})
		}
	}

	count := func(what string, want int) []store.SAMLRefusal {
		var list []store.SAMLRefusal
		s.view(func(tx *store.Tx) (err error) {
			list, err = tx.SAML.Refusals()
			return err
		})

		equal(s, what, len(list), want)
		return list
	}

	insert(60, "a", "r", "192.0.2.1")
	count("those of one address", 50)
	insert(120, "b", "", "stray")
	list := count("strays beside them", 150)
	want := store.SAMLRefusal{
		ID:        "b119",
		Issuer:    "i",
		Reason:    "why",
		Address:   "stray",
		RequestID: "q",
		IssuedAt:  s.now.Truncate(time.Millisecond),
		At:        s.now.Truncate(time.Millisecond),
	}
	equal(s, "the newest", list[0], want)
	for i := range 6 {
		insert(40, fmt.Sprintf("c%d", i), "r", fmt.Sprintf("198.51.100.%d", i))
	}

	count("those of a realm in all", 300)
}
