package store_test

import "github.com/sallyport/sallyport/impl/store"

// passwordSetters: the user that set a password is stored with it, also when the same password gets another hash.
func passwordSetters(s *suite) {
	u := alice()
	u.PasswordHash, u.PasswordSetBy = "first", store.SetByUser
	s.update(func(tx *store.Tx) error { return tx.Users.Insert(u) })
	setter := func(hash string, want store.PasswordSetter) {
		s.Helper()
		s.view(func(tx *store.Tx) error {
			now, err := tx.Users.Find(u.Name)
			if now.PasswordHash != hash || now.PasswordSetBy != want {
				s.Errorf("the password %s was set by %q; want %s by %q", now.PasswordHash, now.PasswordSetBy, hash, want)
			}
			return err
		})
	}

	setter("first", store.SetByUser)

	s.update(func(tx *store.Tx) error {
		for old, replaced := range map[string]bool{"first": true, "another": false} {
			if got, err := tx.Users.ReplacePasswordHash(u.Name, old, "second"); err != nil || got != replaced {
				s.Errorf("%s was replaced: %t, %v", old, got, err)
			}
		}

		if got, err := tx.Users.ReplacePasswordHash("unknown", "first", "second"); err != nil || got {
			s.Errorf("the hash of an unknown user was replaced: %t, %v", got, err)
		}

		return nil
	})

	setter("second", store.SetByUser)

	u.PasswordHash, u.PasswordSetBy = "third", store.SetByOther
	s.update(func(tx *store.Tx) error { return tx.Users.Update(u) })
	setter("third", store.SetByOther)
	u.PasswordSetBy = store.SetByOperator
	s.update(func(tx *store.Tx) error { return tx.Users.Update(u) })
	setter("third", store.SetByOperator)
}
