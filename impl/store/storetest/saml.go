package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// samlSignIns: a sign-in that waits is answered once, and an assertion used once, however many try; both only in time.
func samlSignIns(s *suite) {
	request := store.SAMLRequest{ID: "_1", Realm: "r", RelayDigest: "d", BrowserDigest: "b", State: "/x", ExpiresAt: s.now.Add(time.Minute)}
	other := request
	other.ID = "_2"
	s.update(func(tx *store.Tx) error {
		return errors.Join(tx.InsertSAMLRequest(request), tx.InsertSAMLRequest(other))
	})
	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.InsertSAMLRequest(request) }), store.ErrExists)
	s.view(func(tx *store.Tx) error {
		found, err := tx.SAMLRequest("_1")
		request.CreatedAt, request.ExpiresAt = tx.Now, request.ExpiresAt.Truncate(time.Millisecond)
		equal(s, "the request", found, request)
		return err
	})
	s.once("an answer", func(tx *store.Tx) (bool, error) { return tx.ConsumeSAMLRequest("_1") })
	s.once("an assertion", func(tx *store.Tx) (bool, error) { return tx.UseSAMLAssertion("idp", "_a", s.now.Add(time.Minute)) })
	s.now = s.now.Add(time.Minute)
	s.update(func(tx *store.Tx) error {
		_, err := tx.SAMLRequest("_2")
		s.is(err, store.ErrNotFound)
		late, err := tx.ConsumeSAMLRequest("_2")
		equal(s, "an answer that is late", late, false)
		before, countErr := tx.CountSAMLRequests()
		equal(s, "requests before the sweep", before, 1)
		sweepErr := tx.SweepSAML()
		after, afterErr := tx.CountSAMLRequests()
		equal(s, "requests after the sweep", after, 0)
		again, againErr := tx.UseSAMLAssertion("idp", "_a", s.now)
		equal(s, "an assertion that was swept", again, true)
		return errors.Join(err, countErr, sweepErr, afterErr, againErr)
	})
}

// samlDropped: those that expire first make room.
func samlDropped(s *suite) {
	s.update(func(tx *store.Tx) error {
		var errs []error
		for i, id := range []string{"_b", "_a", "_c"} {
			errs = append(errs, tx.InsertSAMLRequest(store.SAMLRequest{ID: id, Realm: "r", ExpiresAt: tx.Now.Add(time.Duration(i+1) * time.Second)}))
		}
		errs = append(errs, tx.DropSAMLRequests(0), tx.DropSAMLRequests(2))
		count, err := tx.CountSAMLRequests()
		equal(s, "requests that are left", count, 1)
		_, kept := tx.SAMLRequest("_c")
		return errors.Join(append(errs, err, kept)...)
	})
}

// samlMetadata: the last metadata of a realm is kept, with its time.
func samlMetadata(s *suite) {
	s.update(func(tx *store.Tx) error {
		_, _, err := tx.SAMLMetadata("r")
		s.is(err, store.ErrNotFound)
		return errors.Join(tx.ReplaceSAMLMetadata("r", []byte("old")), tx.ReplaceSAMLMetadata("r", []byte("<é/>")))
	})
	s.view(func(tx *store.Tx) error {
		body, fetched, err := tx.SAMLMetadata("r")
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
	session := store.SAMLSession{SessionID: "s", Realm: "r", NameID: "alice@idp", NameIDFormat: "f", NameQualifier: "n", SPNameQualifier: "p", SessionIndex: "i"}
	s.update(func(tx *store.Tx) error {
		_, err := tx.ExternalUser("r", u.Identity)
		s.is(err, store.ErrNotFound)
		return errors.Join(tx.InsertUser(u), tx.InsertSession(store.Session{ID: "s", UserName: u.Name, ExpiresAt: s.now.Add(time.Hour)}),
			tx.InsertSAMLSession(session))
	})
	s.is(s.store.Update(s.Context(), func(tx *store.Tx) error { return tx.InsertUser(twin) }), store.ErrExists)
	s.update(func(tx *store.Tx) error {
		found, err := tx.ExternalUser("r", u.Identity)
		equal(s, "the user", found.Name, u.Name)
		equal(s, "the identity", found.Identity, u.Identity)
		one, oneErr := tx.SAMLSession("s")
		equal(s, "the session", one, session)
		many, manyErr := tx.SAMLSessions("r", "alice@idp")
		equal(s, "the sessions", fmt.Sprint(many), fmt.Sprint([]store.SAMLSession{session}))
		_, endErr := tx.DeleteSession("s")
		_, gone := tx.SAMLSession("s")
		s.is(gone, store.ErrNotFound)
		return errors.Join(err, oneErr, manyErr, endErr)
	})
}

// samlIdentities: a realm's users differ by each part of their identities, and each is found by all of its own only.
func samlIdentities(s *suite) {
	identities := []store.ExternalIdentity{
		{NameID: "x", Format: "f"}, {NameID: "x", Format: "g"}, {NameID: "x", Format: "f", SPNameQualifier: "q"}, {NameID: "x", Format: "", SPNameQualifier: "q"},
		{NameID: " x", Format: "f"}, {NameID: "xf"}, {NameID: "X", Format: "f"},
		{NameID: strings.Repeat("n", 1024), Format: strings.Repeat("f", 256), SPNameQualifier: strings.Repeat("q", 1024)},
	}
	s.update(func(tx *store.Tx) error {
		var errs []error
		for i, identity := range identities {
			u := alice()
			u.Name, u.Realm, u.Identity = fmt.Sprint("user", i), "r", identity
			errs = append(errs, tx.InsertUser(u))
		}
		return errors.Join(errs...)
	})
	s.view(func(tx *store.Tx) error {
		for i, identity := range identities {
			found, err := tx.ExternalUser("r", identity)
			if err != nil {
				return err
			}
			equal(s, "the user", found.Name, fmt.Sprint("user", i))
			equal(s, "the identity", found.Identity, identity)
		}
		_, err := tx.ExternalUser("other", identities[0])
		s.is(err, store.ErrNotFound)
		_, err = tx.UnqualifiedUser("r", "x")
		s.is(err, store.ErrNotFound)
		return nil
	})
}

// samlRefusals: the newest come first, and only so many are kept.
func samlRefusals(s *suite) {
	for i := range 250 {
		s.update(func(tx *store.Tx) error {
			return tx.InsertSAMLRefusal(store.SAMLRefusal{ID: fmt.Sprintf("%03d", i), Realm: "r", Issuer: "i", Reason: "why", Address: "a", RequestID: "q", IssuedAt: tx.Now})
		})
	}
	s.view(func(tx *store.Tx) error {
		list, err := tx.SAMLRefusals()
		equal(s, "how many are kept", len(list), 200)
		want := store.SAMLRefusal{ID: "249", Realm: "r", Issuer: "i", Reason: "why", Address: "a", RequestID: "q", IssuedAt: tx.Now, At: tx.Now}
		equal(s, "the newest", list[0], want)
		return err
	})
}
