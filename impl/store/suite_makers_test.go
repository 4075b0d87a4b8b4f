package store_test

import "github.com/sallyport/sallyport/impl/store"

// makers: doubtful keys are recorded once, if they exist and are valid, until they are trusted or deleted.
func makers(s *suite) {
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for _, id := range []string{"a", "b", "c", "d"} {
			if err := tx.Keys.Insert(store.APIKey{ID: id, UserName: "alice"}); err != nil {
				return err
			}
		}

		if err := tx.Keys.Doubt([]string{"d", "c", "b", "a", "none"}); err != nil {
			return err
		}

		return tx.Keys.Doubt([]string{"a"})
	})

	doubtful := func() (ids string) {
		s.view(func(tx *store.Tx) error {
			keys, err := tx.Keys.Doubtful()
			ids = ""
			for _, key := range keys {
				ids += key.ID
			}
			return err
		})

		return ids
	}

	equal(s, "the doubtful keys", doubtful(), "abcd")
	s.update(func(tx *store.Tx) error {
		if _, err := tx.Keys.Invalidate([]string{"b"}); err != nil {
			return err
		}
		return tx.Keys.Trust([]string{"c", "none"})
	})

	equal(s, "the doubtful keys", doubtful(), "ad")
	s.update(func(tx *store.Tx) error {
		pending, err := tx.Repairs.Pending("api_key_makers")
		if err != nil || pending {
			s.Errorf("in a new database a repair is pending: %t, %v", pending, err)
		}
		if err := tx.Repairs.Finish("api_key_makers"); err != nil {
			return err
		}

		_, err = tx.Users.Delete("alice")
		return err
	})

	equal(s, "the doubtful keys", doubtful(), "")
}
