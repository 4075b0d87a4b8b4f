package store_test

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

func signingKeys(s *suite) {
	first := store.SigningKey{ID: "first", Sealed: "x"}
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Insert(first) })
	first.CreatedAt = s.moment()
	from, until := first.CreatedAt.Add(time.Hour), first.CreatedAt.Add(2*time.Hour)
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Supersede(until) })
	first.VerifiesUntil = until

	s.now = s.now.Add(time.Second)
	second := store.SigningKey{ID: "second", Sealed: "y", SignsFrom: from}
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Insert(second) })
	second.CreatedAt = s.moment()
	wantSigningKeys(s, second, first)

	// One that has its end already keeps it.
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Supersede(until.Add(time.Hour)) })
	second.VerifiesUntil = until.Add(time.Hour)
	wantSigningKeys(s, second, first)

	// The order is that in which they take over, and then that in which they were made.
	s.now = s.now.Add(time.Second)
	third := store.SigningKey{ID: "0", Sealed: "z"}
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Insert(third) })
	third.CreatedAt = s.moment()
	wantSigningKeys(s, second, third, first)

	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Reseal([][2]string{{"first", "x2"}, {"0", "z2"}}) })
	first.Sealed, third.Sealed = "x2", "z2"
	wantSigningKeys(s, second, third, first)
	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Reseal(nil) })

	s.update(func(tx *store.Tx) error { return tx.SigningKeys.Delete("first") })
	wantSigningKeys(s, second, third)
}

// keyEncryptionKeys: keys are listed by age, and one that is inserted again stays as it is.
func keyEncryptionKeys(s *suite) {
	list := func() (text string) {
		s.Helper()
		s.view(func(tx *store.Tx) error {
			keys, err := tx.KeyEncryptionKeys.All()
			text = ""
			for _, k := range keys {
				text += fmt.Sprintln(k.ID, k.CreatedAt.Unix(), k.Retiring)
			}
			return err
		})
		return text
	}
	insert := func(id string) {
		s.Helper()
		s.update(func(tx *store.Tx) error { return tx.KeyEncryptionKeys.Insert(id) })
	}

	insert("b")
	first := s.moment().Unix()
	s.now = s.now.Add(time.Second)
	insert("a")
	insert("b")
	second := s.moment().Unix()
	equal(s, "two keys", list(), fmt.Sprintln("b", first, false)+fmt.Sprintln("a", second, false))

	s.update(func(tx *store.Tx) error { return tx.KeyEncryptionKeys.SetRetiring("b", true) })
	insert("b")
	equal(s, "one retiring", list(), fmt.Sprintln("b", first, true)+fmt.Sprintln("a", second, false))
	s.update(func(tx *store.Tx) error { return tx.KeyEncryptionKeys.SetRetiring("b", false) })
	equal(s, "none retiring", list(), fmt.Sprintln("b", first, false)+fmt.Sprintln("a", second, false))
	s.update(func(tx *store.Tx) error { return tx.KeyEncryptionKeys.Delete("b") })
	equal(s, "the other", list(), fmt.Sprintln("a", second, false))
}

// wantSigningKeys fails the test unless these keys are there, in this order.
func wantSigningKeys(s *suite, want ...store.SigningKey) {
	s.Helper()
	s.view(func(tx *store.Tx) error {
		keys, err := tx.SigningKeys.All()
		equal(s, "how many keys there are", len(keys), len(want))
		for i := range min(len(keys), len(want)) {
			equal(s, "a key", keys[i], want[i])
		}
		return err
	})
}
