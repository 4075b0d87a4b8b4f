package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// fullKey returns a key of alice with all fields set.
func fullKey() store.APIKey {
	return store.APIKey{
		ID:           "k",
		UserName:     "alice",
		Description:  "Ω",
		SecretDigest: "d",
		Assigned:     "a",
		LimitedBy:    "l",
		Creator:      "c",
		Metadata:     `{"m":1}`,
		Version:      9,
		Type:         condition.CrossCluster,

		CertificateIdentity: "CN=b",
	}
}

func apiKeys(s *suite) {
	s.update(func(tx *store.Tx) error {
		if err := errors.Join(tx.Users.Insert(alice()), tx.Users.Insert(store.User{Name: "bob"})); err != nil {
			return err
		}

		for i := range 3 {
			key := fullKey()
			key.ID, key.ExpiresAt = fmt.Sprint("k", 2-i), tx.Now.Add(time.Hour)
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}

		return nil
	})

	s.now = s.now.Add(time.Second)
	s.update(func(tx *store.Tx) error { return tx.Keys.Insert(store.APIKey{ID: "k", UserName: "bob"}) })
	s.is(s.store.Update(s.Context(),
		func(tx *store.Tx) error { return tx.Keys.Insert(store.APIKey{ID: "k", UserName: "alice"}) }), store.ErrExists)
	s.view(func(tx *store.Tx) error {
		key, owner, err := tx.Keys.FindWithOwner("k1")
		if err != nil {
			return err
		}

		created := s.moment().Add(-time.Second)
		want := fullKey()
		want.ID, want.CreatedAt, want.ExpiresAt = "k1", created, created.Add(time.Hour)
		equal(s, "the key", key, want)
		equal(s, "the owner", owner.Email, "alice@example.com")
		own1, err := tx.Keys.FindOwned("alice", "k1")
		equal(s, "alice's key", own1, want)
		if err != nil {
			return err
		}

		byID, err := tx.Keys.Find("k1")
		equal(s, "the key by its id", byID, want)
		if err != nil {
			return err
		}

		_, err = tx.Keys.FindOwned("bob", "k1")
		s.is(err, store.ErrNotFound)
		_, err = tx.Keys.Find("nothing")
		s.is(err, store.ErrNotFound)
		_, _, err = tx.Keys.FindWithOwner("nothing")
		s.is(err, store.ErrNotFound)
		some, err := tx.Keys.ByIDs([]string{"k1", "nothing", "k", "k1", "k2\x00", "\xff", "<k0>", "\"k0"})
		equal(s, "the number of some keys", len(some), 2)
		equal(s, "one of some keys", some["k1"], want)
		equal(s, "another's of some keys", some["k"].UserName, "bob")
		if err != nil {
			return err
		}

		owned, err := tx.Keys.Owned("alice", []string{"k1", "nothing", "k", "k0", "k2\x00"})
		equal(s, "those of some keys that are alice's", fmt.Sprint(slices.Sorted(maps.Keys(owned))), "[k0 k1]")
		toChange := want
		toChange.Description, toChange.SecretDigest, toChange.LastUsedAt = "", "", time.Time{}
		equal(s, "one of them", owned["k1"], toChange)
		if err != nil {
			return err
		}

		own, err := keysOf(tx, "alice")
		if err != nil {
			return err
		}

		all, err := allKeys(tx)
		equal(s, "alice's keys", keyIDs(own), "[k0 k1 k2]")
		equal(s, "all keys", keyIDs(all), "[k0 k1 k2 k]")
		equal(s, "the end of a key without one", all[3].ExpiresAt.IsZero(), true)
		return err
	})
}

// lookUpManyKeys: a lookup of many ids returns exactly the existing keys.
func lookUpManyKeys(s *suite) {
	const n = 200
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for i := range n {
			if err := tx.Keys.Insert(store.APIKey{
				ID: fmt.Sprintf("k%03d", i), UserName: "alice", SecretDigest: "d",
			}); err != nil {
				return err
			}
		}

		return nil
	})

	s.view(func(tx *store.Tx) error {
		var ids []string
		for i := range n {
			ids = append(ids, fmt.Sprintf("k%03d", n-1-i), fmt.Sprintf("nothing%d", i), "k100")
			found, err := tx.Keys.ByIDs(ids)
			if err != nil {
				return err
			}

			want := i + 1
			if i < n-101 {
				want++ // k100, which is not deleted yet
			}

			equal(s, "the number of keys", len(found), want)
			for id, key := range found {
				equal(s, "a key by its id", key.ID, id)
			}
		}

		return nil
	})
}

func keyIDs(keys []store.APIKey) string {
	ids := []string{}
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return fmt.Sprint(ids)
}

// keysOf returns all keys of a user, oldest first.
func keysOf(tx *store.Tx, userName string) ([]store.APIKey, error) {
	return selectKeys(tx, condition.Compare(condition.UserName, condition.Equal, userName))
}

// allKeys returns the keys of all users, oldest first.
func allKeys(tx *store.Tx) ([]store.APIKey, error) { return selectKeys(tx, condition.Condition{}) }

func selectKeys(tx *store.Tx, where condition.Condition) ([]store.APIKey, error) {
	found := []store.APIKey{}
	for keys, err := range tx.Keys.Chunks(where) {
		if err != nil {
			return nil, err
		}
		found = append(found, keys...)
	}
	return found, nil
}
