package store_test

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// insertKeys inserts keys of alice without an expiry.
func (s *suite) insertKeys(ids ...string) {
	s.Helper()
	s.update(func(tx *store.Tx) error {
		if err := tx.Users.Insert(alice()); err != nil {
			return err
		}

		for _, id := range ids {
			key := fullKey()
			key.ID = id
			if err := tx.Keys.Insert(key); err != nil {
				return err
			}
		}

		return nil
	})
}

// key returns an existing key.
func (s *suite) key(id string) (k store.APIKey) {
	s.Helper()
	s.view(func(tx *store.Tx) (err error) {
		k, err = tx.Keys.Find(id)
		return err
	})
	return k
}

// updateKeys: given fields are changed, nil fields and invalidated keys are not.
func updateKeys(s *suite) {
	s.insertKeys("k1", "k2", "k3", "k4")
	before := s.key("k1")
	s.update(func(tx *store.Tx) error {
		if _, err := tx.Keys.Invalidate([]string{"k4"}); err != nil {
			return err
		}
		return tx.Keys.Update([]string{"k2", "nothing", "k1", "k2", "k4", "k3\x00", "\xff"},
			store.KeyChange{LimitedBy: "l2", Creator: "c2", Version: 10})
	})

	want := before
	want.LimitedBy, want.Creator, want.Version = "l2", "c2", 10
	equal(s, "a key with its optional fields kept", s.key("k1"), want)
	equal(s, "another key of the same change", s.key("k2").Creator, "c2")
	equal(s, "a key that the change did not name", s.key("k3").Creator, "c")
	equal(s, "an invalidated key", s.key("k4").Creator, "c")

	assigned, metadata, end, identity := "a2", `{}`, s.moment().Add(time.Hour), "CN=a"
	change := store.KeyChange{
		Assigned:  &assigned,
		Metadata:  &metadata,
		ExpiresAt: &end,

		CertificateIdentity: &identity,

		LimitedBy: "l3",
		Creator:   "c3",
		Version:   11,
	}
	s.update(func(tx *store.Tx) error { return tx.Keys.Update([]string{"k1"}, change) })
	want.Assigned, want.Metadata, want.ExpiresAt, want.CertificateIdentity = "a2", `{}`, end, "CN=a"
	want.LimitedBy, want.Creator, want.Version = "l3", "c3", 11
	equal(s, "a key that is all changed", s.key("k1"), want)

	nothing, never := "", time.Time{}
	change = store.KeyChange{
		Assigned:  &nothing,
		Metadata:  &nothing,
		ExpiresAt: &never,

		CertificateIdentity: &nothing,

		LimitedBy: "l3",
		Creator:   "c3",
		Version:   11,
	}
	s.update(func(tx *store.Tx) error { return tx.Keys.Update([]string{"k1"}, change) })
	want.Assigned, want.Metadata, want.ExpiresAt, want.CertificateIdentity = "", "", time.Time{}, ""
	equal(s, "a key that lost what is optional", s.key("k1"), want)
}

// invalidateKeys: a key is invalidated once, and later attempts do not change it.
func invalidateKeys(s *suite) {
	s.insertKeys("k1", "k2", "k3")
	before := s.key("k1")
	first := s.moment()
	s.update(func(tx *store.Tx) error {
		changed, err := tx.Keys.Invalidate([]string{"k2", "nothing", "k1", "k2", "k3\x00", "\xff"})
		equal(s, "the first to be invalidated", fmt.Sprint(changed), "[k1 k2]")
		return err
	})

	s.now = s.now.Add(time.Hour)
	s.update(func(tx *store.Tx) error {
		changed, err := tx.Keys.Invalidate([]string{"k1", "k2"})
		equal(s, "what was invalidated again", fmt.Sprint(changed), "[]")
		return err
	})

	want := before
	want.InvalidatedAt = first
	equal(s, "the invalidated key", s.key("k1"), want)
	equal(s, "the other key", s.key("k3").InvalidatedAt, time.Time{})
	s.view(func(tx *store.Tx) error {
		own, err := keysOf(tx, "alice")
		equal(s, "alice's keys", keyIDs(own), "[k1 k2 k3]")
		return err
	})

	s.once("invalidating a key", func(tx *store.Tx) (bool, error) {
		changed, err := tx.Keys.Invalidate([]string{"k3"})
		return len(changed) == 1, err
	})
}

// touchKeys: the latest use is stored, in whatever order uses are reported.
func touchKeys(s *suite) {
	s.insertKeys("k1", "k2")
	early, late := s.moment(), s.moment().Add(time.Second)
	s.update(func(tx *store.Tx) error {
		return tx.Keys.Touch(map[string]time.Time{"k1": late, "k2": early, "nothing": late})
	})

	s.update(func(tx *store.Tx) error { return tx.Keys.Touch(map[string]time.Time{"k1": early, "k2": late}) })
	equal(s, "a use that was reported late", s.key("k1").LastUsedAt, late)
	equal(s, "a later use", s.key("k2").LastUsedAt, late)
	s.update(func(tx *store.Tx) error { return tx.Keys.Touch(nil) })
}

// purgeKeys: only keys that ended long enough ago and unreferenced documents are deleted.
func purgeKeys(s *suite) {
	s.insertKeys("expired", "ended", "both", "late", "live")
	var ended, unused string
	s.update(func(tx *store.Tx) (err error) {
		if ended, err = tx.Documents.Put([]byte("of keys that ended")); err != nil {
			return err
		}
		unused, err = tx.Documents.Put([]byte("of no key"))
		return err
	})

	kept := s.putForLiveKey()
	soon, later := s.moment().Add(time.Minute), s.moment().Add(time.Hour)
	s.update(func(tx *store.Tx) error {
		if err := tx.Keys.Update([]string{"expired", "both"},
			store.KeyChange{Assigned: &ended, ExpiresAt: &soon}); err != nil {
			return err
		}
		if err := tx.Keys.Update([]string{"late"}, store.KeyChange{ExpiresAt: &later}); err != nil {
			return err
		}

		_, err := tx.Keys.Invalidate([]string{"ended", "both"})
		return err
	})

	s.update(func(tx *store.Tx) error {
		ids, err := tx.Keys.Purge(later)
		equal(s, "what was purged", fmt.Sprint(ids), "[both ended expired]")
		return err
	})

	s.now = s.now.Add(candidateAge)
	equal(s, "the documents that were removed", s.sweepDocuments(true).Removed, 2)

	s.view(func(tx *store.Tx) error {
		left, err := allKeys(tx)
		equal(s, "what is left", keyIDs(left), "[late live]")
		for _, id := range []string{ended, unused} {
			_, err := tx.Documents.Get(id)
			s.is(err, store.ErrNotFound)
		}

		for _, id := range kept {
			if _, err := tx.Documents.Get(id); err != nil {
				s.Errorf("a document of a live key: %v", err)
			}
		}

		return err
	})

	s.update(func(tx *store.Tx) error {
		ids, err := tx.Keys.Purge(later)
		equal(s, "what was purged again", fmt.Sprint(ids), "[]")
		return err
	})
	equal(s, "the documents that were checked again", s.sweepDocuments(true), store.DocumentSweep{})
}

// putForLiveKey stores a document of each kind for the key "live" and returns their ids.
func (s *suite) putForLiveKey() (ids []string) {
	s.update(func(tx *store.Tx) error {
		for _, text := range []string{"assigned", "limited by", "creator"} {
			id, err := tx.Documents.Put([]byte(text))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}

		return tx.Keys.Update([]string{"live"}, store.KeyChange{Assigned: &ids[0], LimitedBy: ids[1], Creator: ids[2]})
	})

	return ids
}
