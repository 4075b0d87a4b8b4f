package store_test

import (
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// expiringKeys: the count includes keys that are valid now and expired at a later time.
func expiringKeys(s *suite) {
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for id, expires := range map[string]time.Time{
			"past":        tx.Now.Add(-time.Millisecond),
			"now":         tx.Now,
			"next":        tx.Now.Add(time.Millisecond),
			"last":        tx.Now.Add(time.Hour),
			"later":       tx.Now.Add(time.Hour + time.Millisecond),
			"never":       {},
			"invalidated": tx.Now.Add(time.Minute),
		} {
			if err := tx.Keys.Insert(store.APIKey{ID: id, UserName: "alice", ExpiresAt: expires}); err != nil {
				return err
			}
		}

		_, err := tx.Keys.Invalidate([]string{"invalidated"})
		return err
	})

	s.view(func(tx *store.Tx) error {
		count, err := tx.Keys.CountExpiring(tx.Now.Add(time.Hour))
		equal(s, "the number of keys that expire", count, 2)
		return err
	})
}
